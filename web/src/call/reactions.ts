import { Listeners } from '../signal/listeners'
import type { User } from './state'

/** What one can show without a word, and in which order it is offered. */
export const REACTIONS = ['thumbsUp', 'clap', 'heart', 'laugh', 'surprise', 'party'] as const
export type Reaction = (typeof REACTIONS)[number]

/** As the data of a post that is not kept. */
export interface ReactionData {
  type: 'reaction'
  reaction: Reaction
}

export interface ReactionsOptions {
  /** Who we are; null while the room can't hear us. */
  us: () => User | null
  post: (data: ReactionData) => void
}

export interface ShownReaction {
  /** Rises; for telling two apart. */
  id: number
  reaction: Reaction
  mine: boolean
  user: User
}

/** So many of one peer in so long a time, in ms; more are passed over, ours not even sent. */
const MOST = 6
const OVER_MS = 4_000
/** Peers whose last reactions are remembered. */
const MAX_PEERS = 256

/** Reactions as they come and go. Nothing of them is kept: whoever wasn't looking has missed them. */
export class Reactions {
  private readonly listeners = new Listeners<ShownReaction>()
  private readonly options: ReactionsOptions
  private readonly times = new Map<string, number[]>()
  private count = 0

  constructor(options: ReactionsOptions) {
    this.options = options
  }

  /** Tells every reaction, ours too, as it happens, until the returned function is called. */
  listen(listener: (shown: ShownReaction) => void): () => void {
    return this.listeners.add(listener)
  }

  /** Shows ours, and sends it. False if there were too many just now, or nobody can be told. */
  send(reaction: Reaction): boolean {
    const us = this.options.us()
    if (!us || !this.pass('')) return false
    this.options.post({ type: 'reaction', reaction })
    this.show(reaction, true, us)
    return true
  }

  /** Takes a post of a peer's; what is no reaction is left alone. */
  take(peer: string, user: User, data: unknown): void {
    const { type, reaction } = (data ?? {}) as Partial<Record<keyof ReactionData, unknown>>
    if (type === 'reaction' && isReaction(reaction) && this.pass(peer)) this.show(reaction, false, user)
  }

  private show(reaction: Reaction, mine: boolean, user: User): void {
    this.listeners.emit({ id: ++this.count, reaction, mine, user })
  }

  private pass(peer: string): boolean {
    const now = Date.now()
    const recent = (this.times.get(peer) ?? []).filter((at) => now - at < OVER_MS)
    const passes = recent.length < MOST
    if (passes) recent.push(now)
    if (this.times.size >= MAX_PEERS && !this.times.has(peer)) this.times.clear()
    this.times.set(peer, recent)
    return passes
  }
}

function isReaction(value: unknown): value is Reaction {
  return REACTIONS.some((reaction) => reaction === value)
}
