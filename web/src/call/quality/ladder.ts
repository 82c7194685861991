import { rungFor } from './plan'

/** A rung is kept until less than this share of what it takes is there: estimates waver, and every change of size costs a large frame. */
const KEEP = 0.75
/** So long all must be well before the next step up, ms; twice as long after each step that had to be taken back. */
const CLIMB_MS = 6_000
const MAX_CLIMB_MS = 96_000
/** A step that is taken back within this time was too high. */
const FAILED_MS = 20_000
/** In the beginning the estimate is only finding its way up, ms. */
const START_MS = 8_000

/** Where one link's camera stands on the ladder of qualities: down at once, before pictures stall; up step by step, and ever more slowly where it failed. */
export class Ladder {
  /** The best rung that the network is thought to carry: what is lower for other reasons has not been tried. */
  private carried = 0
  private stands: number
  private since: number
  private wellSince: number
  private climbedAt = -Infinity
  private patience = CLIMB_MS

  /** `now` in ms by any steady clock; `top` is the best rung that makes sense. */
  constructor(top: number, now: number) {
    this.stands = top
    this.since = this.wellSince = now
  }

  /** What to stand on now that the camera may have so many bits per second; null is not known. */
  step(bps: number | null, top: number, now: number): number {
    const stood = Math.max(this.carried, top)
    // More makes sense than did: what was estimated from less finds its way up anew.
    if (stood < this.stands) this.since = now
    const unsure = now - this.since < START_MS
    const known = unsure ? null : bps
    const fits = rungFor(known, top)
    if (rungFor(known, top, KEEP) > stood) {
      if (now - this.climbedAt < FAILED_MS) this.patience = Math.min(MAX_CLIMB_MS, this.patience * 2)
      this.carried = fits
      this.wellSince = now
    } else if (unsure || this.carried <= top || fits >= this.carried) {
      // What is not known is no reason to climb.
      this.wellSince = now
    } else if (now - this.wellSince >= this.patience) {
      this.carried--
      this.wellSince = this.climbedAt = now
    }
    this.stands = Math.max(this.carried, top)
    return this.stands
  }
}
