import type { Pace } from './pace'
import type { Requests } from './requests'
import type { Socket } from './socket'

export interface LineOptions {
  socket: Socket
  requests: Requests
  pace: Pace
  /** In ms: how often the edge wants to hear from the session. */
  heartbeat: number
  /** How long a ping may wait for its answer, in ms. */
  answerMs: number
  /** True while what is asked could be lost: once a hello is out elsewhere, the line's edge may have been relieved of the session. */
  held: () => boolean
  received: (frame: Record<string, unknown>) => void
  closed: (code: number, reason: string) => void
  /** It has lived so long that it counts as a good one. */
  stable: () => void
  /** Its edge is about to stop. */
  moveOn: () => void
}

type Timer = ReturnType<typeof setTimeout> | undefined

// A connection that lived this long was a good one: the next loss starts the backoff from the beginning.
const STABLE_MS = 5_000
// A goaway is for soon; an edge does not wait longer for its sessions to leave.
const MAX_GOAWAY_MS = 60_000
// Before the heartbeat is due, for the time that a ping takes.
const BEAT_EARLY = 0.7
const FASTEST_BEAT_MS = 1_000

/** The connection that carries the session now. Whatever it keeps going ends with it. */
export class Line {
  private readonly options: LineOptions
  private timers: { ping?: Timer; stable?: Timer; goaway?: Timer; flush?: Timer } = {}
  private over = false

  constructor(options: LineOptions) {
    this.options = options
    const { socket, received, closed, stable } = options
    socket.handlers = { open: () => undefined, frame: received, closed }
    this.timers.stable = setTimeout(stable, STABLE_MS)
    this.beatLater()
  }

  /** Sends what waits, as fast as the edge allows. */
  flush(): void {
    const { socket, requests, pace, held } = this.options
    if (this.over || held() || this.timers.flush !== undefined) return
    for (const request of requests.unsent()) {
      const wait = pace.take(request.bytes, Date.now())
      if (wait > 0) {
        this.timers.flush = setTimeout(() => {
          this.timers.flush = undefined
          this.flush()
        }, wait)
        return
      }
      requests.sent(request)
      socket.send(request.frame)
    }
  }

  /** Tries whether the line is alive; it ends if no answer comes within so many ms. */
  ping(timeoutMs: number): void {
    const { socket, requests, pace } = this.options
    const request = requests.add(
      'ping', {}, timeoutMs,
      () => this.beatLater(),
      ({ code }) => {
        if (this.over) return
        if (code === 'unavailable') socket.fail('a ping was not answered')
        else this.beatLater()
      },
    )
    if (!request) return
    // Ahead of what waits: it is to tell whether waiting makes sense.
    pace.spend(request.bytes)
    requests.sent(request)
    socket.send(request.frame)
  }

  /** The edge is about to stop, and wants the session to have left in so many ms. */
  goaway(ms: number): void {
    clearTimeout(this.timers.goaway)
    this.timers.goaway = setTimeout(this.options.moveOn, Math.min(Math.max(0, ms), MAX_GOAWAY_MS))
  }

  /** Ends it. What was asked on it is the caller's to ask again. */
  end(code: number): void {
    this.over = true
    for (const timer of Object.values(this.timers)) clearTimeout(timer)
    this.timers = {}
    this.options.socket.abandon(code)
  }

  /**
   * The next ping is set off by the answer to the last, since a hidden page's timers that were set off by timers run once a minute, and a session
   * that is silent for so long is cut.
   */
  private beatLater(): void {
    if (this.over) return
    clearTimeout(this.timers.ping)
    const { heartbeat, answerMs } = this.options
    this.timers.ping = setTimeout(() => this.ping(answerMs), Math.max(FASTEST_BEAT_MS, heartbeat * BEAT_EARLY))
  }
}
