import type { SignalClient } from '../signal/client'
import type { IceServer } from '../wire/wire.gen'

// setTimeout holds 31 bits.
const MAX_DELAY_MS = 2 ** 31 - 1
const RETRY_MS = 30_000

/**
 * The relays and their credentials, kept fresh: an expired credential never ends what runs over it, but an ICE restart
 * hours into a call needs a new one.
 */
export class IceServers {
  current: IceServer[] = []

  private readonly signal: SignalClient
  private readonly changed: (servers: RTCIceServer[]) => void
  private readonly unlisten: () => void
  private timer: ReturnType<typeof setTimeout> | undefined
  private stopped = false

  constructor(signal: SignalClient, changed: (servers: RTCIceServer[]) => void) {
    this.signal = signal
    this.changed = changed
    this.unlisten = signal.onHello(({ hello }) => this.set(hello.iceServers, hello.iceTtl, 0))
    const { hello } = signal
    if (hello) this.set(hello.iceServers, hello.iceTtl, Date.now() - signal.greetedAt)
  }

  stop(): void {
    this.stopped = true
    this.unlisten()
    clearTimeout(this.timer)
  }

  /** Where the relay with this URL stands, if the edge says so. */
  regionOf(url: string): string | undefined {
    return this.current.find((server) => server.urls.includes(url))?.region
  }

  private set(servers: IceServer[], ttlSeconds: number, ageMs: number): void {
    if (this.stopped) return
    this.current = servers
    this.changed(servers)
    clearTimeout(this.timer)
    // No relays, nothing that expires.
    if (ttlSeconds > 0) this.ask(Math.max(0, ttlSeconds * 800 - ageMs))
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
