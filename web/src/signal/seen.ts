/** Splits `<source>:<n>`; null if it has another form. */
export function parseMid(mid: string): { source: string; n: number } | null {
  const colon = mid.lastIndexOf(':')
  const n = Number(mid.slice(colon + 1))
  if (colon < 1 || !Number.isSafeInteger(n) || n < 1) return null
  return { source: mid.slice(0, colon), n }
}

/**
 * The highest number had from each source: what a resume sends, so that any edge knows what we missed.
 * Bounded: sources come and go with edges, and only those heard of lately can have something left to replay.
 */
export class Seen {
  private readonly highest = new Map<string, number>()
  private readonly limit: number

  constructor(limit = 512) {
    this.limit = limit
  }

  /** Notes an event's mid; false if it, or a later one of its source, was noted before. */
  note(mid: string): boolean {
    const parsed = parseMid(mid)
    if (!parsed) return true
    const { source, n } = parsed
    const before = this.highest.get(source)
    if (before !== undefined && n <= before) return false
    // Taken out first, so that the map stays ordered by when a source was last heard.
    this.highest.delete(source)
    this.highest.set(source, n)
    if (this.highest.size > this.limit) {
      const oldest = this.highest.keys().next().value
      if (oldest !== undefined) this.highest.delete(oldest)
    }
    return true
  }

  clear(): void {
    this.highest.clear()
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries(this.highest)
  }
}
