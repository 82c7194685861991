/** So many readings in a row must agree before something is told, and before it is taken back. */
const TELL_AFTER = 3
const DROP_AFTER = 5

/**
 * Keeps what comes and goes from flickering: an item is told once it has been there for some readings in a row, and until it has been away for more.
 */
export class Steady<T> {
  private readonly keyOf: (item: T) => string
  private readonly known = new Map<string, { item: T; seen: number; missed: number; told: boolean }>()

  constructor(keyOf: (item: T) => string) {
    this.keyOf = keyOf
  }

  /** Takes a reading, returns what is to be told now, each as it was last read. */
  take(items: readonly T[]): T[] {
    const now = new Map(items.map((item) => [this.keyOf(item), item]))
    for (const [key, item] of now) {
      const seen = (this.known.get(key)?.seen ?? 0) + 1
      this.known.set(key, { item, seen, missed: 0, told: seen >= TELL_AFTER || (this.known.get(key)?.told ?? false) })
    }
    for (const [key, entry] of this.known) {
      if (now.has(key)) continue
      entry.seen = 0
      if (!entry.told || ++entry.missed >= DROP_AFTER) this.known.delete(key)
    }
    return [...this.known.values()].filter(({ told }) => told).map(({ item }) => item)
  }
}
