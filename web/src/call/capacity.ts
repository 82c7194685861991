import { WireError } from '../signal/errors'
import type { JoinOk, Peer } from '../wire/wire.gen'
import type { PeerInfo } from './info'

/** So many people can be in a call, as each sends to each. Edges have a limit of their own. */
export const MOST_PEOPLE = 8
/** Who is there beyond that is remembered up to a number that no edge lets in. */
const MOST_BEYOND = 1_000

export interface Door {
  /** Rejects with a WireError if refused. */
  join: (info: PeerInfo) => Promise<JoinOk>
  leave: () => Promise<unknown>
  /** Our own user id. */
  user: () => string | undefined
}

/**
 * Joins unless as many are there as can be. Of several who come at once the mesh tells each of those before it, so that never too many stay. Whoever has
 * been in and lost their session may still be there by their former name, which is not counted then. The returned function rejects with a WireError if refused.
 */
export function whereThereIsRoom({ join, leave, user }: Door): (info: PeerInfo) => Promise<JoinOk> {
  let been = false
  return async (info) => {
    const ok = await join(info)
    const others = been ? ok.peers.filter((peer) => peer.user.id !== user()) : ok.peers
    if (others.length >= MOST_PEOPLE) {
      // Should it not be told, it is when the session ends; until then the others have no link with us.
      await leave().catch(() => undefined)
      throw new WireError('room_full', `${others.length} people are in the call, which is the limit`)
    }
    been = true
    return ok
  }
}

/** Those who are in the room and with whom there is no link, as there are too many, or the browser gave no connection: the first who came is the first to take a place. */
export class Beyond {
  private readonly waiting = new Map<string, Peer>()

  add(peer: Peer): void {
    if (this.waiting.has(peer.peer) || this.waiting.size < MOST_BEYOND) this.waiting.set(peer.peer, { ...this.waiting.get(peer.peer), ...peer })
  }

  update(peer: string, info: unknown): void {
    const known = this.waiting.get(peer)
    if (known) this.waiting.set(peer, { ...known, info })
  }

  delete(peer: string): void {
    this.waiting.delete(peer)
  }

  /** Forgets all but those who are named. */
  keep(named: ReadonlySet<string>): void {
    for (const peer of this.waiting.keys()) if (!named.has(peer)) this.waiting.delete(peer)
  }

  /** Takes out who is to have the place that has become free. */
  next(): Peer | undefined {
    const [first] = this.waiting.values()
    if (first) this.waiting.delete(first.peer)
    return first
  }

  clear(): void {
    this.waiting.clear()
  }
}
