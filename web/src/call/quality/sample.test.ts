import { describe, expect, it } from 'vitest'
import { countersOf, midsOf, type Counters } from './counters'
import { gradeOf } from './grade'
import { LinkMeter, type Sample } from './sample'
import { counters, sample } from './qualitytest/readings'

const mids = { microphone: '0', camera: '1', screen: '2' }
const report = (...stats: object[]) => new Map(stats.map((stat, i) => [(stat as { id?: string }).id ?? String(i), stat]))

describe('a reading of getStats', () => {
  it('adds the streams up and knows which picture is whose', () => {
    const read = countersOf(
      report(
        { type: 'transport', selectedCandidatePairId: 'P', bytesReceived: 1000, bytesSent: 2000 },
        { id: 'P', type: 'candidate-pair', currentRoundTripTime: 0.05, availableOutgoingBitrate: 800_000 },
        { type: 'inbound-rtp', mid: '0', kind: 'audio', packetsReceived: 90, packetsLost: 10, jitter: 0.02 },
        { type: 'inbound-rtp', mid: '1', kind: 'video', packetsReceived: 50, packetsLost: 0, jitter: 0.03, frameWidth: 320, frameHeight: 240, framesPerSecond: 10, totalFreezesDuration: 1.5 },
        { type: 'inbound-rtp', mid: '2', kind: 'video', packetsReceived: 9, jitter: 0.9, frameWidth: 1920, frameHeight: 1080 },
        { type: 'outbound-rtp', mid: '1', kind: 'video', packetsSent: 70, frameWidth: 640, frameHeight: 480, framesPerSecond: 20, qualityLimitationReason: 'cpu' },
        { type: 'outbound-rtp', mid: '2', kind: 'video', packetsSent: 30, qualityLimitationReason: 'bandwidth' },
        { type: 'remote-inbound-rtp', packetsLost: 7 },
      ),
      mids,
      5,
    )
    expect(read).toEqual({
      at: 5, rttMs: 50, availableBps: 800_000, bytesIn: 1000, bytesOut: 2000, packetsIn: 149, lostIn: 10, packetsOut: 100, lostOut: 7,
      jitterMs: 30, frozenMs: 1500, received: { camera: { width: 320, height: 240, fps: 10 } }, sent: { camera: { width: 640, height: 480, fps: 20 } }, limitation: 'cpu',
    } satisfies Counters)
  })

  it('finds the slots by the order of the transceivers', () => {
    const pc = { getTransceivers: () => [{ mid: 'a' }, { mid: 'b' }] } as unknown as RTCPeerConnection
    expect(midsOf(pc)).toEqual({ microphone: 'a', camera: 'b', screen: null, screenSound: null })
  })
})

describe('a meter', () => {
  it('tells rates since the last reading and loss over the last few', () => {
    const meter = new LinkMeter()
    expect(meter.take(counters({ at: 0 }))).toBeNull()
    const next = meter.take(counters({ at: 2_000, bytesIn: 250_000, bytesOut: 125_000, packetsIn: 95, lostIn: 5, packetsOut: 200, lostOut: 20, frozenMs: 500 }))
    expect(next).toMatchObject({ bpsIn: 1_000_000, bpsOut: 500_000, lossIn: 0.05, lossOut: 0.1, frozen: 0.25 })
    // Without any new loss the old one still counts, until it is some readings back.
    const later = (at: number) => meter.take(counters({ at, bytesIn: 250_000 + at, bytesOut: 125_000 + at, packetsIn: 95 + at / 10, lostIn: 5, packetsOut: 200 + at / 10, lostOut: 20 }))
    expect(later(4_000)?.lossIn).toBeCloseTo(0.01, 2)
    later(6_000)
    later(8_000)
    expect(later(10_000)?.lossIn).toBe(0)
  })

  it('takes too few packets for no share at all', () => {
    const meter = new LinkMeter()
    meter.take(counters({ at: 0 }))
    expect(meter.take(counters({ at: 2_000, packetsIn: 5, lostIn: 5, packetsOut: 10, lostOut: 9 }))).toMatchObject({ lossIn: null, lossOut: null })
  })

  it('begins anew with another connection', () => {
    const meter = new LinkMeter()
    meter.take(counters({ at: 0, bytesIn: 9_000, bytesOut: 9_000 }))
    expect(meter.take(counters({ at: 2_000, bytesIn: 10, bytesOut: 10 }))).toBeNull()
    expect(meter.take(counters({ at: 4_000, bytesIn: 1_010, bytesOut: 1_010 }))?.bpsIn).toBe(4_000)
  })
})

describe('the grade', () => {
  it.each<[Partial<Sample>, string]>([
    [{}, 'good'],
    [{ rttMs: 249 }, 'good'],
    [{ rttMs: 300 }, 'fair'],
    [{ rttMs: 500 }, 'poor'],
    [{ lossIn: 0.02 }, 'fair'],
    [{ lossOut: 0.08 }, 'poor'],
    [{ jitterMs: 80 }, 'fair'],
    [{ frozen: 0.3 }, 'poor'],
    [{ rttMs: null, lossIn: null, lossOut: null, jitterMs: null }, 'good'],
  ])('of %o is %s', (part, grade) => expect(gradeOf(sample(part))).toBe(grade))
})
