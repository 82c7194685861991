import type { LinkState } from './state'

export interface RecoveryOptions {
  /** Looks for another path on the same connection. */
  restart: () => void
  /** Begins again with a new connection. */
  renew: () => void
}

type Timer = ReturnType<typeof setTimeout> | undefined

/** A `disconnected` connection often comes back by itself within this time. */
export const DISCONNECTED_MS = 3_000
/** How long an attempt may take before the next, by how many there were. */
const PATIENCE_MS = [10_000, 20_000, 30_000]
/** A first connection may have to wait for a relay over TCP, but not for a description that was lost. */
const FIRST_MS = 20_000
const BROKEN_MS = 5_000
/** So many restarts in vain, and the connection itself is doubted. */
const RENEW_AFTER = 3

/**
 * Decides when a link needs mending, and says how it stands. It never gives up while the peer is in the room, but it waits for the signalling:
 * without it a restart would only pile up offers, and the media may be well.
 */
export class Recovery {
  link: LinkState = 'new'

  private readonly options: RecoveryOptions
  private signalUp: boolean
  private everConnected = false
  private attempts = 0
  /** An attempt is due as soon as signalling is back. */
  private due = false
  private grace: Timer
  private patience: Timer

  constructor(options: RecoveryOptions, signalUp: boolean) {
    this.options = options
    this.signalUp = signalUp
    this.wait(FIRST_MS)
  }

  /** To be told every change of a connection's states. */
  observe(connection: RTCPeerConnectionState, ice: RTCIceConnectionState): void {
    switch (connection) {
      case 'connected':
        this.clear()
        this.everConnected = true
        this.attempts = 0
        this.due = false
        this.link = 'connected'
        return
      case 'disconnected':
        this.unwell()
        this.grace ??= setTimeout(() => this.attempt(), DISCONNECTED_MS)
        return
      case 'failed': {
        const first = this.attempts === 0
        if (first) this.unwell()
        else this.link = 'failed'
        // With a path but no handshake (DTLS) another path doesn't help.
        if (first && (ice === 'connected' || ice === 'completed')) this.attempts = RENEW_AFTER
        // An attempt in progress has its own time.
        if (first || this.patience === undefined) this.attempt()
        return
      }
      case 'new':
      case 'connecting':
        this.unwell()
        return
      case 'closed':
        return
    }
  }

  signal(up: boolean): void {
    if (up === this.signalUp) return
    this.signalUp = up
    // Whatever kept the signalling away may well have moved the network, too.
    if (up && (this.due || this.grace !== undefined)) this.now()
  }

  /** Looks for another path at once, whatever is thought of the present one. */
  now(): void {
    if (this.link === 'connected' && this.signalUp) {
      this.due = false
      this.options.restart()
      return
    }
    if (this.link === 'failed') this.link = this.everConnected ? 'reconnecting' : 'connecting'
    this.attempt()
  }

  /** The connection can't be negotiated any further. Not renewed at once: what broke it may break the next one, too. */
  broken(): void {
    this.unwell()
    this.attempts = RENEW_AFTER
    clearTimeout(this.patience)
    this.wait(BROKEN_MS)
  }

  stop(): void {
    this.clear()
  }

  private unwell(): void {
    if (this.link !== 'failed') this.link = this.everConnected ? 'reconnecting' : 'connecting'
  }

  private attempt(): void {
    this.clear()
    if (!this.signalUp) {
      this.due = true
      return
    }
    this.due = false
    const attempt = this.attempts++
    this.wait(PATIENCE_MS[Math.min(attempt, PATIENCE_MS.length - 1)] ?? FIRST_MS)
    if (attempt >= RENEW_AFTER) {
      this.attempts = 1
      this.options.renew()
    } else {
      this.options.restart()
    }
  }

  private wait(ms: number): void {
    this.patience = setTimeout(() => {
      this.patience = undefined
      if (this.link !== 'connected' || this.attempts >= RENEW_AFTER) this.attempt()
    }, ms)
  }

  private clear(): void {
    clearTimeout(this.grace)
    clearTimeout(this.patience)
    this.grace = this.patience = undefined
  }
}
