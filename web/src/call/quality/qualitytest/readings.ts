import type { Counters } from '../counters'
import type { Sample } from '../sample'

/** A reading in which nothing has happened yet, but for what is given. */
export function counters(part: Partial<Counters> = {}): Counters {
  return {
    at: 0, rttMs: 20, availableBps: 2_000_000, bytesIn: 0, bytesOut: 0, packetsIn: 0, lostIn: 0, packetsOut: 0, lostOut: 0,
    jitterMs: 5, frozenMs: 0, received: {}, sent: {}, limitation: 'none', ...part,
  }
}

/** A link that does well, but for what is given. */
export function sample(part: Partial<Sample> = {}): Sample {
  return {
    at: 0, rttMs: 20, lossIn: 0, lossOut: 0, jitterMs: 5, bpsIn: 500_000, bpsOut: 500_000, availableBps: 2_000_000,
    frozen: 0, received: {}, sent: {}, limitation: 'none', ...part,
  }
}
