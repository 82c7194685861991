import type { Limits } from '../wire/wire.gen'

/** So much of what an edge allows is used: its clock and the network between can push frames together that were sent apart. */
const SHARE = 0.8

/** A bucket of tokens, as the edge keeps one. It allows everything until it is told of a limit. */
class Bucket {
  private perMs = Infinity
  private capacity = Infinity
  private tokens = Infinity
  private at = 0

  /** So many a second, and so many at once. What was used before stays used, unless it begins full. */
  begin(rate: number, burst: number, now: number, full: boolean): void {
    this.fill(now)
    this.perMs = (Math.max(1, rate) * SHARE) / 1000
    this.capacity = Math.max(1, burst * SHARE)
    this.tokens = full ? this.capacity : Math.min(this.capacity, this.tokens)
    this.at = now
  }

  /** In how many ms there will be so many, or as many as it holds. */
  wait(cost: number, now: number): number {
    this.fill(now)
    const missing = Math.min(cost, this.capacity) - this.tokens
    return missing > 0 ? Math.ceil(missing / this.perMs) : 0
  }

  take(cost: number): void {
    this.tokens = Math.max(0, this.tokens - cost)
  }

  empty(): void {
    this.tokens = Math.min(this.tokens, 0)
  }

  private fill(now: number): void {
    // A clock that was set back must not stop us.
    const gained = Math.max(0, now - this.at) * this.perMs
    if (gained > 0) this.tokens = Math.min(this.capacity, this.tokens + gained)
    this.at = now
  }
}

/**
 * How fast to send. An edge refuses what comes faster than its limits, and ends the session of who goes on regardless; after a long loss there
 * may be hundreds of requests to repeat.
 */
export class Pace {
  private readonly frames = new Bucket()
  private readonly bytes = new Bucket()

  /** A connection begins, under these limits. An edge that goes on with a session remembers what it has sent; with a fresh one nothing was. */
  begin({ rate, burst, byteRate, byteBurst }: Pick<Limits, 'rate' | 'burst' | 'byteRate' | 'byteBurst'>, now: number, fresh: boolean): void {
    this.frames.begin(rate, burst, now, fresh)
    this.bytes.begin(byteRate ?? Infinity, byteBurst ?? Infinity, now, fresh)
  }

  /** Takes leave to send a frame of so many bytes: 0 if it was given, else in how many ms to ask again. */
  take(bytes: number, now: number): number {
    const wait = Math.max(this.frames.wait(1, now), this.bytes.wait(bytes, now))
    if (wait === 0) this.spend(bytes)
    return wait
  }

  /** A frame goes out whether there is leave or not. */
  spend(bytes: number): void {
    this.frames.take(1)
    this.bytes.take(bytes)
  }

  /** The edge said that it was too fast. */
  slowDown(): void {
    this.frames.empty()
    this.bytes.empty()
  }
}
