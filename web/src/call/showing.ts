// How many lines each side shows of the other's camera, said over the channel of channel.ts, as only the two of them need it:
//
//   byte 0   then
//   0x20     shows: the lines of a whole picture of the receiver's camera as the sender shows it, in device pixels; unsigned 16 bits, big-endian.
//            0 is not at all, 0xffff all that there are. Who has not said it, as older pages never do, is sent what usually makes sense.
import type { FrameChannel } from './channel'
import { Listeners } from '../signal/listeners'

const SHOWS = 0x20
/** Lines: all that the camera gives. */
export const ALL_LINES = 0xffff
/** Lines are told in steps of so many, rounded up: who drags a window's edge changes little of what is sent. */
const STEP = 60
/** More is told soon, so that nobody looks at a coarse picture; less only once it lasts, as whoever is large changes with who speaks. In ms. */
const GROW_MS = 150
const SHRINK_MS = 2_000

/** One place where a peer's camera is shown, or needed. */
export interface ShownView {
  /** Lines of a whole picture, in device pixels; of what is cut off by the place's edges too. */
  set: (lines: number) => void
  end: () => void
}

export interface ShowingOptions {
  /** The channel to a peer; null if it is not there. */
  channel: (peer: string) => FrameChannel | null
}

interface Teller {
  views: Set<{ lines: number }>
  /** What the peer has heard from us over its present channel. */
  told: number | null
  timer: ReturnType<typeof setTimeout> | undefined
  /** Whether the timer is to tell of more. */
  growing: boolean
}

/** Tells each peer how much of its camera is seen here, and knows what each shows of ours. */
export class Showing {
  private readonly options: ShowingOptions
  private readonly tellers = new Map<string, Teller>()
  private readonly asked = new Map<string, number>()
  private readonly listeners = new Listeners<string>()
  /** How many need all lines of everybody. */
  private all = 0

  constructor(options: ShowingOptions) {
    this.options = options
  }

  /** The lines that a peer shows of our camera, 0 to {@link ALL_LINES}; null if it has not said. */
  linesAt(peer: string): number | null {
    return this.asked.get(peer) ?? null
  }

  /** Hears whenever a peer shows more or less of our camera, until the returned function is called. */
  onAsked(listener: (peer: string) => void): () => void {
    return this.listeners.add(listener)
  }

  /** A place for a peer's camera, of which nothing is seen until it says so. Without any place at all a peer is not told to send less. */
  view(peer: string): ShownView {
    const view = { lines: 0 }
    const teller = this.teller(peer)
    teller.views.add(view)
    this.weigh(peer, teller)
    return {
      set: (lines) => {
        view.lines = lines
        this.weigh(peer, teller)
      },
      end: () => {
        if (!teller.views.delete(view)) return
        this.weigh(peer, teller)
        this.tidy(peer, teller)
      },
    }
  }

  /** Needs all lines of everybody, whoever comes, until the returned function is called; a recording does. */
  holdAll(): () => void {
    let held = true
    this.all++
    this.weighAll()
    return () => {
      if (held) this.all--
      held = false
      this.weighAll()
    }
  }

  /** Whether a peer has been told to send less than this many lines. */
  holdsBack(peer: string, lines: number): boolean {
    const { told = null } = this.tellers.get(peer) ?? {}
    return told !== null && told < lines
  }

  /** Takes a frame of a peer's; false if it says nothing of this. It is a stranger's word, and whatever it says is a number of lines. */
  take(peer: string, frame: Uint8Array<ArrayBuffer>): boolean {
    if (frame[0] !== SHOWS) return false
    const [, high, low] = frame
    if (frame.length !== 3 || high === undefined || low === undefined) return true
    const lines = high * 256 + low
    if (this.asked.get(peer) === lines || this.options.channel(peer) === null) return true
    this.asked.set(peer, lines)
    this.listeners.emit(peer)
    return true
  }

  /** The channel to a peer has opened or closed, or the peer has gone. */
  channelChanged(peer: string): void {
    const teller = this.tellers.get(peer)
    if (this.options.channel(peer)?.open) {
      if (teller && teller.told === null) this.tell(peer, teller)
      return
    }
    if (teller) {
      teller.told = null
      this.calm(teller)
      this.tidy(peer, teller)
    }
    if (this.asked.delete(peer)) this.listeners.emit(peer)
  }

  private teller(peer: string): Teller {
    const known = this.tellers.get(peer)
    if (known) return known
    const teller: Teller = { views: new Set(), told: null, timer: undefined, growing: false }
    this.tellers.set(peer, teller)
    return teller
  }

  private wanted({ views }: Teller): number {
    if (this.all > 0 || views.size === 0) return ALL_LINES
    const most = Math.max(...[...views].map(({ lines }) => lines))
    return most > 0 ? Math.min(ALL_LINES, Math.ceil(most / STEP) * STEP) : 0
  }

  private weighAll(): void {
    for (const [peer, teller] of this.tellers) this.weigh(peer, teller)
  }

  /** Says what is to be said, in due time: what waits to be said is read only then. */
  private weigh(peer: string, teller: Teller): void {
    const wanted = this.wanted(teller)
    const told = teller.told ?? ALL_LINES
    if (wanted === told) {
      this.calm(teller)
      return
    }
    const growing = wanted > told
    if (teller.timer !== undefined && (teller.growing || !growing)) return
    this.calm(teller)
    teller.growing = growing
    teller.timer = setTimeout(() => this.tell(peer, teller), growing ? GROW_MS : SHRINK_MS)
  }

  private tell(peer: string, teller: Teller): void {
    this.calm(teller)
    const lines = this.wanted(teller)
    // What goes without saying is not said.
    if (lines === (teller.told ?? ALL_LINES)) return
    if (this.options.channel(peer)?.send(Uint8Array.of(SHOWS, lines >> 8, lines & 0xff))) teller.told = lines
  }

  private calm(teller: Teller): void {
    clearTimeout(teller.timer)
    teller.timer = undefined
  }

  private tidy(peer: string, { views, told, timer }: Teller): void {
    if (views.size === 0 && told === null && timer === undefined) this.tellers.delete(peer)
  }
}
