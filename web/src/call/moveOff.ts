import { relayOf } from './path'
import type { PeerLink } from './peerlink'

/** When links are looked at after a relay has left: soon, and again for those that could not move yet, since the other side, or the line, was not ready. */
const LOOKS_MS = [0, 10_000, 30_000]
/** Not everybody whom an edge tells at once, nor both ends of a link. */
const JITTER_MS = 2_000

export interface MoveOffOptions {
  links: () => PeerLink[]
  hasLeft: (url: string) => boolean
  /** As Math.random. */
  random?: () => number
}

/**
 * Moves links off relays that are about to stop: make before break. Each end does so for its own relay. An ICE restart gathers at the relays that there are
 * now, while media goes on over the old one; if it comes to nothing, nothing is lost that would not be anyway.
 */
export class MoveOff {
  private readonly options: MoveOffOptions
  private timers: ReturnType<typeof setTimeout>[] = []

  constructor(options: MoveOffOptions) {
    this.options = options
  }

  /** A relay has left. */
  begin(): void {
    this.stop()
    const { random = Math.random } = this.options
    this.timers = LOOKS_MS.map((ms) => setTimeout(() => void this.look(), ms + random() * JITTER_MS))
  }

  stop(): void {
    for (const timer of this.timers) clearTimeout(timer)
    this.timers = []
  }

  private async look(): Promise<void> {
    const { timers } = this
    await Promise.all(
      this.options.links().map(async (link) => {
        const { connection, state } = link
        // What is not connected is being mended already, with the relays that there are now.
        if (state !== 'connected') return
        const stats = await connection.getStats().catch(() => null)
        const url = stats && relayOf(stats)
        // Unless all was over, or had changed, in the meantime.
        if (url && this.timers === timers && link.connection === connection && link.state === 'connected' && this.options.hasLeft(url)) link.restart()
      }),
    )
  }
}
