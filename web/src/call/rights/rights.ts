import type { SignalClient } from '../../signal/client'
import { Listeners } from '../../signal/listeners'
import type { JoinOk, User } from '../../wire/wire.gen'

/** Somebody who asks to be let in. */
export interface Knocker {
  peer: string
  user: User
}

/** What we may do in the room, and what awaits a moderator's word. */
export interface RightsSnapshot {
  /** Whether we may lock, admit and remove. */
  moderator: boolean
  /** Whether only moderators, and those whom they admit, may enter. */
  locked: boolean
  /** Who waits outside, the longest first; told to moderators only. */
  knocking: Knocker[]
}

export interface RightsOptions {
  room: string
  signal: SignalClient
  /** Of a room that its maker moderates, if we are its maker. */
  secret?: string
  /** Lets us into a locked room, once and soon; see Knock. */
  pass?: string
  /** A moderator has removed us; until when we are kept out, in Unix ms, 0 for not at all. */
  kicked: (until: number) => void
}

/** A knock that nobody answers is forgotten after this time, ms; whoever still waits knocks again before. */
const KNOCK_MS = 60_000
/** More than a moderator can read, and a bound for what strangers can make us hold. */
const MAX_KNOCKING = 20

/** Who may do what in one room: what we may do ourselves, whether it is locked, and who asks to come in. */
export class RoomRights {
  private readonly options: RightsOptions
  private readonly listeners = new Listeners<RightsSnapshot>()
  private readonly waiting = new Map<string, Knocker & { timer: ReturnType<typeof setTimeout> }>()
  private moderator = false
  private locked = false

  constructor(options: RightsOptions) {
    this.options = options
  }

  /** Our rights as they are now. */
  snapshot(): RightsSnapshot {
    const knocking = [...this.waiting.values()].map(({ peer, user }) => ({ peer, user }))
    return { moderator: this.moderator, locked: this.locked, knocking }
  }

  /** Tells the state now and after every change, until the returned function is called. */
  subscribe(listener: (snapshot: RightsSnapshot) => void): () => void {
    listener(this.snapshot())
    return this.listeners.add(listener)
  }

  /** Joins with all rights that we have. Rejects with a WireError if refused. */
  async join(info: unknown): Promise<JoinOk> {
    const { room, signal, secret, pass } = this.options
    // A maker may enter a locked room. If it doesn't work out we are in all the same, as anybody.
    if (secret !== undefined) await signal.request('moderate', { room, secret }).catch(() => undefined)
    const ok = await signal.request('join', { room, info, ...(pass !== undefined && { pass }) })
    this.moderator = ok.moderator === true
    this.locked = ok.locked === true
    this.changed()
    return ok
  }

  /** Follows the room until the returned function is called. */
  follow(): () => void {
    const { signal, room, kicked } = this.options
    const ends = [
      signal.on('locked', (event) => {
        if (event.room !== room) return
        this.locked = event.locked
        // Whoever waited can come in by themselves now.
        if (!this.locked) this.forgetAll()
        this.changed()
      }),
      signal.on('knock', (event) => {
        if (event.room === room) this.knocked(event)
      }),
      signal.on('kicked', (event) => {
        if (event.room === room) kicked(event.until)
      }),
      () => this.forgetAll(),
    ]
    return () => ends.forEach((end) => end())
  }

  /** Rejects with a WireError. */
  async setLocked(locked: boolean): Promise<void> {
    const { room, signal } = this.options
    await signal.request('lock', { room, locked })
    this.locked = locked
    this.changed()
  }

  /** Removes a peer, and keeps its user out for so many seconds; with 0 it may come back at once. Rejects with a WireError. */
  async kick(peer: string, forSeconds: number): Promise<void> {
    await this.options.signal.request('kick', { room: this.options.room, peer, forSeconds })
  }

  /** Answers who knocked. Rejects with a WireError; `gone` if they wait no longer. */
  async admit(peer: string, accept: boolean): Promise<void> {
    const known = this.waiting.get(peer)
    this.forget(peer)
    this.changed()
    try {
      await this.options.signal.request('admit', { room: this.options.room, peer, accept })
    } catch (error) {
      // They are still outside; a knock that is gone comes again by itself.
      if (known && (error as { code?: string }).code !== 'gone') this.knocked(known)
      throw error
    }
  }

  private knocked({ peer, user }: Knocker): void {
    if (!this.waiting.has(peer) && this.waiting.size >= MAX_KNOCKING) return
    clearTimeout(this.waiting.get(peer)?.timer)
    const timer = setTimeout(() => {
      this.waiting.delete(peer)
      this.changed()
    }, KNOCK_MS)
    this.waiting.set(peer, { peer, user, timer })
    this.changed()
  }

  private forget(peer: string): void {
    clearTimeout(this.waiting.get(peer)?.timer)
    this.waiting.delete(peer)
  }

  private forgetAll(): void {
    for (const peer of [...this.waiting.keys()]) this.forget(peer)
  }

  private changed(): void {
    this.listeners.emit(this.snapshot())
  }
}
