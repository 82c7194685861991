// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Meter } from './meter'

const track = {} as MediaStreamTrack

/** An AudioContext as far as a meter uses it, with a microphone at half of full scale. */
class FakeContext {
  static made: FakeContext[] = []
  static refuses: 'context' | 'source' | null = null
  state: AudioContextState = 'running'
  readonly disconnect = vi.fn()
  readonly resume = vi.fn(() => Promise.resolve())
  readonly close = vi.fn(() => Promise.resolve(void (this.state = 'closed')))

  constructor() {
    if (FakeContext.refuses === 'context') throw new DOMException('there are too many', 'NotSupportedError')
    FakeContext.made.push(this)
  }

  createAnalyser() {
    return { fftSize: 0, getFloatTimeDomainData: (samples: Float32Array) => samples.fill(0.5) }
  }

  createMediaStreamSource() {
    if (FakeContext.refuses === 'source') throw new DOMException('another rate', 'NotSupportedError')
    return { connect: () => undefined, disconnect: this.disconnect }
  }
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('AudioContext', FakeContext)
  vi.stubGlobal('MediaStream', class {})
  FakeContext.made = []
  FakeContext.refuses = null
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('a meter', () => {
  it('tells how loud it is until it is stopped', () => {
    const heard: number[] = []
    const meter = new Meter(track, (level) => heard.push(level))
    vi.advanceTimersByTime(250)
    meter.stop()
    vi.advanceTimersByTime(1_000)
    expect(heard.map((level) => level.toFixed(1))).toEqual(['0.9', '0.9'])
    expect(FakeContext.made[0]?.state).toBe('closed')
    expect(FakeContext.made[0]?.disconnect).toHaveBeenCalledOnce()
  })

  it.each(['context', 'source'] as const)('hears nothing, throws nothing and leaves nothing behind where the browser gives no %s', (what) => {
    FakeContext.refuses = what
    const heard = vi.fn()
    const meter = new Meter(track, heard)
    vi.advanceTimersByTime(1_000)
    meter.stop()
    expect(heard).not.toHaveBeenCalled()
    expect(FakeContext.made.filter(({ state }) => state !== 'closed')).toEqual([])
  })
})
