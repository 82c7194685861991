import type { Op } from '../wire/wire.gen'
import { WireError } from './errors'

/**
 * Ops that may be asked twice without harm. The others may too if they carry a key, by which receivers drop the repeat.
 * A ping is harmless but asks about one connection, so it ends with it.
 */
const IDEMPOTENT: ReadonlySet<Op> = new Set<Op>([
  'join', 'update', 'leave', 'history', 'answer', 'hangup', 'presence', 'ice', 'contacts', 'contact', 'invited',
])

export interface Request {
  readonly id: number
  readonly op: Op
  readonly frame: string
  /** How long the frame is on the wire. */
  readonly bytes: number
  /** Whether it may be sent again after its connection was lost. */
  readonly repeatable: boolean
  readonly timeoutMs: number
  /** On the present connection. */
  sent: boolean
  /** When it was sent for the first time, in Unix ms. */
  firstSent: number | null
  timer: ReturnType<typeof setTimeout> | undefined
  resolve(ok: unknown): void
  reject(error: WireError): void
}

/**
 * The requests without an answer, in the order in which they were made. What may be repeated waits for the connection to
 * come back for as long as the session lasts; the rest fails with `unavailable`: its fate is unknown.
 */
export class Requests {
  private readonly pending = new Map<number, Request>()
  private readonly limit: number
  private lastId = 0

  constructor(limit = 1_000) {
    this.limit = limit
  }

  add(op: Op, args: object, timeoutMs: number, resolve: (ok: unknown) => void, reject: (e: WireError) => void): Request | null {
    // Whether the connection lives must be found out however many wait for it.
    if (this.pending.size >= this.limit && op !== 'ping') {
      reject(new WireError('rate_limited', `${this.limit} requests are already waiting for the connection`))
      return null
    }
    const id = ++this.lastId
    const frame = JSON.stringify({ id, op, ...args })
    const request: Request = {
      id, op, timeoutMs, resolve, reject, frame,
      bytes: new TextEncoder().encode(frame).length,
      repeatable: IDEMPOTENT.has(op) || ('key' in args && typeof args.key === 'string'),
      sent: false,
      firstSent: null,
      timer: undefined,
    }
    this.pending.set(id, request)
    // What can't be repeated shouldn't go out minutes after it was asked for, either.
    if (!request.repeatable) this.arm(request)
    return request
  }

  /** Marks a request as sent and starts its clock. */
  sent(request: Request): void {
    request.sent = true
    request.firstSent ??= Date.now()
    if (request.timer === undefined) this.arm(request)
  }

  /** Takes the request that an answer is for. */
  take(id: number): Request | undefined {
    const request = this.pending.get(id)
    if (request) this.drop(request)
    return request
  }

  /** Those not sent on the present connection, oldest first. */
  unsent(): Request[] {
    return [...this.pending.values()].filter((r) => !r.sent)
  }

  /** The connection is gone: what was sent waits to be repeated, or fails. */
  lost(): void {
    for (const request of [...this.pending.values()]) {
      if (request.repeatable) {
        request.sent = false
        clearTimeout(request.timer)
        request.timer = undefined
      } else if (request.sent) {
        this.drop(request)
        request.reject(new WireError('unavailable', `the connection was lost before ${request.op} was answered`))
      }
    }
  }

  /**
   * Gives up what can't be repeated safely any more: receivers know a repeat by its key, but not for ever. Its fate stays unknown. What was
   * never sent, or is harmless when repeated, has no such term.
   */
  expire(windowMs: number): void {
    const now = Date.now()
    for (const request of [...this.pending.values()]) {
      if (request.sent || request.firstSent === null || IDEMPOTENT.has(request.op) || now - request.firstSent <= windowMs) continue
      this.drop(request)
      request.reject(new WireError('unavailable', `${request.op} was not answered, and is too old to be repeated safely`))
    }
  }

  fail(error: WireError): void {
    for (const request of [...this.pending.values()]) {
      this.drop(request)
      request.reject(error)
    }
  }

  private arm(request: Request): void {
    request.timer = setTimeout(() => {
      this.drop(request)
      request.reject(new WireError('unavailable', `${request.op} was not answered within ${request.timeoutMs} ms`))
    }, request.timeoutMs)
  }

  private drop(request: Request): void {
    clearTimeout(request.timer)
    this.pending.delete(request.id)
  }
}
