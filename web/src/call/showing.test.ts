import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { FrameChannel } from './channel'
import { ALL_LINES, Showing } from './showing'

/** A channel of which a test sees what was said over it, as numbers of lines. */
function channel() {
  const said: number[] = []
  const open: FrameChannel & { open: boolean } = {
    open: true,
    send: (frame) => {
      if (open.open) said.push(frame[1]! * 256 + frame[2]!)
      return open.open
    },
    drained: () => Promise.resolve(true),
  }
  return { channel: open, said }
}

let bo: ReturnType<typeof channel>
let there: boolean
let showing: Showing
beforeEach(() => {
  vi.useFakeTimers()
  bo = channel()
  there = true
  showing = new Showing({ channel: (peer) => (there && peer === 'bo' ? bo.channel : null) })
})
afterEach(() => vi.useRealTimers())

const later = (ms: number) => vi.advanceTimersByTime(ms)

describe('what is told of a camera that is shown', () => {
  it('is nothing where nobody has said that it is shown anywhere', () => {
    showing.channelChanged('bo')
    later(60_000)
    expect(bo.said).toEqual([])
  })

  it('is less once it lasts, and more at once, in whole steps', () => {
    const view = showing.view('bo')
    view.set(130)
    later(1_900)
    expect(bo.said).toEqual([])
    later(200)
    expect(bo.said).toEqual([180])
    view.set(700)
    later(200)
    expect(bo.said).toEqual([180, 720])
    view.set(0)
    later(2_000)
    expect(bo.said).toEqual([180, 720, 0])
  })

  it('is not told of while it merely passes', () => {
    const view = showing.view('bo')
    view.set(180)
    later(1_000)
    view.set(ALL_LINES)
    later(60_000)
    expect(bo.said).toEqual([])
  })

  it('is told a few times while a window’s edge is dragged, and then as it is', () => {
    const view = showing.view('bo')
    for (let lines = 1_000; lines > 100; lines -= 5) {
      view.set(lines)
      later(16)
    }
    later(2_000)
    expect(bo.said.length).toBeLessThanOrEqual(3)
    expect(bo.said.at(-1)).toBe(120)
  })

  it('is what the largest of all places needs, and everything again when the last has gone', () => {
    const [tile, small] = [showing.view('bo'), showing.view('bo')]
    tile.set(100)
    small.set(300)
    later(2_000)
    expect(bo.said).toEqual([300])
    small.end()
    later(2_000)
    expect(bo.said).toEqual([300, 120])
    tile.end()
    later(200)
    expect(bo.said).toEqual([300, 120, ALL_LINES])
  })

  it('is everything while somebody needs all of everybody, also of who comes later', () => {
    showing.view('bo').set(100)
    later(2_000)
    expect([showing.holdsBack('bo', 720), showing.holdsBack('bo', 120)]).toEqual([true, false])
    const release = showing.holdAll()
    later(200)
    expect(bo.said).toEqual([120, ALL_LINES])
    expect(showing.holdsBack('bo', 720)).toBe(false)
    release()
    release()
    later(2_000)
    expect(bo.said).toEqual([120, ALL_LINES, 120])
  })

  it('is told at once over another channel, which knows nothing yet', () => {
    showing.view('bo').set(100)
    later(2_000)
    bo.channel.open = false
    showing.channelChanged('bo')
    later(60_000)
    bo.channel.open = true
    showing.channelChanged('bo')
    expect(bo.said).toEqual([120, 120])
  })
})

describe('what a peer says', () => {
  const frame = (...bytes: number[]) => Uint8Array.from(bytes)

  it('is heard, until its channel closes', () => {
    const heard: string[] = []
    showing.onAsked((peer) => heard.push(`${peer} ${showing.linesAt(peer)}`))
    expect(showing.take('bo', frame(0x20, 2, 0xd0))).toBe(true)
    expect(showing.take('bo', frame(0x20, 2, 0xd0))).toBe(true)
    expect(showing.take('bo', frame(0x20, 0, 0))).toBe(true)
    there = false
    showing.channelChanged('bo')
    expect(heard).toEqual(['bo 720', 'bo 0', 'bo null'])
  })

  it.each([[[0x20]], [[0x20, 1]], [[0x20, 1, 2, 3]]])('is no number of lines in %j, and changes nothing', (bytes) => {
    expect(showing.take('bo', frame(...bytes))).toBe(true)
    expect(showing.linesAt('bo')).toBeNull()
  })

  it('is not kept of who is not there, and not taken from what others read', () => {
    showing.take('eve', frame(0x20, 0, 1))
    expect(showing.linesAt('eve')).toBeNull()
    expect(showing.take('bo', frame(0x10, 0, 1))).toBe(false)
  })
})
