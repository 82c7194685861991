import type { SignalState } from '../call/state'
import type { Events, HelloOk, Op, Ops } from '../wire/wire.gen'
import { CLOSE, MAX_FRAME_BYTES } from '../wire/wire.gen'
import { HELLO_ID } from './attempt'
import { backoff } from './backoff'
import { afterClose, CLOSE_END, CLOSE_RECONNECT, stopError } from './close'
import { Dial } from './dial'
import { WireError } from './errors'
import { Line } from './line'
import { Listeners } from './listeners'
import { Pace } from './pace'
import { Pass } from './pass'
import { Renewal } from './renewal'
import { Requests } from './requests'
import { Seen } from './seen'
import type { OpenWebSocket, Socket } from './socket'
import type { TokenProvider } from './token'
import { tokenExpiry } from './token'

/** Where the edge is and who we are. */
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

// After sleep or a change of network a dead connection shows only when it is tried.
const WAKE_PING_MS = 3_000
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
  private line: Line | null = null
  /** The one that is to carry it next. The line may well live meanwhile: an edge that is about to stop is left only when another has taken over. */
  private readonly dial: Dial
  private running = false
  private attempts = 0
  private retryTimer: Timer

  constructor(options: SignalOptions) {
    this.options = {
      openWebSocket: (url, protocol) => new WebSocket(url, protocol),
      random: Math.random,
      requestTimeoutMs: 10_000,
      ...options,
    }
    this.pass = new Pass(this.options.token)
    const { url, openWebSocket } = this.options
    this.dial = new Dial({
      url,
      openWebSocket,
      pass: this.pass,
      seen: this.seen,
      greeted: (hello, socket) => this.greeted(hello, socket),
      noToken: (error) => {
        if (error === null) this.finish(stopError(CLOSE.badToken, ''), CLOSE_END)
        else if (error.code === 'bad_token' || error.code === 'forbidden') this.finish(error, CLOSE_END)
        else this.retry()
      },
      failed: (code, reason) => this.ended(code, reason),
    })
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
    if (this.line) this.line.ping(WAKE_PING_MS)
    else if (this.dial.stale) this.connect()
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
      this.line?.flush()
    })
  }

  /** Hears an event of the protocol, see PROTOCOL.md, until the returned function is called. */
  on<E extends keyof Events>(event: E, listener: (event: Events[E]) => void): () => void {
    let listeners = this.events.get(event)
    if (!listeners) this.events.set(event, (listeners = new Listeners<never>()))
    return listeners.add(listener as (event: never) => void)
  }

  /** Hears the state of the line whenever it changes, until the returned function is called. */
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
    this.dial.begin()
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
    this.line = new Line({
      socket,
      requests: this.requests,
      pace: this.pace,
      heartbeat: hello.heartbeat,
      answerMs: this.options.requestTimeoutMs,
      held: () => this.dial.asked,
      received: (frame) => this.received(frame),
      closed: (code, reason) => this.dropped(code, reason),
      stable: () => (this.attempts = 0),
      moveOn: () => this.moveOn(),
    })
    this.renewal.begin(hello.user.id, tokenExpiry(this.pass.token))
    this.setState('open')
    this.greetings.emit({ kind, hello })
    this.line?.flush()
  }

  private event(event: Events[keyof Events]): void {
    const fresh = event.mid === undefined || this.seen.note(event.mid)
    // Edges replay without repeats; but when the line moves, the old one goes on until the new one has taken over.
    if (!fresh && ONCE.has(event.ev)) return
    if (event.ev === 'goaway') this.line?.goaway(Number(event.reconnectAfterMs) || 0)
    this.events.get(event.ev)?.emit(event as never)
  }

  /** Leaves an edge that is about to stop, for any other. The line lives on until that one has taken the session over. */
  private moveOn(): void {
    if (!this.dial.busy) this.connect()
  }

  /** The line has ended. */
  private dropped(code: number, reason: string): void {
    this.endLine()
    if (this.dial.busy) {
      // On its way to another edge already, whose answer counts. If the hello is out, this end is most likely that answer's herald.
      if (!this.dial.asked) this.setState('reconnecting')
      return
    }
    this.ended(code, reason)
  }

  /** What to do when the line or an attempt has ended. */
  private ended(code: number, reason: string): void {
    const next = this.dial.strayed(code) ? 'resume' : afterClose(code)
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
    this.renewal.stop()
    if (!this.line) return
    this.line.end(CLOSE_RECONNECT)
    this.line = null
    this.requests.lost()
  }

  private retry(): void {
    if (this.line) this.line.flush()
    else this.setState(this.hello ? 'reconnecting' : 'connecting')
    clearTimeout(this.retryTimer)
    this.retryTimer = setTimeout(() => this.connect(), backoff(this.attempts++, this.options.random))
  }

  private finish(error: WireError, code: number): void {
    if (this.state === 'closed') return
    this.running = false
    clearTimeout(this.retryTimer)
    this.renewal.stop()
    this.dial.end()
    this.line?.end(code)
    this.line = null
    this.pass.sessionEnded()
    this.error = error.code === 'gone' ? null : error
    this.setState('closed')
    this.requests.fail(error)
  }

  private setState(state: SignalState): void {
    if (state === this.state) return
    this.state = state
    this.states.emit(state)
  }
}
