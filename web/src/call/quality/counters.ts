import type { Stats } from '../path'
import type { Slot } from '../state'
import { SLOTS } from '../state'

/** The pictures of one stream as they are now. */
export interface Picture {
  /** Pixels. */
  width: number
  height: number
  /** Frames per second. */
  fps: number
}

/** Why an encoder sends less than it was asked for (W3C webrtc-stats, RTCQualityLimitationReason). */
export type Limitation = 'none' | 'cpu' | 'bandwidth' | 'other'

/** What one connection says of itself at one moment. Counts are since the connection began; null is what the browser doesn't tell (yet). */
export interface Counters {
  /** Unix ms. */
  at: number
  /** Round trip of the path in use, ms. */
  rttMs: number | null
  /** What this side could send by the congestion controller's estimate, bits per second. */
  availableBps: number | null
  bytesIn: number
  bytesOut: number
  packetsIn: number
  lostIn: number
  packetsOut: number
  /** Of what we sent, by the other side's reports. */
  lostOut: number
  /** The worst of the streams that come in, ms. */
  jitterMs: number | null
  /** For how long pictures stood still, ms. */
  frozenMs: number
  received: Partial<Record<Slot, Picture>>
  sent: Partial<Record<Slot, Picture>>
  limitation: Limitation
}

/** Which slot has which `mid` (JSEP §5.2.1) in the descriptions of a connection. */
export type Mids = Partial<Record<Slot, string | null>>

// As much of RTCStatsReport as is read here (W3C webrtc-stats §8).
interface Stat {
  type: string
  mid?: string
  kind?: string
  selectedCandidatePairId?: string
  currentRoundTripTime?: number
  availableOutgoingBitrate?: number
  bytesSent?: number
  bytesReceived?: number
  packetsSent?: number
  packetsReceived?: number
  packetsLost?: number
  jitter?: number
  frameWidth?: number
  frameHeight?: number
  framesPerSecond?: number
  totalFreezesDuration?: number
  qualityLimitationReason?: Limitation
  active?: boolean
}

/** The transceivers of a connection stand in the order of the slots. */
export function midsOf(pc: Pick<RTCPeerConnection, 'getTransceivers'>): Mids {
  const transceivers = pc.getTransceivers()
  return Object.fromEntries(SLOTS.map((slot, i) => [slot, transceivers[i]?.mid ?? null]))
}

/** Reads one getStats of a whole connection. */
export function countersOf(stats: Stats, mids: Mids, at: number): Counters {
  const counters: Counters = {
    at, rttMs: null, availableBps: null, bytesIn: 0, bytesOut: 0, packetsIn: 0, lostIn: 0, packetsOut: 0, lostOut: 0,
    jitterMs: null, frozenMs: 0, received: {}, sent: {}, limitation: 'none',
  }
  const slotOf = (mid: string | undefined) => SLOTS.find((slot) => mid !== undefined && mids[slot] === mid)
  stats.forEach((value) => {
    const stat = value as Stat
    switch (stat.type) {
      case 'transport': {
        counters.bytesIn += stat.bytesReceived ?? 0
        counters.bytesOut += stat.bytesSent ?? 0
        const pair = stat.selectedCandidatePairId ? (stats.get(stat.selectedCandidatePairId) as Stat | undefined) : undefined
        if (pair?.currentRoundTripTime !== undefined) counters.rttMs = pair.currentRoundTripTime * 1000
        if (pair?.availableOutgoingBitrate !== undefined) counters.availableBps = pair.availableOutgoingBitrate
        break
      }
      case 'inbound-rtp':
        received(counters, stat, slotOf(stat.mid))
        break
      case 'outbound-rtp':
        sent(counters, stat, slotOf(stat.mid))
        break
      case 'remote-inbound-rtp':
        // Duplicates count against it (RFC 3550 §6.4.1), so it can be below zero.
        counters.lostOut += stat.packetsLost ?? 0
    }
  })
  return counters
}

function received(counters: Counters, stat: Stat, slot: Slot | undefined): void {
  counters.packetsIn += stat.packetsReceived ?? 0
  counters.lostIn += stat.packetsLost ?? 0
  counters.frozenMs += (stat.totalFreezesDuration ?? 0) * 1000
  // The jitter of a stream that has had no packet for long says nothing; pictures of a screen come in bursts.
  if (stat.jitter !== undefined && slot !== 'screen' && stat.packetsReceived) {
    counters.jitterMs = Math.max(counters.jitterMs ?? 0, stat.jitter * 1000)
  }
  const picture = pictureOf(stat)
  if (slot && picture) counters.received[slot] = picture
}

function sent(counters: Counters, stat: Stat, slot: Slot | undefined): void {
  counters.packetsOut += stat.packetsSent ?? 0
  const picture = pictureOf(stat)
  if (slot && picture) counters.sent[slot] = picture
  const reason = stat.qualityLimitationReason
  // Too little bandwidth shows in the network's figures anyway; a busy processor shows only here.
  if (reason && reason !== 'none' && counters.limitation !== 'cpu') counters.limitation = reason
}

function pictureOf({ kind, frameWidth, frameHeight, framesPerSecond }: Stat): Picture | null {
  // Without a rate nothing has come or gone for a second: the size is that of the last frame.
  if (kind !== 'video' || !frameWidth || !frameHeight || !framesPerSecond) return null
  return { width: frameWidth, height: frameHeight, fps: framesPerSecond }
}
