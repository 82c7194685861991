import type { TokenProvider } from './token'
import { refreshDelay } from './token'

export interface RenewalOptions {
  provider: TokenProvider
  /** The token that the session lives by now. */
  token: () => string
  /** Brings the edge a token; resolves with the time (Unix ms) until when the session lasts now. */
  bring: (token: string) => Promise<number | null>
}

// How soon to ask again when no other token could be had, or it could not be brought.
const AGAIN_MS = 10_000

/** Keeps a session from ending with its token: in time, it asks for another one of the same user. */
export class Renewal {
  private readonly options: RenewalOptions
  private timer: ReturnType<typeof setTimeout> | undefined
  /** Of the latest begin; whatever belongs to an earlier one has no effect any more. */
  private turn = 0

  constructor(options: RenewalOptions) {
    this.options = options
  }

  /** The session of this user ends at this time, in Unix ms; null if nobody knows. */
  begin(user: string, expiresAt: number | null): void {
    this.stop()
    if (expiresAt !== null) this.wait(user, expiresAt, refreshDelay(expiresAt, Date.now()))
  }

  stop(): void {
    this.turn++
    clearTimeout(this.timer)
  }

  private wait(user: string, expiresAt: number, ms: number): void {
    const { turn } = this
    this.timer = setTimeout(() => void this.renew(user, expiresAt, turn), ms)
  }

  private async renew(user: string, expiresAt: number, turn: number): Promise<void> {
    const { provider, token: known, bring } = this.options
    try {
      const token = await provider({ fresh: true, user })
      if (turn !== this.turn) return
      if (token !== known()) {
        const until = await bring(token)
        if (turn === this.turn) this.begin(user, until)
        return
      }
    } catch {
      // The token still holds for a while. When it no longer does, the edge closes with 4102 and the next hello brings a fresh one.
    }
    if (turn === this.turn && Date.now() < expiresAt) this.wait(user, expiresAt, AGAIN_MS)
  }
}
