/** Pixels that one core encodes in a second beside all else: half of a 720p picture at 30 frames. */
const PER_CORE = 14_000_000
const LEAST = 2_000_000
/** So much is taken away at each sign of too much work, and given back after so long without one. */
const DOWN = 0.75
const UP = 1.15
const UP_AFTER_MS = 20_000

/** What this machine's encoders can do together, in pixels per second: guessed from its cores, then learned from what the encoders say. */
export class Processor {
  private readonly most: number
  private budget: number
  private quietSince: number

  constructor(cores: number, now: number) {
    this.most = Math.max(1, cores) * PER_CORE
    this.budget = this.most
    this.quietSince = now
  }

  /** Takes whether any encoder is held back by the processor, returns the budget. */
  take(limited: boolean, now: number): number {
    if (limited) {
      this.budget = Math.max(LEAST, this.budget * DOWN)
      this.quietSince = now
    } else if (now - this.quietSince >= UP_AFTER_MS) {
      this.budget = Math.min(this.most, this.budget * UP)
      this.quietSince = now
    }
    return this.budget
  }
}
