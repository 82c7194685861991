import type { LocalMedia } from '../media/devices'
import type { Greeting, SignalClient } from '../signal/client'
import { Listeners } from '../signal/listeners'
import type { Peer } from '../wire/wire.gen'
import { Chat } from './chat'
import { Entrance } from './entrance'
import type { FileStore } from './files/store'
import { Files } from './files/transfers'
import { History } from './history'
import { IceServers } from './ice'
import type { PeerInfo, PeerStatus } from './info'
import { infoOf, NO_STATUS } from './info'
import { postKept } from './poster'
import { Publisher } from './publisher'
import { Pulse } from './pulse'
import { Reactions } from './reactions'
import { RoomRights } from './rights/rights'
import { Roster } from './roster'
import type { RoomSnapshot, Slots } from './state'
import { forEachSlot, SLOTS } from './state'

export interface RoomCallOptions {
  room: string
  signal: SignalClient
  media: Pick<LocalMedia, 'track' | 'subscribe'>
  iceTransportPolicy?: RTCIceTransportPolicy
  /** Of us, for the others to see; see picture.ts. */
  picture?: string | null
  /** Of a room that its maker moderates, if we are its maker. */
  secret?: string
  /** Lets us into a locked room; a moderator gave it. */
  pass?: string
  /** For tests, which have no RTCPeerConnection. */
  connect?: (configuration: RTCConfiguration) => RTCPeerConnection
  /** Where received files go; the browser's own file system unless told. */
  store?: FileStore
}

const LEVEL_EVERY_MS = 200
const PATH_EVERY_MS = 1_000
const HISTORY_LIMIT = 100

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
  private readonly options: RoomCallOptions
  private readonly listeners = new Listeners<RoomSnapshot>()
  private readonly roster: Roster
  private readonly chat: Chat
  private readonly publisher: Publisher
  private readonly entrance: Entrance
  private ice: IceServers | null = null
  /** Aborted by leave; what join started ends with it. */
  private stay: AbortController | null = null
  private joined = false
  private error: RoomSnapshot['error'] = null
  private status: PeerStatus = NO_STATUS
  private telling = false

  constructor(options: RoomCallOptions) {
    this.options = options
    const changed = () => this.changed()
    const { room } = options
    this.chat = new Chat({
      post: (data) =>
        postKept(data, {
          post: (data) => this.signal.request('post', { room, data, keep: true, key: data.id }),
          entering: () => this.entrance.entering,
          stay: () => this.stay?.signal,
        }),
      changed,
    })
    this.rights = new RoomRights({ room, signal: options.signal, secret: options.secret, pass: options.pass, kicked: (until) => this.kicked(until) })
    this.entrance = new Entrance({
      info: () => this.info(),
      join: (info) => this.rights.join(info),
      entered: (peers, info) => this.entered(peers, info),
      refused: ({ code, message }) => {
        this.error = { code, message }
        changed()
      },
    })
    this.publisher = new Publisher({
      info: () => this.info(),
      update: (info) => this.signal.request('update', { room, info }),
      joined: () => this.joined,
    })
    this.history = new History({
      read: (before) => {
        const limit = Math.min(HISTORY_LIMIT, this.signal.hello?.limits.historyPosts ?? HISTORY_LIMIT)
        return this.signal.request('history', { room, limit, ...(before !== undefined && { before }) })
      },
      take: (posts) => this.chat.take(posts),
      room: () => this.chat.roomy,
      changed,
    })
    this.reactions = new Reactions({
      // One that comes late, or twice, is worse than one that is lost.
      us: () => (this.joined && this.signal.state === 'open' ? (this.signal.hello?.user ?? null) : null),
      post: (data) => void this.signal.request('post', { room, data }).catch(() => undefined),
    })
    this.files = new Files({
      peer: (peer) => {
        const member = this.roster.get(peer)
        return member ? { user: member.user, channel: member.link.channel } : null
      },
      changed,
      store: options.store,
    })
    this.roster = new Roster({
      member: (peer) => ({
        self: this.signal.hello?.peer ?? '',
        signalUp: this.signal.state === 'open',
        connect: () => this.connect(),
        channel: { take: (frame) => this.files.take(peer, frame), changed: () => this.files.channelChanged(peer) },
        deliver: (data, key) => this.signal.request('signal', { room, to: peer, data, key }),
        // Statistics: nothing is lost to the reader when they don't arrive.
        outcome: (outcome) => void this.signal.request('report', { room, peer, outcome }).catch(() => undefined),
        regionOf: (url) => this.ice?.regionOf(url),
      }),
      track: (slot) => options.media.track(slot),
      graceMs: () => this.signal.hello?.limits.graceMs ?? 30_000,
      changed,
    })
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
      peers: this.roster.views(),
      chat: this.chat.snapshot(),
      earlier: this.history.earlier,
      files: this.files.snapshot(),
      error: failed ?? this.error,
    }
  }

  /** Enters the room, and enters it again whenever the session could not be saved, until {@link leave}. Rejects with a WireError if refused. */
  join(): Promise<void> {
    if (!this.stay) {
      this.stay = new AbortController()
      this.listen(this.stay.signal)
    }
    return this.enter()
  }

  /** Leaves: the links are closed at once, the others are told. The chat stays readable. */
  async leave(): Promise<void> {
    if (!this.stay) return
    this.stay.abort()
    this.stay = null
    this.entrance.forget()
    this.joined = false
    this.publisher.set(null)
    this.status = NO_STATUS
    this.error = null
    // First, as it is said over the links.
    this.files.close()
    this.roster.clear()
    this.changed()
    // Whatever keeps it from being told, the edge notices when the session ends.
    if (this.signal.state === 'open') await this.signal.request('leave', { room: this.options.room }, 3_000).catch(() => undefined)
  }

  /** Settles when the line is sent or has failed; it is shown, with its state, from the start. */
  sendText(text: string): Promise<void> {
    return this.chat.send(text)
  }

  retryText(id: string): Promise<void> {
    return this.chat.retry(id)
  }

  /** The certificates' fingerprints of the link to a peer, for a safety code; null while there is no connection. */
  fingerprints(peer: string): [ours: string, theirs: string] | null {
    return this.roster.get(peer)?.link.fingerprints() ?? null
  }

  /** Tells the room more of us: a raised hand, a running recording. */
  setStatus(change: Partial<PeerStatus>): void {
    this.status = { ...this.status, ...change }
    void this.publisher.publish(this.stay?.signal)
    this.changed()
  }

  /** Looks for another path to one peer, or to all. */
  restartIce(peer?: string): void {
    for (const [id, member] of this.roster.entries()) if (peer === undefined || id === peer) member.link.restart()
  }

  /** By peer id, for looking into a call from the console or a test. */
  peerConnections(): Map<string, RTCPeerConnection> {
    return new Map(this.roster.entries().map(([id, member]) => [id, member.link.connection]))
  }

  private get signal(): SignalClient {
    return this.options.signal
  }

  private listen(stay: AbortSignal): void {
    const { signal, options } = this
    const here = <E extends { room: string }>(act: (event: E) => void) => (event: E) => {
      if (event.room === options.room) act(event)
    }
    const ice = new IceServers(signal, (iceServers) => {
      for (const member of this.roster.all()) member.link.setIceServers(iceServers)
    })
    this.ice = ice
    const levels = new Pulse(LEVEL_EVERY_MS, () => {
      const now = performance.now()
      const heard = this.roster.all().map((member) => member.listen(now))
      if (heard.includes(true)) this.changed()
    })
    const paths = new Pulse(PATH_EVERY_MS, () => {
      for (const member of this.roster.all()) void member.measure((url) => ice.regionOf(url))
    })
    const ends = [
      signal.onHello((greeting) => this.greeted(greeting)),
      signal.onState((state) => {
        for (const member of this.roster.all()) member.link.signal(state === 'open')
        if (state === 'closed') this.joined = false
        this.changed()
      }),
      signal.on('joined', here(({ peer, user, region, info }) => {
        if (peer !== signal.hello?.peer) this.roster.admit({ peer, user, region, info })
      })),
      signal.on('updated', here(({ peer, info }) => this.roster.update(peer, info))),
      signal.on('left', here(({ peer, reason }) => (reason === 'lost' ? this.roster.lose(peer) : this.roster.remove(peer)))),
      signal.on('signal', here((event) => this.roster.signal(event))),
      signal.on('post', here(({ mid = '', at = Date.now(), from, user, data }) => {
        this.chat.take([{ mid, at, from, user, data }])
        this.reactions.take(from, user, data)
      })),
      this.rights.follow(),
      options.media.subscribe(() => this.mediaChanged()),
      () => ice.stop(),
      () => levels.stop(),
      () => paths.stop(),
    ]
    stay.addEventListener('abort', () => ends.forEach((end) => end()), { once: true })
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
      this.roster.clear()
      this.joined = false
    }
    const room = hello.rooms.find(({ room }) => room === this.options.room)
    if (!this.joined || !room) {
      this.joined = false
      // Whoever called join hears of a refusal there; here it is in the snapshot.
      this.enter().catch(() => undefined)
      return
    }
    this.roster.reconcile(room.peers)
    if (kind !== 'gap') return
    // What was said meanwhile is lost: a text is in the history, a description or a candidate nowhere.
    void this.history.latest()
    for (const member of this.roster.all()) member.link.renegotiate()
  }

  private enter(): Promise<void> {
    return this.entrance.enter(this.stay?.signal ?? AbortSignal.abort())
  }

  private entered(peers: Peer[], info: PeerInfo): void {
    if (this.signal.hello) this.chat.setMe(this.signal.hello.user)
    this.joined = true
    this.error = null
    this.publisher.set(info)
    this.roster.reconcile(peers)
    this.changed()
    void this.history.latest()
    void this.publisher.publish(this.stay?.signal)
  }

  private connect(): RTCPeerConnection {
    const configuration: RTCConfiguration = {
      iceServers: this.ice?.current ?? [],
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
    for (const member of this.roster.all()) {
      for (const slot of SLOTS) member.link.setTrack(slot, this.options.media.track(slot))
    }
    void this.publisher.publish(this.stay?.signal)
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
