import { CLOSE_RECONNECT } from './close'
import type { WireError } from './errors'
import { asWireError } from './errors'
import type { OpenWebSocket } from './socket'
import { Socket } from './socket'

/** Of the hello's request. The ids of other requests, which outlive connections, begin at 1. */
export const HELLO_ID = 0
// An edge may take 16 s to read back what a session missed; who gives up before makes it begin again.
const HELLO_MS = 17_000
const TOKEN_MS = 10_000

export interface AttemptOptions {
  url: string
  openWebSocket: OpenWebSocket
  /** Null if there is none that was not refused. */
  token: () => Promise<string | null>
  /** The arguments of the hello, as of the moment when it is said. */
  hello: () => object
  /** One of these is called, once; none after {@link Attempt.abandon}. */
  answered(frame: Record<string, unknown>, line: Socket): void
  noToken(error: WireError | null): void
  failed(code: number, reason: string): void
}

/** One attempt to reach an edge: the token, the WebSocket, the hello. Each has its time, for each can wait for ever in a network that swallows packets. */
export class Attempt {
  /** Unix ms. */
  readonly since = Date.now()
  /** Whether the hello has gone out: from then on the edge may have taken the session over. */
  asked = false

  private readonly options: AttemptOptions
  private socket: Socket | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private done = false

  constructor(options: AttemptOptions) {
    this.options = options
    void this.begin()
  }

  abandon(): void {
    this.end()
    this.socket?.abandon(CLOSE_RECONNECT)
  }

  private async begin(): Promise<void> {
    const { options } = this
    this.timer = setTimeout(() => this.failed(1006, 'no token could be had in time'), TOKEN_MS)
    let token: string | null
    try {
      token = await options.token()
    } catch (thrown) {
      if (this.end()) options.noToken(asWireError(thrown))
      return
    }
    if (this.done) return
    if (token === null) {
      this.end()
      options.noToken(null)
      return
    }
    clearTimeout(this.timer)
    const socket = new Socket(options.url, options.openWebSocket, {
      open: () => this.say(socket, token),
      frame: (frame) => this.heard(socket, frame),
      closed: (code, reason) => this.failed(code, reason),
    })
    this.socket = socket
  }

  private say(socket: Socket, token: string): void {
    this.asked = true
    this.timer = setTimeout(() => socket.fail('hello was not answered'), HELLO_MS)
    socket.send(JSON.stringify({ id: HELLO_ID, op: 'hello', token, ...this.options.hello() }))
  }

  private heard(socket: Socket, frame: Record<string, unknown>): void {
    // An event of the connection itself may come first.
    if (frame.id === HELLO_ID && this.end()) this.options.answered(frame, socket)
  }

  private failed(code: number, reason: string): void {
    if (this.end()) this.options.failed(code, reason)
  }

  /** False if it had ended before. */
  private end(): boolean {
    clearTimeout(this.timer)
    const before = this.done
    this.done = true
    return !before
  }
}
