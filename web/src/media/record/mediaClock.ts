/** How long a lead over the other clock is remembered, in seconds. */
const WINDOW = 0.3

/**
 * The clock of a sound context, for pictures. The context's own goes in steps, of a buffer each or more on a busy machine, and is then late, never
 * early: so the page's steady clock is taken, as far ahead as the context's was lately seen to be. All in seconds.
 */
export class MediaClock {
  private readonly context: Pick<BaseAudioContext, 'currentTime'>
  private readonly steady: () => number
  private seen: { at: number; lead: number }[] = []
  private last = -Infinity

  constructor(context: Pick<BaseAudioContext, 'currentTime'>, steady = () => performance.now() / 1000) {
    this.context = context
    this.steady = steady
  }

  now(): number {
    const at = this.steady()
    const { currentTime } = this.context
    this.seen = this.seen.filter((sample) => at - sample.at < WINDOW)
    this.seen.push({ at, lead: currentTime - at })
    const now = at + Math.max(...this.seen.map(({ lead }) => lead))
    // It stands when the context stands, and never goes back.
    this.last = Math.max(this.last, Math.min(now, currentTime + WINDOW))
    return this.last
  }
}
