/** How often something had come by a moment, in ms; null where that could not be told. */
export interface Count {
  at: number
  count: number | null
  /** Of which connection: another counts from nothing. */
  of: string
  /** No pause since the look before was longer, by what the browser has measured itself, in ms. */
  bound: number
}

/**
 * The longest time in which nothing new came, in ms. A page that answers late is not taken for a call that stood still: what came between two looks
 * came as evenly as the browser says that it did.
 */
export function longestPause(counts: readonly Count[]): number {
  let longest = 0
  let last: { at: number; count: number; of: string } | null = null
  let previous = 0
  for (const { at, count, of, bound } of counts) {
    if (last) {
      const more = count === null ? 0 : of === last.of ? count - last.count : count
      const since = at - previous
      longest = Math.max(longest, previous - last.at + (more > 0 ? Math.min(since, Math.max(since / more, bound)) : since))
      if (more > 0 && count !== null) last = { at, count, of }
    } else {
      last = { at, count: count ?? 0, of }
    }
    previous = at
  }
  return longest
}

/** The longest time between two looks, in ms: of what happened in it only the counts are known. */
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
