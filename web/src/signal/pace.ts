/** So much of what an edge allows is used: its clock and the network between can push frames together that were sent apart. */
const SHARE = 0.8

/**
 * How fast to send. An edge refuses what comes faster than its limits, and ends the session of who goes on regardless; after a long loss there
 * may be hundreds of requests to repeat. A bucket of tokens, as the edge keeps one.
 */
export class Pace {
  private perMs = Infinity
  private capacity = Infinity
  private tokens = Infinity
  private at = 0

  /** A connection begins, under these limits: frames a second, and frames at once. */
  begin({ rate, burst }: { rate: number; burst: number }, now: number): void {
    this.perMs = (Math.max(1, rate) * SHARE) / 1000
    this.capacity = Math.max(1, burst * SHARE)
    this.tokens = this.capacity
    this.at = now
  }

  /** Takes leave to send a frame: 0 if it was given, else in how many ms to ask again. */
  take(now: number): number {
    // A clock that was set back must not stop us.
    this.tokens = Math.min(this.capacity, this.tokens + Math.max(0, now - this.at) * this.perMs)
    this.at = now
    if (this.tokens < 1) return Math.ceil((1 - this.tokens) / this.perMs)
    this.tokens--
    return 0
  }

  /** The edge said that it was too fast. */
  slowDown(): void {
    this.tokens = Math.min(this.tokens, 0)
  }
}
