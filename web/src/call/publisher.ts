import { asWireError } from '../signal/errors'
import type { PeerInfo } from './info'
import { sameInfo } from './info'
import { pause } from './pause'
import { isPassing } from './refusals'

export interface PublisherOptions {
  /** What there is to say of us now. */
  info: () => PeerInfo
  /** Tells it; rejects with a WireError. */
  update: (info: PeerInfo) => Promise<unknown>
  /** Whether we are in the room. */
  joined: () => boolean
}

const AGAIN_MS = 1_000

/** Tells the room what we send and what we say of ourselves: the latest only, however fast it changes. */
export class Publisher {
  private readonly options: PublisherOptions
  /** What the room knows of us. */
  private known: PeerInfo | null = null
  private running = false

  constructor(options: PublisherOptions) {
    this.options = options
  }

  /** The room has heard this otherwise, or has forgotten us. */
  set(known: PeerInfo | null): void {
    this.known = known
  }

  async publish(stay: AbortSignal | undefined): Promise<void> {
    if (this.running || !stay) return
    this.running = true
    try {
      while (!stay.aborted && this.options.joined()) {
        const info = this.options.info()
        if (sameInfo(info, this.known)) return
        try {
          await this.options.update(info)
          this.known = info
        } catch (thrown) {
          // Not in the room any more: entering it again tells the same.
          if (!isPassing(asWireError(thrown))) return
          await pause(AGAIN_MS, stay)
        }
      }
    } finally {
      this.running = false
    }
  }
}
