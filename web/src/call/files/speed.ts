/** Of the last seconds, so that it follows the network and yet can be read. */
const OVER_MS = 4_000

/** How fast something rises. */
export class Speed {
  private marks: { at: number; value: number }[] = []

  /** `value` has come so far; `at` in ms. */
  mark(value: number, at: number): void {
    this.marks.push({ at, value })
    while (this.marks.length > 2 && at - this.marks[1]!.at > OVER_MS) this.marks.shift()
  }

  /** Begins anew, as after a break. */
  reset(): void {
    this.marks = []
  }

  /** A second, at a time in ms; 0 until there is something to tell from. */
  rate(at: number): number {
    const [first, last] = [this.marks[0], this.marks.at(-1)]
    if (!first || !last || at - first.at < 250) return 0
    return ((last.value - first.value) * 1000) / (at - first.at)
  }
}
