/** How often something had come by a moment, in ms; null where that could not be told. */
export interface Count {
  at: number
  count: number | null
  /** Of which connection: another counts from nothing. */
  of: string
}

/**
 * The longest time in which nothing new came, in ms. What came between two looks is taken to have come evenly, so that a page that answered late
 * is not taken for a call that stood still.
 */
export function longestPause(counts: readonly Count[]): number {
  let longest = 0
  let last: { at: number; count: number; of: string } | null = null
  let previous = 0
  for (const { at, count, of } of counts) {
    if (last) {
      const more = count === null ? 0 : of === last.of ? count - last.count : count
      longest = Math.max(longest, more > 0 ? previous - last.at + (at - previous) / more : at - last.at)
      if (more > 0 && count !== null) last = { at, count, of }
    } else {
      last = { at, count: count ?? 0, of }
    }
    previous = at
  }
  return longest
}

/** The longest time between two looks, in ms: what happened in it is not known in full. */
export function longestBlink(counts: readonly Pick<Count, 'at'>[]): number {
  return Math.max(0, ...counts.slice(1).map(({ at }, index) => at - counts[index]!.at))
}

/** By how much a count rose, over all connections. */
export function risen(counts: readonly Count[]): number {
  let sum = 0
  let last: Count | null = null
  for (const now of counts) {
    if (now.count === null) continue
    if (last) sum += now.of === last.of ? now.count - last.count! : now.count
    last = now
  }
  return sum
}
