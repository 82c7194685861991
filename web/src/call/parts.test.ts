// @vitest-environment node
import { afterEach, describe, expect, it, vi } from 'vitest'
import { loudness, rms } from '../media/meter'
import { knownSlots, slotsOf } from './info'
import { freshKey } from './keys'
import { parseMessage } from './messages'
import { Pulse } from './pulse'
import type { Visibility } from './pulse'
import { Voice } from './voice'

describe('a message', () => {
  const envelope = { link: 3, for: null }
  const description = { type: 'offer', sdp: 'v=0' }

  it('of ours is read, and nothing else of it', () => {
    expect(parseMessage({ ...envelope, type: 'ready', more: 1 })).toEqual({ ...envelope, type: 'ready' })
    expect(parseMessage({ ...envelope, for: 2, type: 'description', seq: 1, description: { ...description, x: 1 } })).toEqual({
      link: 3, for: 2, type: 'description', seq: 1, description,
    })
    const candidates = [{ candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: null }]
    const more = candidates.map((candidate) => ({ ...candidate, more: 'x'.repeat(9_999) }))
    expect(parseMessage({ ...envelope, type: 'candidates', candidates: more })).toEqual({ ...envelope, type: 'candidates', candidates })
  })

  it.each([
    null, 1, 'ready', [], {},
    { ...envelope },
    { type: 'ready', link: 'x', for: null },
    { type: 'ready', link: 1 },
    { ...envelope, type: 'description', seq: 1 },
    { ...envelope, type: 'description', seq: -1, description },
    { ...envelope, type: 'description', seq: 1, description: { type: 'rollback', sdp: '' } },
    { ...envelope, type: 'candidates', candidates: [null] },
    { ...envelope, type: 'candidates', candidates: [{ candidate: '', sdpMid: 0 }] },
    { ...envelope, type: 'candidates', candidates: [{ candidate: '', sdpMLineIndex: -1 }] },
    { ...envelope, type: 'candidates', candidates: [{ candidate: '', usernameFragment: { toString: 1 } }] },
    { ...envelope, type: 'candidates', candidates: Array.from({ length: 33 }, () => ({ candidate: '' })) },
  ])('of a stranger is not: %j', (data) => expect(parseMessage(data)).toBeNull())

  it('with a candidate of endless words is not', () => {
    expect(parseMessage({ ...envelope, type: 'candidates', candidates: [{ candidate: 'x'.repeat(1_025) }] })).toBeNull()
  })
})

describe('info', () => {
  it('is read as said, and as silence where it is not', () => {
    expect(slotsOf({ slots: { microphone: true, camera: 'yes' } })).toEqual({ microphone: true, camera: false, screen: false, screenSound: false })
    for (const odd of [null, undefined, 1, {}, { slots: null }]) expect(slotsOf(odd)).toEqual({ microphone: false, camera: false, screen: false, screenSound: false })
  })
})

describe('the slots that a page knows', () => {
  it('are three where it says nothing of a screen’s sound', () => {
    expect(knownSlots({ slots: { microphone: true, camera: false, screen: false } })).toEqual(['microphone', 'camera', 'screen'])
    for (const info of [null, undefined, { slots: null }, { slots: { screenSound: false } }]) expect(knownSlots(info)).toHaveLength(4)
  })
})

describe('a key', () => {
  it('is short enough for the wire and never the same', () => {
    const keys = new Set(Array.from({ length: 1_000 }, freshKey))
    expect(keys.size).toBe(1_000)
    for (const key of keys) expect(key).toMatch(/^[\w-]{22}$/)
  })
})

describe('loudness', () => {
  it('goes from silence to full scale by decibels', () => {
    expect([0, -1, NaN, 0.0001, 1, 4].map(loudness)).toEqual([0, 0, 0, 0, 1, 1])
    expect(loudness(0.1)).toBeCloseTo(2 / 3)
    expect(rms(new Float32Array([0.5, -0.5, 0.5, -0.5]))).toBeCloseTo(0.5)
    expect(rms(new Float32Array())).toBe(0)
  })
})

describe('a voice', () => {
  let timestamp = 0
  const receiver = (audioLevel: number | undefined) => ({
    getSynchronizationSources: () => [{ source: 1, timestamp: ++timestamp, rtpTimestamp: 0, ...(audioLevel !== undefined && { audioLevel }) }],
  })

  it('speaks while it is loud, and for a moment after', () => {
    const voice = new Voice()
    expect(voice.listen(receiver(0.3), 0)).toBe(true)
    expect(voice.speaking).toBe(true)
    voice.listen(receiver(0), 500)
    expect([voice.level, voice.speaking]).toEqual([0, true])
    voice.listen(receiver(0), 700)
    expect(voice.speaking).toBe(false)
    expect(voice.listen(receiver(0), 900)).toBe(false)
  })

  it('is silent when no packets come, whatever the last one said', () => {
    const voice = new Voice()
    const source = receiver(0.5).getSynchronizationSources()
    voice.listen({ getSynchronizationSources: () => source }, 0)
    expect(voice.level).toBeGreaterThan(0)
    voice.listen({ getSynchronizationSources: () => source }, 1_000)
    expect(voice.level).toBe(0)
    voice.listen(null, 2_000)
    expect(voice.speaking).toBe(false)
  })
})

describe('a pulse', () => {
  afterEach(() => vi.useRealTimers())

  it('beats while the page is seen, and at once when it is seen again', () => {
    vi.useFakeTimers()
    const page = Object.assign(new EventTarget(), { visibilityState: 'visible' }) as unknown as Visibility & EventTarget
    const show = (visibilityState: DocumentVisibilityState) => {
      Object.assign(page, { visibilityState })
      page.dispatchEvent(new Event('visibilitychange'))
    }
    const beat = vi.fn()
    const pulse = new Pulse(1_000, beat, page)
    vi.advanceTimersByTime(2_000)
    expect(beat).toHaveBeenCalledTimes(3)
    show('hidden')
    vi.advanceTimersByTime(10_000)
    expect(beat).toHaveBeenCalledTimes(3)
    show('visible')
    expect(beat).toHaveBeenCalledTimes(4)
    pulse.stop()
    show('hidden')
    show('visible')
    expect(beat).toHaveBeenCalledTimes(4)
    expect(vi.getTimerCount()).toBe(0)
  })
})
