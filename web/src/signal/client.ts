import type { SignalState } from '../call/state'
import type { Events, HelloOk, Op, Ops } from '../wire/wire.gen'
import { CLOSE, MAX_FRAME_BYTES } from '../wire/wire.gen'
import { Attempt, HELLO_ID } from './attempt'
import { backoff } from './backoff'
import { afterClose, CLOSE_END, CLOSE_RECONNECT, stopError } from './close'
import { WireError } from './errors'
import { Listeners } from './listeners'
import { Pace } from './pace'
import { Pass } from './pass'
import { Renewal } from './renewal'
import { Requests } from './requests'
import { Seen } from './seen'
import type { OpenWebSocket, Socket } from './socket'
import type { TokenProvider } from './token'
import { tokenExpiry } from './token'

export interface SignalOptions {
  /** ws: or wss: address of an edge's /v1/ws. */
  url: string
  token: TokenProvider
  openWebSocket?: OpenWebSocket
  /** In [0, 1), for the jitter. */
  random?: () => number
  /** 10 s unless told. */
  requestTimeoutMs?: number
}

/**
 * What a hello came to. `new`: the first session. `resumed`: nothing was missed, or it follows now. `gap`: still the same
 * session, but events are missing, so rosters and histories have to be read anew. `replaced`: another session and peer id, in no room.
 */
export type Greeting = { kind: 'new' | 'resumed' | 'gap' | 'replaced'; hello: HelloOk }

type Timer = ReturnType<typeof setTimeout> | undefined

// A connection that lived this long was a good one: the next loss starts the backoff from the beginning.
const STABLE_MS = 5_000
// After sleep or a change of network a dead connection shows only when it is tried.
const WAKE_PING_MS = 3_000
// An attempt that is older than this when the network comes back was begun in another network.
const STALE_ATTEMPT_MS = 2_000
// A goaway is for soon; an edge does not wait longer for its sessions to leave.
const MAX_GOAWAY_MS = 60_000
// For so long after we gave up waiting for it, an edge may still be at work on a hello.
const STRAY_MS = 20_000
/** Events that edges never repeat, so that a repeat would be taken for another event. The others may repeat by contract. */
const ONCE: ReadonlySet<string> = new Set(['signal', 'post', 'ring', 'call'])

/**
 * The line to the mesh: one session, over as many WebSockets as it takes. Requests get their answers and events come
 * in order through losses of the connection; what could not be saved is told by {@link onHello}.
 */
export class SignalClient {
  state: SignalState = 'connecting'
  /** The latest greeting; null before the first. */
  hello: HelloOk | null = null
  /** When that was, in Unix ms by this machine's clock. */
  greetedAt = 0
  /** Why the client stopped by itself; null while it goes on, and after {@link close}. */
  error: WireError | null = null

  private readonly options: Required<SignalOptions>
  private readonly requests = new Requests()
  private readonly seen = new Seen()
  private readonly events = new Map<string, Listeners<never>>()
  private readonly states = new Listeners<SignalState>()
  private readonly greetings = new Listeners<Greeting>()

  private readonly pass: Pass
  private readonly pace = new Pace()
  private readonly renewal: Renewal

  /** The connection that carries the session. */
  private line: Socket | null = null
  /** The one that is to carry it next. The line may well live meanwhile: an edge that is about to stop is left only when another has taken over. */
  private attempt: Attempt | null = null
  private running = false
  private attempts = 0
  /** Until when (Unix ms) a hello of ours that was given up may still take effect somewhere, and end the line as if by another's. */
  private strayUntil = 0
  private retryTimer: Timer
  /** Of the line; they end with it. */
  private timers: { ping?: Timer; stable?: Timer; goaway?: Timer; flush?: Timer } = {}

  constructor(options: SignalOptions) {
    this.options = {
      openWebSocket: (url, protocol) => new WebSocket(url, protocol),
      random: Math.random,
      requestTimeoutMs: 10_000,
      ...options,
    }
    this.pass = new Pass(this.options.token)
    this.renewal = new Renewal({
      provider: this.options.token,
      token: () => this.pass.token,
      bring: async (token) => {
        const { expiresAt } = await this.request('refresh', { token })
        this.pass.token = token
        return expiresAt ?? tokenExpiry(token)
      },
    })
  }

  /** Connects, and keeps connecting until {@link close} or an end that forbids it. */
  start(): void {
    if (this.running) return
    this.running = true
    this.error = null
    this.attempts = 0
    this.pass.reset()
    this.setState('connecting')
    this.connect()
  }

  /** Ends the session: the peer leaves all its rooms at once. */
  close(): void {
    this.finish(new WireError('gone', 'the session was closed'), CLOSE_END)
  }

  /** The network or the page came back: try now what would have been tried later. */
  wake(): void {
    if (!this.running) return
    // What failed before says nothing about the network as it is now.
    this.attempts = 0
    if (this.line) this.ping(WAKE_PING_MS)
    else if (!this.attempt || Date.now() - this.attempt.since > STALE_ATTEMPT_MS) this.connect()
  }

  /**
   * Resolves with the ok, rejects with a {@link WireError}. Made while the connection is away, it waits. What can be
   * repeated (idempotent ops, and those with a key) lives as long as the session; the rest fails with it being lost.
   */
  request<K extends Op>(op: K, args: Ops[K]['args'], timeoutMs = this.options.requestTimeoutMs): Promise<Ops[K]['ok']> {
    return new Promise((resolve, reject) => {
      if (this.state === 'closed') {
        reject(this.error ?? new WireError('gone', 'the session is closed'))
        return
      }
      const request = this.requests.add(op, args, timeoutMs, (ok) => resolve(ok as Ops[K]['ok']), reject)
      if (!request) return
      const limit = this.hello?.limits.frameBytes ?? MAX_FRAME_BYTES
      // The edge would end the session over it.
      if (request.bytes > limit) {
        this.requests.take(request.id)
        reject(new WireError('too_large', `${op} takes more than ${limit} bytes`))
        return
      }
      this.flush()
    })
  }

  on<E extends keyof Events>(event: E, listener: (event: Events[E]) => void): () => void {
    let listeners = this.events.get(event)
    if (!listeners) this.events.set(event, (listeners = new Listeners<never>()))
    return listeners.add(listener as (event: never) => void)
  }

  onState(listener: (state: SignalState) => void): () => void {
    return this.states.add(listener)
  }

  /** Told right after a hello's ok, before anything that was missed and before any repeated request is answered. */
  onHello(listener: (greeting: Greeting) => void): () => void {
    return this.greetings.add(listener)
  }

  private connect(): void {
    clearTimeout(this.retryTimer)
    this.retryTimer = undefined
    this.forgetAttempt()
    const { url, openWebSocket } = this.options
    const { pass } = this
    this.attempt = new Attempt({
      url,
      openWebSocket,
      token: () => pass.ready(),
      hello: () => (pass.session ? { resume: { session: pass.session.session, key: pass.session.key, seen: this.seen.toJSON() } } : {}),
      answered: (frame, socket) => this.answered(frame, socket),
      noToken: (error) => {
        this.attempt = null
        if (error === null) this.finish(stopError(CLOSE.badToken, ''), CLOSE_END)
        else if (error.code === 'bad_token' || error.code === 'forbidden') this.finish(error, CLOSE_END)
        else this.retry()
      },
      failed: (code, reason) => {
        this.forgetAttempt()
        this.ended(code, reason)
      },
    })
  }

  /** Gives up an attempt, should there be one, whose hello was not answered. */
  private forgetAttempt(): void {
    if (this.attempt?.asked) this.strayUntil = Date.now() + STRAY_MS
    this.attempt?.abandon()
    this.attempt = null
  }

  /** A hello got its answer. */
  private answered(frame: Record<string, unknown>, socket: Socket): void {
    this.attempt = null
    if (frame.ok) {
      this.greeted(frame.ok as HelloOk, socket)
      return
    }
    const { code = '', message = '' } = (frame.error ?? {}) as { code?: string; message?: string }
    // The close that follows says the same, but may be lost.
    const closes: Record<string, number> = {
      gone: CLOSE.sessionUnknown,
      unauthorized: CLOSE.badToken,
      forbidden: CLOSE.forbidden,
      bad_request: CLOSE.protocol,
    }
    socket.abandon(CLOSE_RECONNECT)
    this.ended(closes[code] ?? 1006, message)
  }

  private received(frame: Record<string, unknown>): void {
    if (typeof frame.ev === 'string') this.event(frame as unknown as Events[keyof Events])
    else if (typeof frame.id === 'number') this.answer(frame.id, frame)
  }

  private answer(id: number, frame: Record<string, unknown>): void {
    const ok = frame.ok as Record<string, unknown> | undefined
    const error = frame.error as { code: WireError['code']; message: string } | undefined
    if (id === HELLO_ID) return
    if (typeof ok?.key === 'string' && this.pass.session) this.pass.session.key = ok.key
    if (error?.code === 'rate_limited') this.pace.slowDown()
    const request = this.requests.take(id)
    if (!request) return
    if (error) request.reject(new WireError(error.code, error.message))
    else request.resolve(ok ?? {})
  }

  private greeted(hello: HelloOk, socket: Socket): void {
    const before = this.hello
    const kind = !before ? 'new' : hello.session !== before.session ? 'replaced' : hello.resumed ? 'resumed' : 'gap'
    this.endLine()
    this.line = socket
    socket.handlers = {
      open: () => undefined,
      frame: (frame) => this.received(frame),
      closed: (code, reason) => this.dropped(code, reason),
    }
    this.hello = hello
    this.greetedAt = Date.now()
    this.pass.accepted({ session: hello.session, key: hello.key, user: hello.user.id })
    this.pace.begin(hello.limits, Date.now(), kind === 'new' || kind === 'replaced')
    if (kind === 'replaced') {
      // The old session's rooms are gone, so its requests mean nothing to the new one.
      this.seen.clear()
      this.requests.fail(new WireError('unavailable', 'the session was lost before the request was answered'))
    }
    this.requests.expire(hello.limits.replayMs)
    this.timers.stable = setTimeout(() => (this.attempts = 0), STABLE_MS)
    this.beatLater()
    this.renewal.begin(hello.user.id, tokenExpiry(this.pass.token))
    this.setState('open')
    this.greetings.emit({ kind, hello })
    this.flush()
  }

  private event(event: Events[keyof Events]): void {
    const fresh = event.mid === undefined || this.seen.note(event.mid)
    // Edges replay without repeats; but when the line moves, the old one goes on until the new one has taken over.
    if (!fresh && ONCE.has(event.ev)) return
    if (event.ev === 'goaway') {
      clearTimeout(this.timers.goaway)
      this.timers.goaway = setTimeout(() => this.moveOn(), Math.min(Math.max(0, Number(event.reconnectAfterMs) || 0), MAX_GOAWAY_MS))
    }
    this.events.get(event.ev)?.emit(event as never)
  }

  /** Leaves an edge that is about to stop, for any other. The line lives on until that one has taken the session over. */
  private moveOn(): void {
    if (!this.attempt) this.connect()
  }

  /** The line has ended. */
  private dropped(code: number, reason: string): void {
    this.endLine()
    if (this.attempt) {
      // On its way to another edge already, whose answer counts. If the hello is out, this end is most likely that answer's herald.
      if (!this.attempt.asked) this.setState('reconnecting')
      return
    }
    this.ended(code, reason)
  }

  /** What to do when the line or an attempt has ended. */
  private ended(code: number, reason: string): void {
    const stray = code === CLOSE.resumed && Date.now() < this.strayUntil
    const next = stray ? 'resume' : afterClose(code)
    if (stray) this.strayUntil = 0
    if (next === 'stop' && !(code === CLOSE.badToken && this.pass.refused())) {
      this.finish(stopError(code, reason), CLOSE_END)
      return
    }
    if (code === CLOSE.tokenExpired) this.pass.tokenExpired()
    else if (next === 'hello') this.pass.sessionEnded()
    this.retry()
  }

  /** The line is of no use any more: what was asked on it waits to be asked again. */
  private endLine(): void {
    this.quiet()
    if (!this.line) return
    this.line.abandon(CLOSE_RECONNECT)
    this.line = null
    this.requests.lost()
  }

  private retry(): void {
    if (this.line) this.flush()
    else this.setState(this.hello ? 'reconnecting' : 'connecting')
    clearTimeout(this.retryTimer)
    this.retryTimer = setTimeout(() => this.connect(), backoff(this.attempts++, this.options.random))
  }

  private finish(error: WireError, code: number): void {
    if (this.state === 'closed') return
    this.running = false
    clearTimeout(this.retryTimer)
    this.quiet()
    this.attempt?.abandon()
    this.attempt = null
    this.line?.abandon(code)
    this.line = null
    this.pass.sessionEnded()
    this.error = error.code === 'gone' ? null : error
    this.setState('closed')
    this.requests.fail(error)
  }

  private flush(): void {
    // Once a hello is out, the edge of the line may have been relieved of the session: what it is asked now could be lost.
    if (!this.line || this.attempt?.asked || this.timers.flush !== undefined) return
    for (const request of this.requests.unsent()) {
      const wait = this.pace.take(request.bytes, Date.now())
      if (wait > 0) {
        this.timers.flush = setTimeout(() => {
          this.timers.flush = undefined
          this.flush()
        }, wait)
        return
      }
      this.requests.sent(request)
      this.line.send(request.frame)
    }
  }

  /**
   * Keeps the line alive. The next ping is set off by the answer to the last, since a hidden page's timers that were set off by timers run once a
   * minute, and a session that is silent for so long is cut.
   */
  private beatLater(): void {
    clearTimeout(this.timers.ping)
    const every = Math.max(1_000, (this.hello?.heartbeat ?? 30_000) * 0.7)
    this.timers.ping = setTimeout(() => this.ping(this.options.requestTimeoutMs), every)
  }

  private ping(timeoutMs: number): void {
    const { line } = this
    if (!line) return
    const request = this.requests.add(
      'ping', {}, timeoutMs,
      () => this.line === line && this.beatLater(),
      ({ code }) => {
        if (this.line !== line) return
        if (code === 'unavailable') line.fail('a ping was not answered')
        else this.beatLater()
      },
    )
    if (!request) return
    // Ahead of what waits: it is to tell whether waiting makes sense.
    this.pace.spend(request.bytes)
    this.requests.sent(request)
    line.send(request.frame)
  }

  /** Stops what the line keeps going. */
  private quiet(): void {
    for (const timer of Object.values(this.timers)) clearTimeout(timer)
    this.timers = {}
    this.renewal.stop()
  }

  private setState(state: SignalState): void {
    if (state === this.state) return
    this.state = state
    this.states.emit(state)
  }
}
