// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Sounds, TUNES } from './sounds'

/** Web Audio as far as tones need it; notes what is begun. */
class FakeContext {
  state = 'running'
  currentTime = 10
  destination = {}
  readonly begun: { hertz: number; at: number; until: number }[] = []
  resume = vi.fn(async () => undefined)

  createGain() {
    const gain = { value: 1, setValueAtTime: vi.fn(), exponentialRampToValueAtTime: vi.fn(), setTargetAtTime: vi.fn() }
    return { gain, connect: (to: unknown) => to, disconnect: vi.fn() }
  }

  createOscillator() {
    const tone = { hertz: 0, at: 0, until: 0 }
    this.begun.push(tone)
    return {
      frequency: { set value(hertz: number) { tone.hertz = hertz } },
      connect: (to: unknown) => to,
      start: (at: number) => (tone.at = at),
      stop: (at: number) => (tone.until = at),
      onended: null,
    }
  }
}

let context: FakeContext
let touched: boolean
let sounds: Sounds

beforeEach(() => {
  vi.useFakeTimers()
  context = new FakeContext()
  touched = true
  sounds = new Sounds({ context: () => context as unknown as AudioContext, touched: () => touched })
})
afterEach(() => vi.useRealTimers())

describe('sounds', () => {
  it('are the tones of their tune', () => {
    sounds.play('declined')
    expect(context.begun.map(({ hertz }) => hertz)).toEqual([493.9, 370])
  })

  it('of a ring go on until they are stopped, and stop at once', () => {
    const stop = sounds.loop('ring')
    vi.advanceTimersByTime(6_500)
    expect(context.begun).toHaveLength(3 * TUNES.ring.tones.length)
    stop()
    expect(context.begun.at(-1)!.until).toBeCloseTo(10.1)
    vi.advanceTimersByTime(10_000)
    expect(context.begun).toHaveLength(3 * TUNES.ring.tones.length)
  })

  it('wait for the reader’s touch, as browsers want it', () => {
    touched = false
    const stop = sounds.loop('ring')
    expect(context.begun).toEqual([])
    touched = true
    vi.advanceTimersByTime(3_000)
    expect(context.begun.length).toBeGreaterThan(0)
    stop()
  })

  it('differ from each other', () => {
    const tunes = Object.values(TUNES).map(({ tones }) => JSON.stringify(tones))
    expect(new Set(tunes).size).toBe(tunes.length)
  })
})
