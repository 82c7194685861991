// @vitest-environment node
import { describe, expect, it, vi } from 'vitest'
import { whileChosen } from './aloud'

/** The Web Locks of one browser: one holder, and a queue. */
function locks(): Pick<LockManager, 'request'> {
  let last: Promise<unknown> = Promise.resolve()
  const request = (_: string, { signal }: LockOptions, hold: LockGrantedCallback<unknown>) => {
    const turn = last.then(() => {
      if (signal?.aborted) throw new DOMException('given up', 'AbortError')
      return hold(null)
    })
    last = turn.catch(() => undefined)
    return turn
  }
  return { request } as Pick<LockManager, 'request'>
}

const turn = () => new Promise((resolve) => setTimeout(resolve))

describe('ringing aloud', () => {
  it('is done by one tab, and by the next when that one stops', async () => {
    const browser = locks()
    const heard: string[] = []
    const tab = (name: string) => whileChosen(() => (heard.push(name), () => heard.push(`${name} stops`)), browser)
    const [one, two, three] = [tab('one'), tab('two'), tab('three')]
    await turn()
    expect(heard).toEqual(['one'])
    two()
    one()
    await turn()
    expect(heard).toEqual(['one', 'one stops', 'three'])
    three()
    expect(heard.at(-1)).toBe('three stops')
  })

  it('needs no locks where there are none', () => {
    const stop = vi.fn()
    const start = vi.fn(() => stop)
    const end = whileChosen(start, null)
    expect(start).toHaveBeenCalledOnce()
    end()
    expect(stop).toHaveBeenCalledOnce()
  })
})
