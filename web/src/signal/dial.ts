import type { HelloOk } from '../wire/wire.gen'
import { CLOSE } from '../wire/wire.gen'
import { Attempt } from './attempt'
import { CLOSE_RECONNECT } from './close'
import type { WireError } from './errors'
import type { Pass } from './pass'
import type { Seen } from './seen'
import type { OpenWebSocket, Socket } from './socket'

export interface DialOptions {
  url: string
  openWebSocket: OpenWebSocket
  pass: Pass
  seen: Seen
  greeted: (hello: HelloOk, socket: Socket) => void
  /** There is no token to say hello with; null if the provider has none at all. */
  noToken: (error: WireError | null) => void
  /** The attempt came to an end like that of a connection. */
  failed: (code: number, reason: string) => void
}

// An attempt that is older than this when the network comes back was begun in another network.
const STALE_ATTEMPT_MS = 2_000
// For so long after we gave up waiting for it, an edge may still be at work on a hello.
const STRAY_MS = 20_000

/** What an edge's error to a hello comes to. The close that follows says the same, but may be lost. */
const CLOSES: Readonly<Record<string, number>> = {
  gone: CLOSE.sessionUnknown,
  unauthorized: CLOSE.badToken,
  forbidden: CLOSE.forbidden,
  bad_request: CLOSE.protocol,
}

/** Finds the connection that is to carry the session next: one attempt at a time, a new one in place of the last. */
export class Dial {
  private readonly options: DialOptions
  private attempt: Attempt | null = null
  /** Until when (Unix ms) a hello of ours that was given up may still take effect somewhere, and end the line as if by another's. */
  private strayUntil = 0

  constructor(options: DialOptions) {
    this.options = options
  }

  /** An attempt is being made. */
  get busy(): boolean {
    return this.attempt !== null
  }

  /** Its hello is out. */
  get asked(): boolean {
    return this.attempt?.asked ?? false
  }

  /** Nothing is being tried that was begun in the network as it is now. */
  get stale(): boolean {
    return !this.attempt || Date.now() - this.attempt.since > STALE_ATTEMPT_MS
  }

  /** Makes a new attempt, in place of the last. */
  begin(): void {
    this.giveUp()
    const { url, openWebSocket, pass, seen } = this.options
    this.attempt = new Attempt({
      url,
      openWebSocket,
      token: () => pass.ready(),
      hello: () => (pass.session ? { resume: { session: pass.session.session, key: pass.session.key, seen: seen.toJSON() } } : {}),
      answered: (frame, socket) => this.answered(frame, socket),
      noToken: (error) => {
        this.attempt = null
        this.options.noToken(error)
      },
      failed: (code, reason) => {
        this.giveUp()
        this.options.failed(code, reason)
      },
    })
  }

  /** Ends the session's search: there is nothing any more that a hello of ours could still take over. */
  end(): void {
    this.attempt?.abandon()
    this.attempt = null
    this.strayUntil = 0
  }

  /** Gives an attempt up, should there be one, whose hello may still take effect. */
  private giveUp(): void {
    if (this.asked) this.strayUntil = Date.now() + STRAY_MS
    this.attempt?.abandon()
    this.attempt = null
  }

  /** Whether the line's end by this code is most likely the work of a hello of ours that was given up. It is so once. */
  strayed(code: number): boolean {
    const stray = code === CLOSE.resumed && Date.now() < this.strayUntil
    if (stray) this.strayUntil = 0
    return stray
  }

  private answered(frame: Record<string, unknown>, socket: Socket): void {
    this.attempt = null
    if (frame.ok) {
      this.options.greeted(frame.ok as HelloOk, socket)
      return
    }
    const { code = '', message = '' } = (frame.error ?? {}) as { code?: string; message?: string }
    socket.abandon(CLOSE_RECONNECT)
    this.options.failed(CLOSES[code] ?? 1006, message)
  }
}
