// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MutedVoice, SpeechTest } from './mutedVoice'

describe('speech', () => {
  const first = (levels: number[]) => {
    const test = new SpeechTest()
    return levels.findIndex((level) => test.take(level))
  }

  it('is heard after half a second of it, pauses between words included', () => {
    expect(first([0.7, 0.7, 0.7, 0.7, 0.7, 0.7])).toBe(5)
    expect(first([0.7, 0.2, 0.7, 0.7, 0.2, 0.7, 0.7, 0.2, 0.7])).toBe(8)
  })

  it('is neither a cough nor the hum of a room', () => {
    expect(first([0.9, 0.9, 0.9, ...Array<number>(30).fill(0.3)])).toBe(-1)
    // Two coughs some seconds apart are two, not one sentence.
    const cough = [0.9, 0.9, 0.9, 0.9, ...Array<number>(12).fill(0.1)]
    expect(first([...cough, ...cough])).toBe(-1)
  })
})

const meters = vi.hoisted(() => [] as { track: { enabled: boolean; stopped: boolean }; heard: (level: number) => void; stopped: boolean }[])
vi.mock('./meter', () => ({
  Meter: class {
    private readonly mine: (typeof meters)[number]
    constructor(track: { enabled: boolean; stopped: boolean }, heard: (level: number) => void) {
      meters.push((this.mine = { track, heard, stopped: false }))
    }
    stop(): void {
      this.mine.stopped = true
    }
  },
}))

describe('a voice while muted', () => {
  beforeEach(() => void (meters.length = 0))
  afterEach(() => vi.clearAllMocks())
  function track(): MediaStreamTrack {
    const made = { enabled: false, stopped: false, stop: () => void (made.stopped = true), clone: track }
    return made as unknown as MediaStreamTrack
  }

  it('is heard on a clone, so that the track itself stays silent, and the clone ends with the wish', () => {
    const heard = vi.fn()
    const voice = new MutedVoice(heard)
    const own = track()
    voice.follow(own)
    voice.follow(own)
    expect(meters).toHaveLength(1)
    expect(own.enabled).toBe(false)
    expect(meters[0]!.track.enabled).toBe(true)
    for (let look = 0; look < 6; look++) meters[0]!.heard(0.8)
    expect(heard).toHaveBeenCalledOnce()
    voice.follow(null)
    expect(meters[0]).toMatchObject({ stopped: true, track: { stopped: true } })
  })
})
