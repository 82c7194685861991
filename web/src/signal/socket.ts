import { SUBPROTOCOL } from '../wire/wire.gen'
import { CLOSE_RECONNECT } from './close'

/** The part of a WebSocket that is used here, so that a test can stand in for it. */
export type WebSocketLike = Pick<WebSocket, 'readyState' | 'onopen' | 'onmessage' | 'onclose' | 'send' | 'close'>
export type OpenWebSocket = (url: string, protocol: string) => WebSocketLike

export interface SocketHandlers {
  open(): void
  frame(frame: Record<string, unknown>): void
  /** Called once at most, and never after {@link Socket.abandon}. */
  closed(code: number, reason: string): void
}

// A browser may try for minutes to reach a host that swallows packets.
const OPEN_TIMEOUT_MS = 10_000

// WebSocket.OPEN; tests run where there is no WebSocket.
const OPEN = 1

/** One WebSocket, from opening to its end. */
export class Socket {
  private readonly ws: WebSocketLike
  /** Who hears of it now: first whoever opens it, then whoever uses it. */
  handlers: SocketHandlers
  private readonly timer: ReturnType<typeof setTimeout>
  private done = false

  constructor(url: string, open: OpenWebSocket, handlers: SocketHandlers) {
    this.handlers = handlers
    this.ws = open(url, SUBPROTOCOL)
    this.timer = setTimeout(() => this.fail('the edge did not answer'), OPEN_TIMEOUT_MS)
    this.ws.onopen = () => {
      clearTimeout(this.timer)
      this.handlers.open()
    }
    this.ws.onmessage = (event) => this.received(event.data)
    this.ws.onclose = (event) => this.ended(event.code, event.reason)
  }

  send(frame: string): void {
    // Over one that is closing nothing goes out, and browsers write an error into the console: its end is reported by closed, and the request waits there.
    if (!this.done && this.ws.readyState === OPEN) this.ws.send(frame)
  }

  /** Closes the socket and forgets it. */
  abandon(code: number): void {
    this.detach()
    this.ws.close(code)
  }

  /** Gives the socket up as lost, without waiting for a closing handshake that may never come. */
  fail(reason: string): void {
    if (this.done) return
    this.abandon(CLOSE_RECONNECT)
    this.handlers.closed(1006, reason)
  }

  private received(data: unknown): void {
    let frame: unknown
    try {
      frame = typeof data === 'string' ? JSON.parse(data) : null
    } catch {
      frame = null
    }
    if (typeof frame !== 'object' || frame === null) this.fail('the edge sent something that is no frame')
    else this.handlers.frame(frame as Record<string, unknown>)
  }

  private ended(code: number, reason: string): void {
    if (this.done) return
    this.detach()
    this.handlers.closed(code, reason)
  }

  private detach(): void {
    this.done = true
    clearTimeout(this.timer)
    this.ws.onopen = this.ws.onmessage = this.ws.onclose = null
  }
}
