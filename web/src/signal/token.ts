/**
 * Gives the token for the next hello or refresh. `fresh` asks for one that has just been issued, because the last is
 * about to expire or was refused; the provider may return the same again if it can do no better. `user` is whose session it is to go on
 * with: a token of anybody else is of no use then, so one that is about to expire is the better answer.
 */
export type TokenProvider = (need: { fresh: boolean; user?: string }) => Promise<string>

/** When a JWT expires, in Unix ms; null if it doesn't say. The edge verifies it, we only want to be in time. */
export function tokenExpiry(token: string): number | null {
  const payload = token.split('.')[1]
  if (!payload) return null
  try {
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
    const exp = (claims as { exp?: unknown } | null)?.exp
    return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : null
  } catch {
    return null
  }
}

// A provider that gives the old token again must not be asked in a tight loop.
const MIN_DELAY_MS = 5_000
// Timers hold 31 bits; a longer one would fire at once.
const MAX_DELAY_MS = 2 ** 31 - 1

/** How long to wait before asking for a new token, in ms: the last tenth of its life, but a minute at most, is left for trying. */
export function refreshDelay(expiresAt: number, now: number): number {
  const left = expiresAt - now
  return Math.min(Math.max(MIN_DELAY_MS, left - Math.min(60_000, left / 10)), MAX_DELAY_MS)
}
