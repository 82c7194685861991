import { backoff } from '../signal/backoff'
import type { WireError } from '../signal/errors'
import { asWireError } from '../signal/errors'
import type { Peer } from '../wire/wire.gen'
import type { PeerInfo } from './info'
import { pause } from './pause'
import { isPassing } from './refusals'

export interface EntranceOptions {
  /** What there is to say of us now. */
  info: () => PeerInfo
  /** Rejects with a WireError. */
  join: (info: PeerInfo) => Promise<{ peers: Peer[] }>
  entered: (peers: Peer[], info: PeerInfo) => void
  refused: (error: WireError) => void
}

/** Enters a room, trying again for as long as a refusal says nothing about the next try. */
export class Entrance {
  /** While under way. */
  entering: Promise<void> | null = null
  private readonly options: EntranceOptions

  constructor(options: EntranceOptions) {
    this.options = options
  }

  /** Rejects with a WireError if refused. */
  enter(stay: AbortSignal): Promise<void> {
    if (this.entering) return this.entering
    const entering = this.tryToEnter(stay).finally(() => {
      // leave may have made room for another.
      if (this.entering === entering) this.entering = null
    })
    this.entering = entering
    return entering
  }

  /** We have left, whatever is still under way. */
  forget(): void {
    this.entering = null
  }

  private async tryToEnter(stay: AbortSignal): Promise<void> {
    for (let tries = 0; !stay.aborted; tries++) {
      const info = this.options.info()
      try {
        const { peers } = await this.options.join(info)
        if (!stay.aborted) this.options.entered(peers, info)
        return
      } catch (thrown) {
        const error = asWireError(thrown)
        if (stay.aborted) return
        if (!isPassing(error)) {
          this.options.refused(error)
          throw error
        }
        await pause(backoff(tries, Math.random), stay)
      }
    }
  }
}
