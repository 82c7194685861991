import { backoff } from '../signal/backoff'
import { asWireError } from '../signal/errors'
import type { TextData } from './chat'
import { pause } from './pause'
import { isPassing } from './refusals'

export interface PosterOptions {
  /** Posts it, kept, with its id as the key; rejects with a WireError. */
  post: (data: TextData) => Promise<{ mid: string; at: number }>
  /** Settles when we are in the room again, if we are about to enter it; null if not. */
  entering: () => Promise<void> | null
  /** Aborted when we leave. */
  stay: () => AbortSignal | undefined
}

/** A line is tried so often at least, and for so long: for a minute, receivers know a repeat by its key. */
const MIN_TRIES = 6
const PATIENCE_MS = 45_000

/** Posts a line that is to be kept, as often as it takes. */
export async function postKept(data: TextData, options: PosterOptions): Promise<{ mid: string; at: number }> {
  const since = Date.now()
  for (let tries = 1; ; tries++) {
    // A session that was replaced has to enter the room before it can post there.
    await options.entering()?.catch(() => undefined)
    try {
      return await options.post(data)
    } catch (thrown) {
      const error = asWireError(thrown)
      const passing = isPassing(error) || (error.code === 'not_in_room' && options.entering() !== null)
      const enough = tries >= MIN_TRIES && Date.now() - since > PATIENCE_MS
      const stay = options.stay()
      if (!passing || enough || !stay) throw error
      await pause(backoff(tries, Math.random), stay)
    }
  }
}
