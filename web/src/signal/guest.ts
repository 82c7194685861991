import { WireError } from './errors'
import type { TokenProvider } from './token'

/**
 * Tokens for a guest by this name, from an edge that takes guests. Each token is for a new user, so one is kept for as long as the session takes it.
 * `edge` is the edge's http or https origin.
 */
export function guestToken(edge: string, name: string): TokenProvider {
  let kept: string | null = null
  return async ({ fresh, user }) => {
    if (kept !== null && (!fresh || user !== undefined)) return kept
    const answer = await fetch(new URL('/v1/guest', edge), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ name }),
    })
    if (!answer.ok) {
      const code = answer.status === 429 ? 'rate_limited' : answer.status < 500 ? 'forbidden' : 'unavailable'
      throw new WireError(code, `a guest token was refused with ${answer.status}`)
    }
    return (kept = ((await answer.json()) as { token: string }).token)
  }
}
