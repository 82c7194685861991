import type { SignalClient } from '../signal/client'
import type { IceServer } from '../wire/wire.gen'
import { inFull } from './relayUrl'

// setTimeout holds 31 bits.
const MAX_DELAY_MS = 2 ** 31 - 1
const RETRY_MS = 30_000
// More relays than come and go during a call; a browser takes no more either.
const MAX_GONE = 32

const isRelay = (url: string) => /^turns?:/i.test(url)

export interface IceServersTold {
  /** For connections that there are; a new one takes {@link IceServers.current}. */
  changed: (servers: RTCIceServer[]) => void
  /** A relay is given no more, and there are others. */
  left?: () => void
}

/**
 * The relays and their credentials, kept fresh: an expired credential never ends what runs over it, but an ICE restart
 * hours into a call needs a new one. Which relays are given no more is known too, so that a call can leave them before they stop.
 */
export class IceServers {
  current: IceServer[] = []

  private readonly signal: SignalClient
  private readonly told: IceServersTold
  private readonly ends: (() => void)[]
  /** The relays that we were given once, and are no more, by their URL in full; the latest last. */
  private readonly gone = new Map<string, { url: string; server: IceServer }>()
  /** How many URLs of relays were given at most. */
  private most = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private stopped = false

  constructor(signal: SignalClient, told: IceServersTold) {
    this.signal = signal
    this.told = told
    this.ends = [
      signal.onHello(({ hello }) => this.set(hello.iceServers, hello.iceTtl, 0)),
      signal.on('ice', ({ iceServers, iceTtl }) => this.set(iceServers, iceTtl, 0)),
    ]
    const { hello } = signal
    if (hello) this.set(hello.iceServers, hello.iceTtl, Date.now() - signal.greetedAt)
  }

  stop(): void {
    this.stopped = true
    for (const end of this.ends) end()
    clearTimeout(this.timer)
  }

  /** Where the relay with this URL stands, if the edge says so. */
  regionOf(url: string): string | undefined {
    const full = inFull(url)
    return (this.current.find(({ urls }) => urls.some((one) => inFull(one) === full)) ?? this.gone.get(full)?.server)?.region
  }

  /** Whether the relay with this URL is given no more, and there is another to go to. */
  hasLeft(url: string): boolean {
    return this.gone.has(inFull(url)) && this.current.some(({ urls }) => urls.some(isRelay))
  }

  private set(servers: IceServer[], ttlSeconds: number, ageMs: number): void {
    if (this.stopped) return
    const left = this.note(servers)
    this.current = servers
    this.told.changed(this.withGone())
    if (left.some((url) => this.hasLeft(url))) this.told.left?.()
    clearTimeout(this.timer)
    // No relays, nothing that expires.
    if (ttlSeconds > 0) this.ask(Math.max(0, ttlSeconds * 800 - ageMs))
  }

  /** Notes which relays are given no more, and returns those that were until now. */
  private note(servers: IceServer[]): string[] {
    const given = new Set(servers.flatMap(({ urls }) => urls.map(inFull)))
    const left: string[] = []
    for (const server of this.current) {
      for (const url of server.urls) {
        if (given.has(inFull(url)) || !isRelay(url)) continue
        this.gone.set(inFull(url), { url, server })
        left.push(url)
      }
    }
    for (const full of given) this.gone.delete(full)
    for (const full of this.gone.keys()) if (this.gone.size > MAX_GONE) this.gone.delete(full)
    this.most = Math.max(this.most, [...given].filter(isRelay).length)
    return left
  }

  /**
   * The present relays, and behind them so many of those before that the list is never shorter than it was. libwebrtc gives a relay's candidates a priority by
   * how many stand behind it, and an ICE restart leaves a working pair only for one whose priority is not lower: without them it would stay on the relay that is
   * about to stop.
   */
  private withGone(): RTCIceServer[] {
    const missing = this.most - this.current.flatMap(({ urls }) => urls).filter(isRelay).length
    if (missing <= 0) return this.current
    const fillers = [...this.gone.values()].slice(-missing).map(({ url, server: { username, credential } }): RTCIceServer => ({ urls: [url], username, credential }))
    return [...this.current, ...fillers]
  }

  private ask(delayMs: number): void {
    this.timer = setTimeout(() => {
      this.signal.request('ice', {}).then(
        (ok) => this.set(ok.iceServers, ok.iceTtl, 0),
        () => {
          if (!this.stopped && this.signal.state !== 'closed') this.ask(RETRY_MS)
        },
      )
    }, Math.min(delayMs, MAX_DELAY_MS))
  }
}
