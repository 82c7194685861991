import type { HelloOk } from '../../wire/wire.gen'
import type { WebSocketLike } from '../socket'

export type Frame = Record<string, unknown> & { id: number; op: string }

export const HELLO: HelloOk = {
  session: 'sessionaaaaaaaaaaaaaaaaaaa',
  key: 'key-1',
  peer: 'peeraaaaaaaaaaaa',
  user: { id: 'ann', name: 'Ann' },
  edge: 'edgeaaaaaaaa',
  region: 'eu',
  iceServers: [],
  iceTtl: 0,
  heartbeat: 20_000,
  limits: {
    frameBytes: 65_536, rate: 50, burst: 100, infoBytes: 4_096, rooms: 16, peers: 32, presence: 256, historyPosts: 200,
    helloMs: 10_000, graceMs: 30_000, replayMs: 60_000, ringMs: 30_000,
  },
  resumed: false,
  rooms: [],
  missed: [],
}

/** The edge's end of one WebSocket, worked by a test. */
export class FakeSocket implements WebSocketLike {
  /** As of a WebSocket: 0 until it is open, then 1, closing 2, closed 3. */
  readyState = 0
  onopen: WebSocketLike['onopen'] = null
  onmessage: WebSocketLike['onmessage'] = null
  onclose: WebSocketLike['onclose'] = null
  readonly frames: Frame[] = []
  /** The code with which the client closed. */
  closedBy: number | undefined
  readonly url: string
  readonly protocol: string
  /** Answers requests by itself: op to ok. */
  private readonly answers: Map<string, (frame: Frame) => object | null>

  constructor(url: string, protocol: string, answers: Map<string, (frame: Frame) => object | null>) {
    this.url = url
    this.protocol = protocol
    this.answers = answers
  }

  send(data: string): void {
    const frame = JSON.parse(data) as Frame
    this.frames.push(frame)
    const ok = this.answers.get(frame.op)?.(frame)
    if (ok) queueMicrotask(() => this.deliver({ id: frame.id, ok }))
  }

  close(code?: number): void {
    this.readyState = 2
    this.closedBy = code
  }

  open(): void {
    this.readyState = 1
    this.onopen?.call(this as unknown as WebSocket, new Event('open'))
  }

  deliver(frame: object): void {
    this.raw(JSON.stringify(frame))
  }

  raw(data: unknown): void {
    this.onmessage?.call(this as unknown as WebSocket, { data } as MessageEvent)
  }

  drop(code: number, reason = ''): void {
    this.readyState = 3
    this.onclose?.call(this as unknown as WebSocket, { code, reason } as CloseEvent)
  }

  of(op: string): Frame[] {
    return this.frames.filter((frame) => frame.op === op)
  }

  last(op: string): Frame {
    const frame = this.of(op).at(-1)
    if (!frame) throw new Error(`no ${op} was sent`)
    return frame
  }

  ok(op: string, ok: object = {}): void {
    this.deliver({ id: this.last(op).id, ok })
  }

  error(op: string, code: string): void {
    this.deliver({ id: this.last(op).id, error: { code, message: `${op}: ${code}` } })
  }
}

/** What a client reaches when it opens WebSockets. */
export class FakeEdge {
  readonly sockets: FakeSocket[] = []
  readonly answers = new Map<string, (frame: Frame) => object | null>()

  readonly openWebSocket = (url: string, protocol: string): FakeSocket => {
    const socket = new FakeSocket(url, protocol, this.answers)
    this.sockets.push(socket)
    return socket
  }

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1)
    if (!socket) throw new Error('nobody connected')
    return socket
  }

  /** Lets the latest connection open and answers its hello. */
  greet(hello: Partial<HelloOk> = {}): FakeSocket {
    const { socket } = this
    socket.open()
    socket.ok('hello', { ...HELLO, ...hello })
    return socket
  }
}

/** A token that says when it expires, in Unix ms, and nothing else. */
export function tokenUntil(expiresAt: number, mark = 't'): string {
  return `${mark}.${btoa(JSON.stringify({ exp: expiresAt / 1000 })).replaceAll('=', '')}.x`
}
