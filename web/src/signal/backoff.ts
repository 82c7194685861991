/** Milliseconds; see {@link backoff}. */
export interface BackoffOptions {
  base: number
  cap: number
}

// The cap lies well under the 30 s in which a lost session can be resumed.
const DEFAULTS: BackoffOptions = { base: 400, cap: 8_000 }

/**
 * Full jitter: anything from 0 to min(cap, base·2^attempt), in ms. Spread evenly, so that the sessions of a lost edge
 * don't come back in waves.
 */
export function backoff(attempt: number, random: () => number, { base, cap }: BackoffOptions = DEFAULTS): number {
  return random() * Math.min(cap, base * 2 ** Math.min(attempt, 30))
}
