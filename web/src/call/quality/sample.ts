import type { Counters, Limitation, Picture } from './counters'
import type { Slot } from '../state'

/** How one link did over the last seconds. Null is what is not known, as while nothing flows. */
export interface Sample {
  /** Unix ms. */
  at: number
  rttMs: number | null
  /** Share of packets that never came, 0 to 1: of theirs to us, and of ours to them. */
  lossIn: number | null
  lossOut: number | null
  jitterMs: number | null
  /** Bits per second, all that the link takes. */
  bpsIn: number
  bpsOut: number
  /** What the link could take of ours, bits per second. */
  availableBps: number | null
  /** Share of the time in which their picture stood still, 0 to 1. */
  frozen: number
  received: Partial<Record<Slot, Picture>>
  sent: Partial<Record<Slot, Picture>>
  limitation: Limitation
}

/** Loss is told over so many readings: over one alone a single packet would look like a fault. */
const LOSS_READINGS = 4
/** A share of fewer packets than this is chance. */
const MIN_PACKETS = 20

/** Turns what one connection has counted into what it did lately. */
export class LinkMeter {
  private past: Counters[] = []

  /** Takes a reading; null for the first, which there is nothing to compare with. */
  take(now: Counters): Sample | null {
    const before = this.past.at(-1)
    // Another connection has taken this one's place, and counts anew.
    if (before && (now.bytesIn < before.bytesIn || now.bytesOut < before.bytesOut)) this.past = []
    const last = this.past.at(-1)
    const first = this.past[0]
    this.past = [...this.past, now].slice(-LOSS_READINGS)
    if (!last || !first) return null
    const ms = Math.max(1, now.at - last.at)
    const bps = (bytes: number) => Math.max(0, (bytes * 8_000) / ms)
    return {
      at: now.at,
      rttMs: now.rttMs,
      lossIn: share(now.lostIn - first.lostIn, now.packetsIn - first.packetsIn + Math.max(0, now.lostIn - first.lostIn)),
      lossOut: share(now.lostOut - first.lostOut, now.packetsOut - first.packetsOut),
      jitterMs: now.jitterMs,
      bpsIn: bps(now.bytesIn - last.bytesIn),
      bpsOut: bps(now.bytesOut - last.bytesOut),
      availableBps: now.availableBps,
      frozen: Math.min(1, Math.max(0, (now.frozenMs - last.frozenMs) / ms)),
      received: now.received,
      sent: now.sent,
      limitation: now.limitation,
    }
  }
}

function share(lost: number, all: number): number | null {
  if (all < MIN_PACKETS) return null
  return Math.min(1, Math.max(0, lost / all))
}
