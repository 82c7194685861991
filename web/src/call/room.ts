import type { LocalMedia } from '../media/devices'
import { backoff } from '../signal/backoff'
import type { Greeting, SignalClient } from '../signal/client'
import type { WireError } from '../signal/errors'
import { asWireError } from '../signal/errors'
import { Listeners } from '../signal/listeners'
import { Chat } from './chat'
import type { TextData } from './chat'
import { IceServers } from './ice'
import type { PeerInfo, PeerStatus } from './info'
import { infoOf, NO_STATUS, sameInfo } from './info'
import { pause } from './pause'
import { Pulse } from './pulse'
import { Roster } from './roster'
import type { RoomSnapshot, Slots } from './state'
import { SLOTS } from './state'

export interface RoomCallOptions {
  room: string
  signal: SignalClient
  media: Pick<LocalMedia, 'track' | 'subscribe'>
  iceTransportPolicy?: RTCIceTransportPolicy
  /** For tests, which have no RTCPeerConnection. */
  connect?: (configuration: RTCConfiguration) => RTCPeerConnection
}

const LEVEL_EVERY_MS = 200
const PATH_EVERY_MS = 1_000
const HISTORY_LIMIT = 100
/** Refusals that say nothing about the next try. */
const PASSING: ReadonlySet<WireError['code']> = new Set(['unavailable', 'internal', 'rate_limited'])
/** A line is tried so often at least, and for so long: for a minute, receivers know a repeat by its key. */
const MIN_POSTS = 6
const POST_PATIENCE_MS = 45_000

/**
 * A room as seen by one who is in it: joins, follows the roster, keeps a link to each peer, sends what LocalMedia gives, and chats.
 * The signalling may come and go; what is between the peers stays.
 */
export class RoomCall {
  private readonly options: RoomCallOptions
  private readonly listeners = new Listeners<RoomSnapshot>()
  private readonly roster: Roster
  private readonly chat: Chat
  private ice: IceServers | null = null
  /** Aborted by leave; what join started ends with it. */
  private stay: AbortController | null = null
  private entering: Promise<void> | null = null
  private joined = false
  private error: RoomSnapshot['error'] = null
  /** What the room knows of us. */
  private published: PeerInfo | null = null
  private status: PeerStatus = NO_STATUS
  private publishing = false
  private telling = false

  constructor(options: RoomCallOptions) {
    this.options = options
    const changed = () => this.changed()
    this.chat = new Chat({ post: (data) => this.post(data), changed })
    this.roster = new Roster({
      member: (peer) => ({
        self: this.signal.hello?.peer ?? '',
        signalUp: this.signal.state === 'open',
        connect: () => this.connect(),
        deliver: (data, key) => this.signal.request('signal', { room: options.room, to: peer, data, key }),
        // Statistics: nothing is lost to the reader when they don't arrive.
        outcome: (outcome) => void this.signal.request('report', { room: options.room, peer, outcome }).catch(() => undefined),
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
    this.entering = null
    this.joined = false
    this.published = null
    this.status = NO_STATUS
    this.error = null
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

  /** Tells the room more of us: a raised hand, a running recording. */
  setStatus(change: Partial<PeerStatus>): void {
    this.status = { ...this.status, ...change }
    void this.publish()
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
      signal.on('post', here(({ mid = '', at = Date.now(), from, user, data }) => this.chat.take([{ mid, at, from, user, data }]))),
      options.media.subscribe(() => this.mediaChanged()),
      () => ice.stop(),
      () => levels.stop(),
      () => paths.stop(),
    ]
    stay.addEventListener('abort', () => ends.forEach((end) => end()), { once: true })
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
    void this.readHistory()
    for (const member of this.roster.all()) member.link.renegotiate()
  }

  private enter(): Promise<void> {
    if (this.entering) return this.entering
    const entering = this.tryToEnter(this.stay?.signal ?? AbortSignal.abort()).finally(() => {
      // leave may have made room for another.
      if (this.entering === entering) this.entering = null
    })
    this.entering = entering
    return entering
  }

  private async tryToEnter(stay: AbortSignal): Promise<void> {
    for (let tries = 0; !stay.aborted; tries++) {
      const info = this.info()
      try {
        const { peers } = await this.signal.request('join', { room: this.options.room, info })
        if (stay.aborted) return
        if (this.signal.hello) this.chat.setMe(this.signal.hello.user)
        this.joined = true
        this.error = null
        this.published = info
        this.roster.reconcile(peers)
        this.changed()
        void this.readHistory()
        void this.publish()
        return
      } catch (thrown) {
        const error = asWireError(thrown)
        if (stay.aborted) return
        if (!PASSING.has(error.code)) {
          this.error = { code: error.code, message: error.message }
          this.changed()
          throw error
        }
        await pause(backoff(tries, Math.random), stay)
      }
    }
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
    const sends = (slot: keyof Slots) => this.options.media.track(slot) !== null
    return { microphone: sends('microphone'), camera: sends('camera'), screen: sends('screen') }
  }

  private info(): PeerInfo {
    return infoOf(this.slots(), this.status)
  }

  private mediaChanged(): void {
    for (const member of this.roster.all()) {
      for (const slot of SLOTS) member.link.setTrack(slot, this.options.media.track(slot))
    }
    void this.publish()
    this.changed()
  }

  /** Tells the room what we send and what we say of ourselves, the latest only, however fast it changes. */
  private async publish(): Promise<void> {
    const stay = this.stay?.signal
    if (this.publishing || !stay) return
    this.publishing = true
    try {
      while (!stay.aborted && this.joined) {
        const info = this.info()
        if (sameInfo(info, this.published)) return
        try {
          await this.signal.request('update', { room: this.options.room, info })
          this.published = info
        } catch (thrown) {
          // Not in the room any more: entering it again tells the same.
          if (!PASSING.has(asWireError(thrown).code)) return
          await pause(1_000, stay)
        }
      }
    } finally {
      this.publishing = false
    }
  }

  private async readHistory(): Promise<void> {
    const limit = Math.min(HISTORY_LIMIT, this.signal.hello?.limits.historyPosts ?? HISTORY_LIMIT)
    try {
      const { posts } = await this.signal.request('history', { room: this.options.room, limit })
      this.chat.take(posts)
    } catch {
      // The call is worth more than what was said before it; new lines come all the same.
    }
  }

  private async post(data: TextData): Promise<{ mid: string; at: number }> {
    const since = Date.now()
    for (let tries = 1; ; tries++) {
      // A session that was replaced has to enter the room before it can post there.
      await this.entering?.catch(() => undefined)
      try {
        return await this.signal.request('post', { room: this.options.room, data, keep: true, key: data.id })
      } catch (thrown) {
        const error = asWireError(thrown)
        const passing = PASSING.has(error.code) || (error.code === 'not_in_room' && this.entering !== null)
        const enough = tries >= MIN_POSTS && Date.now() - since > POST_PATIENCE_MS
        if (!passing || enough || !this.stay) throw error
        await pause(backoff(tries, Math.random), this.stay.signal)
      }
    }
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
