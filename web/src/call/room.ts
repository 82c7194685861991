import type { Greeting, SignalClient } from '../signal/client'
import { Listeners } from '../signal/listeners'
import type { Peer } from '../wire/wire.gen'
import type { Files } from './files/transfers'
import { follow } from './follow'
import type { History } from './history'
import type { IceServers } from './ice'
import type { PeerInfo, PeerStatus } from './info'
import { infoOf, NO_STATUS } from './info'
import type { Reactions } from './reactions'
import type { RoomRights } from './rights/rights'
import type { RoomCallOptions } from './roomOptions'
import { makeParts } from './roomParts'
import type { RoomParts } from './roomParts'
import type { Showing } from './showing'
import type { RoomSnapshot, Slots } from './state'
import { forEachSlot, SLOTS } from './state'

export type { RoomCallOptions } from './roomOptions'

/**
 * A room as seen by one who is in it: joins, follows the roster, keeps a link to each peer, sends what LocalMedia gives, and chats.
 * The signalling may come and go; what is between the peers stays.
 */
export class RoomCall {
  /** Who may do what here. */
  readonly rights: RoomRights
  readonly history: History
  readonly reactions: Reactions
  readonly files: Files
  /** How large each camera is shown, here and at the others. */
  readonly showing: Showing
  private readonly options: RoomCallOptions
  private readonly listeners = new Listeners<RoomSnapshot>()
  private readonly parts: RoomParts
  private ice: IceServers | null = null
  /** Aborted by leave; what join started ends with it. */
  private stay: AbortController | null = null
  private joined = false
  private error: RoomSnapshot['error'] = null
  private status: PeerStatus = NO_STATUS
  private telling = false

  constructor(options: RoomCallOptions) {
    this.options = options
    this.parts = makeParts(options, {
      info: () => this.info(),
      joined: () => this.joined,
      stay: () => this.stay?.signal,
      connect: () => this.connect(),
      regionOf: (url) => this.ice?.regionOf(url),
      entered: (peers, info) => this.entered(peers, info),
      refused: ({ code, message }) => {
        this.error = { code, message }
        this.changed()
      },
      kicked: (until) => this.kicked(until),
      changed: () => this.changed(),
    })
    this.rights = this.parts.rights
    this.history = this.parts.history
    this.reactions = this.parts.reactions
    this.files = this.parts.files
    this.showing = this.parts.showing
  }

  /** Tells the state now and after every change, until the returned function is called. */
  subscribe(listener: (snapshot: RoomSnapshot) => void): () => void {
    const end = this.listeners.add(listener)
    // The line's state is part of the snapshot even before join.
    const endState = this.signal.onState(() => this.changed())
    listener(this.snapshot())
    return () => {
      endState()
      end()
    }
  }

  /** The room as it is now. */
  snapshot(): RoomSnapshot {
    const { hello, state, error } = this.signal
    const failed = error ? { code: error.code, message: error.message } : null
    return {
      room: this.options.room,
      signal: state,
      self: hello && { peer: hello.peer, user: hello.user, region: hello.region, edge: hello.edge },
      joined: this.joined,
      sends: this.slots(),
      status: this.status,
      peers: this.parts.roster.views(),
      chat: this.parts.chat.snapshot(),
      earlier: this.history.earlier,
      files: this.files.snapshot(),
      error: failed ?? this.error,
    }
  }

  /** Enters the room, and enters it again whenever the session could not be saved, until {@link leave}. Rejects with a WireError if refused. */
  join(): Promise<void> {
    if (!this.stay) {
      this.stay = new AbortController()
      this.ice = follow(this.options, this.parts, {
        greeted: (greeting) => this.greeted(greeting),
        line: (state) => {
          if (state === 'closed') this.joined = false
          this.changed()
        },
        mediaChanged: () => this.mediaChanged(),
        changed: () => this.changed(),
      }, this.stay.signal)
    }
    return this.enter()
  }

  /** Leaves: the links are closed at once, the others are told. The chat stays readable. */
  async leave(): Promise<void> {
    if (!this.stay) return
    this.stay.abort()
    this.stay = null
    this.parts.entrance.forget()
    this.joined = false
    this.parts.publisher.set(null)
    this.status = NO_STATUS
    this.error = null
    // First, as it is said over the links.
    this.files.close()
    this.parts.roster.clear()
    this.changed()
    // Whatever keeps it from being told, the edge notices when the session ends.
    if (this.signal.state === 'open') await this.signal.request('leave', { room: this.options.room }, 3_000).catch(() => undefined)
  }

  /** Settles when the line is sent or has failed; it is shown, with its state, from the start. */
  sendText(text: string): Promise<void> {
    return this.parts.chat.send(text)
  }

  /** Sends a line again that has failed, by its id; settles as {@link sendText} does. */
  retryText(id: string): Promise<void> {
    return this.parts.chat.retry(id)
  }

  /** The certificates' fingerprints of the link to a peer, for a safety code; null while there is no connection. */
  fingerprints(peer: string): [ours: string, theirs: string] | null {
    return this.parts.roster.get(peer)?.link.fingerprints() ?? null
  }

  /** Tells the room more of us: a raised hand, a running recording. */
  setStatus(change: Partial<PeerStatus>): void {
    this.status = { ...this.status, ...change }
    void this.parts.publisher.publish(this.stay?.signal)
    this.changed()
  }

  /** Looks for another path to one peer, or to all. */
  restartIce(peer?: string): void {
    for (const [id, member] of this.parts.roster.entries()) if (peer === undefined || id === peer) member.link.restart()
  }

  /** By peer id, for looking into a call from the console or a test. */
  peerConnections(): Map<string, RTCPeerConnection> {
    return new Map(this.parts.roster.entries().map(([id, member]) => [id, member.link.connection]))
  }

  private get signal(): SignalClient {
    return this.options.signal
  }

  /** A moderator has removed us. Unlike a lost room this one is not entered again. */
  private kicked(until: number): void {
    void this.leave()
    this.error = { code: 'kicked', message: 'a moderator has removed us', until }
    this.changed()
  }

  private greeted({ kind, hello }: Greeting): void {
    if (kind === 'new') return
    if (kind === 'replaced') {
      // Others know us by another name now, and our links went to the old one.
      this.parts.roster.clear()
      this.joined = false
    }
    const room = hello.rooms.find(({ room }) => room === this.options.room)
    if (!this.joined || !room) {
      this.joined = false
      // Whoever called join hears of a refusal there; here it is in the snapshot.
      this.enter().catch(() => undefined)
      return
    }
    this.parts.roster.reconcile(room.peers)
    if (kind !== 'gap') return
    // What was said meanwhile is lost: a text is in the history, a description or a candidate nowhere.
    void this.history.latest()
    for (const member of this.parts.roster.all()) member.link.renegotiate()
  }

  private enter(): Promise<void> {
    return this.parts.entrance.enter(this.stay?.signal ?? AbortSignal.abort())
  }

  private entered(peers: Peer[], info: PeerInfo): void {
    if (this.signal.hello) this.parts.chat.setMe(this.signal.hello.user)
    this.joined = true
    this.error = null
    this.parts.publisher.set(info)
    this.parts.roster.reconcile(peers)
    this.changed()
    void this.history.latest()
    void this.parts.publisher.publish(this.stay?.signal)
  }

  private connect(): RTCPeerConnection {
    try {
      return this.connection(this.ice?.current ?? [])
    } catch {
      // Perhaps for a server that this browser refuses; without any, whoever can be reached directly still is.
      return this.connection([])
    }
  }

  private connection(iceServers: RTCIceServer[]): RTCPeerConnection {
    const configuration: RTCConfiguration = {
      iceServers,
      bundlePolicy: 'max-bundle',
      ...(this.options.iceTransportPolicy && { iceTransportPolicy: this.options.iceTransportPolicy }),
    }
    return this.options.connect?.(configuration) ?? new RTCPeerConnection(configuration)
  }

  private slots(): Slots {
    return forEachSlot((slot) => this.options.media.track(slot) !== null)
  }

  private info(): PeerInfo {
    return infoOf(this.slots(), this.status, this.options.picture)
  }

  private mediaChanged(): void {
    for (const member of this.parts.roster.all()) {
      for (const slot of SLOTS) member.link.setTrack(slot, this.options.media.track(slot))
    }
    void this.parts.publisher.publish(this.stay?.signal)
    this.changed()
  }

  /** Tells listeners, once however much changes in one turn. */
  private changed(): void {
    if (this.telling) return
    this.telling = true
    queueMicrotask(() => {
      this.telling = false
      this.listeners.emit(this.snapshot())
    })
  }
}
