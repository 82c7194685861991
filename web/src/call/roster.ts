import type { Peer, SignalEvent } from '../wire/wire.gen'
import { Beyond, MOST_PEOPLE } from './capacity'
import { Member } from './member'
import type { MemberOptions } from './member'
import { parseMessage } from './messages'
import type { LinkMessage } from './messages'
import type { PeerView, Slot } from './state'
import { SLOTS } from './state'

/** What somebody has signalled who is not known to be there, read and checked. */
interface Strays {
  messages: LinkMessage[]
  /** UTF-16 code units of all of them, as JSON. */
  text: number
}

export interface RosterOptions {
  member: (peer: string) => Omit<MemberOptions, 'changed'>
  /** What we send in a slot now. */
  track: (slot: Slot) => MediaStreamTrack | null
  /** How long a lost session may take to come back, in ms. */
  graceMs: () => number
  changed: () => void
}

// Bounds for signals of peers that no roster has named yet. Of each so many UTF-16 code units are kept: a description and its candidates are a fifth of that.
const MAX_STRANGERS = 32
const MAX_STRAYS = 64
const MAX_STRAY_TEXT = 128 * 1024
/** How often to look whether a lost peer's media still goes on. */
const LOST_MS = 5_000
/** When to try again where the browser gave no connection to somebody. */
const AGAIN_MS = 5_000

/**
 * Who is in the room besides us. Roster events may repeat and come in any order with rosters, so everything here can be applied twice.
 * Nobody's media is cut for being absent from a roster: after a failure of edges rosters fill only as sessions come back.
 */
export class Roster {
  private readonly options: RosterOptions
  private readonly members = new Map<string, Member>()
  /** Signals that overtook the news that their sender is there. */
  private readonly strays = new Map<string, Strays>()
  private readonly beyond = new Beyond()
  private again: ReturnType<typeof setTimeout> | undefined

  constructor(options: RosterOptions) {
    this.options = options
  }

  get(peer: string): Member | undefined {
    return this.members.get(peer)
  }

  all(): Member[] {
    return [...this.members.values()]
  }

  entries(): [string, Member][] {
    return [...this.members]
  }

  views(): PeerView[] {
    return this.all().map((member) => member.view())
  }

  /** A peer is there. */
  admit(peer: Peer): void {
    const known = this.members.get(peer.peer)
    if (known) {
      known.update(peer)
      this.believe(known)
    } else {
      this.succeed(peer)
      if (this.full) this.beyond.add(peer)
      else this.link(peer)
    }
    this.options.changed()
  }

  /** A peer says something new of itself. */
  update(peer: string, info: unknown): void {
    const member = this.members.get(peer)
    if (!member) {
      this.beyond.update(peer, info)
      return
    }
    member.update({ info })
    this.believe(member)
    this.options.changed()
  }

  /** A peer is gone for good. */
  remove(peer: string): void {
    this.strays.delete(peer)
    this.beyond.delete(peer)
    const member = this.members.get(peer)
    if (!member) return
    this.members.delete(peer)
    member.close()
    this.fill()
    this.options.changed()
  }

  /**
   * The mesh has lost a peer: its session is over, its media may not be. Whoever can be seen and heard stays until that ends, or until the
   * same user comes with a new session.
   */
  lose(peer: string): void {
    const member = this.members.get(peer)
    if (member?.link.state !== 'connected') {
      this.remove(peer)
      return
    }
    this.strays.delete(peer)
    member.lost = true
    this.doubt(peer, member, LOST_MS)
    this.fill()
  }

  /** Those who are there according to an edge that has just taken our session over. */
  reconcile(peers: readonly Peer[]): void {
    const named = new Set(peers.map(({ peer }) => peer))
    this.beyond.keep(named)
    for (const peer of peers) this.admit(peer)
    for (const [id, member] of this.members) if (!named.has(id)) this.doubt(id, member, this.options.graceMs())
  }

  signal(event: SignalEvent): void {
    const member = this.members.get(event.from)
    if (member) {
      this.believe(member)
      member.signal(event)
      return
    }
    this.keep(event)
  }

  clear(): void {
    this.strays.clear()
    this.beyond.clear()
    clearTimeout(this.again)
    this.again = undefined
    for (const id of [...this.members.keys()]) this.remove(id)
  }

  /** Whether there are links with as many as may be in a call. Whoever the mesh has lost has given their place up. */
  private get full(): boolean {
    return this.all().filter(({ lost }) => !lost).length >= MOST_PEOPLE - 1
  }

  private keep({ from, data }: SignalEvent): void {
    const message = parseMessage(data)
    if (!message) return
    const { messages, text } = this.strays.get(from) ?? { messages: [], text: 0 }
    const now = text + JSON.stringify(message).length
    if (messages.length >= MAX_STRAYS || now > MAX_STRAY_TEXT || (messages.length === 0 && this.strays.size >= MAX_STRANGERS)) return
    this.strays.set(from, { messages: [...messages, message], text: now })
  }

  /** Whether there is a link now. Where the browser gives no connection, the peer waits as those do who are too many. */
  private link(peer: Peer): boolean {
    const member = this.made(peer)
    if (!member) {
      this.beyond.add(peer)
      this.again ??= setTimeout(() => {
        this.again = undefined
        this.fill()
      }, AGAIN_MS)
      return false
    }
    this.beyond.delete(peer.peer)
    for (const slot of SLOTS) member.link.setTrack(slot, this.options.track(slot))
    this.members.set(peer.peer, member)
    for (const data of this.strays.get(peer.peer)?.messages ?? []) member.signal({ data })
    this.strays.delete(peer.peer)
    return true
  }

  private made(peer: Peer): Member | null {
    try {
      return new Member(peer, { ...this.options.member(peer.peer), changed: this.options.changed })
    } catch {
      return null
    }
  }

  private fill(): void {
    for (let next = this.next(); next && this.link(next); next = this.next()) this.options.changed()
  }

  private next(): Peer | undefined {
    return this.full ? undefined : this.beyond.next()
  }

  /** A peer that isn't named may yet resume. Past the grace it is gone, unless its media says otherwise. */
  private doubt(id: string, member: Member, ms: number): void {
    clearTimeout(member.doubt)
    member.doubt = setTimeout(() => {
      if (member.link.state === 'connected') this.doubt(id, member, ms)
      else this.remove(id)
    }, ms)
  }

  private believe(member: Member): void {
    clearTimeout(member.doubt)
    member.doubt = undefined
    member.lost = false
  }

  /** A user who comes with a new session has given up the one that was lost, and its links with it. */
  private succeed({ user }: Peer): void {
    for (const [id, member] of this.members) {
      const over = member.lost || (member.doubt !== undefined && member.link.state !== 'connected')
      if (over && member.user.id === user.id) this.remove(id)
    }
  }
}
