import { beforeEach, describe, expect, it, vi } from 'vitest'
import { MAX_SIZE } from '@/call/files/frames'
import { peerView } from '@/components/componenttest/mounted'
import { useFileChoice } from './useFileChoice'

const send = vi.fn()
const file = (name = 'a.txt', size = 1) => ({ name, size }) as File
const choice = (...names: string[]) => useFileChoice(() => names.map((name) => peerView(name)), send)

beforeEach(() => send.mockClear())

describe('chosen files', () => {
  it('go to the only other at once', () => {
    const { choose, chosen } = choice('Bo')
    choose([file()])
    expect(send).toHaveBeenCalledWith([file()], ['p-Bo'])
    expect(chosen.value).toEqual([])
  })

  it('wait for a word of for whom they are, where there are several', () => {
    const { choose, chosen, offer } = choice('Bo', 'Cy')
    choose([file()])
    expect(send).not.toHaveBeenCalled()
    expect(chosen.value).toEqual([file()])
    offer(['p-Cy'])
    expect(send).toHaveBeenCalledWith([file()], ['p-Cy'])
    expect(chosen.value).toEqual([])
  })

  it('are refused with words: nobody there, too many, too large', () => {
    for (const [names, files, key] of [
      [[], [file()], 'files.nobody'],
      [['Bo'], Array.from({ length: 11 }, () => file()), 'files.tooMany'],
      [['Bo'], [file('big.iso', MAX_SIZE + 1)], 'files.tooLarge'],
    ] as const) {
      const { choose, trouble } = choice(...names)
      choose([...files])
      expect(trouble.value?.key).toBe(key)
    }
    expect(send).not.toHaveBeenCalled()
  })
})
