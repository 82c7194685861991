import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import type { LibraryItem } from '@/media/library/item'
import { useExport } from './useExport'

const item = { title: 'Standup', at: new Date(2026, 0, 2, 3, 4).getTime() } as LibraryItem
const made = { file: new File(['x'], 'x'), ending: 'mp4', codecs: ['VP9', 'Opus'] } as const
const make = vi.fn()
let clicked: string[]
let scope: ReturnType<typeof effectScope>
const desk = () => scope.run(() => useExport(make))!

beforeEach(() => {
  clicked = []
  scope = effectScope()
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
    clicked.push(this.download)
  })
})
afterEach(() => {
  scope.stop()
  make.mockReset()
})

describe('a download', () => {
  it('tells how far it is, then what the file is called and holds', async () => {
    const { start, running, outcome } = desk()
    let finish = (_: unknown) => {}
    make.mockImplementation((_item, _format, progress: (part: number) => void) => {
      progress(0.4)
      return new Promise((resolve) => (finish = resolve))
    })
    const done = start(item, 'mp4')
    expect(running.value).toEqual({ title: 'Standup', part: 0.4 })
    finish(made)
    await done
    expect(clicked).toEqual(['Standup 2026-01-02 03.04.mp4'])
    expect(running.value).toBe(null)
    expect(outcome.value).toEqual({ kind: 'done', name: 'Standup 2026-01-02 03.04.mp4', codecs: ['VP9', 'Opus'] })
  })

  it('is one at a time, and can be given up without a word', async () => {
    const { start, cancel, running, outcome } = desk()
    make.mockImplementation((_item, _format, _progress, signal: AbortSignal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))))
    const done = start(item, 'mp4')
    await start(item, 'audio')
    expect(make).toHaveBeenCalledOnce()
    cancel()
    await done
    expect([running.value, outcome.value, clicked]).toEqual([null, null, []])
  })

  it('says what went wrong', async () => {
    const { start, outcome } = desk()
    make.mockRejectedValueOnce(new DOMException('no file', 'NotFoundError'))
    await start(item, 'webm')
    expect(outcome.value).toEqual({ kind: 'gone' })
    make.mockRejectedValueOnce(new DOMException('no space', 'QuotaExceededError'))
    await start(item, 'mp4')
    expect(outcome.value).toEqual({ kind: 'failed' })
    make.mockResolvedValueOnce(made)
    await start(item, 'mp4')
    expect(outcome.value?.kind).toBe('done')
  })
})
