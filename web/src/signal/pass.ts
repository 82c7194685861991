import type { TokenProvider } from './token'

/** A session that can be gone on with: its name, the newest key that proves it, and whose it is. */
export interface Resumable {
  session: string
  key: string
  user: string
}

/**
 * What a hello shows: a token, and the session to go on with. An edge does not say which of the two it refused, and a refused hello must not be
 * repeated as it was; so this changes one thing after another, what costs the least first, until there is nothing left to change.
 */
export class Pass {
  /** The token that was shown last. */
  token = ''
  session: Resumable | null = null

  private readonly provider: TokenProvider
  private fresh = false
  private refusedToken: string | null = null

  constructor(provider: TokenProvider) {
    this.provider = provider
  }

  /** Gets the token for the next hello; null if only those are left that were refused. Rejects if none can be had now. */
  async ready(): Promise<string | null> {
    for (;;) {
      const user = this.session?.user
      const token = await this.provider({ fresh: this.fresh, ...(user !== undefined && { user }) })
      this.fresh = false
      if (token !== this.refusedToken) return (this.token = token)
      if (!this.session) return null
      this.giveUpSession()
    }
  }

  /** The hello was refused for what it showed. False when there is nothing left to change. */
  refused(): boolean {
    if (this.refusedToken === null) {
      this.refusedToken = this.token
      this.fresh = true
    } else if (this.session) {
      this.giveUpSession()
    } else {
      return false
    }
    return true
  }

  accepted(session: Resumable): void {
    this.session = session
    this.reset()
  }

  /** The session is over. */
  sessionEnded(): void {
    this.session = null
  }

  /** The session is over because its token is: another one is needed. */
  tokenExpired(): void {
    this.session = null
    this.fresh = true
  }

  reset(): void {
    this.fresh = false
    this.refusedToken = null
  }

  /** The next hello is for a session of its own, for which any token will do, also the last one. */
  private giveUpSession(): void {
    this.session = null
    this.reset()
  }
}
