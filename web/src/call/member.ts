import type { Outcome, SignalEvent, Peer } from '../wire/wire.gen'
import type { PeerChannelOptions } from './channel'
import { knownSlots, pictureIn, slotsOf, statusOf } from './info'
import { parseMessage } from './messages'
import { Outbox } from './outbox'
import type { SendSignal } from './outbox'
import { pathOf } from './path'
import type { RelayRegion } from './path'
import { PeerLink } from './peerlink'
import type { Path, PeerView, Slot } from './state'
import { Voice } from './voice'

export interface MemberOptions {
  /** Our own peer id: of two, the smaller one is polite. */
  self: string
  signalUp: boolean
  connect: () => RTCPeerConnection
  deliver: SendSignal
  channel: PeerChannelOptions
  /** What a connection to the peer came to. */
  outcome?: (outcome: Outcome) => void
  regionOf?: RelayRegion
  changed: () => void
}

/** Another peer in our room: who it is, what it says of itself, and the link to it. */
export class Member {
  readonly link: PeerLink
  /** Runs while a roster did not name this peer; see room.ts. */
  doubt: ReturnType<typeof setTimeout> | undefined
  /** The mesh has said that its session is over. */
  lost = false
  private readonly outbox: Outbox
  private readonly voice = new Voice()
  private readonly options: MemberOptions
  private peer: Peer
  private path: Path | null = null
  private closed = false

  constructor(peer: Peer, options: MemberOptions) {
    this.peer = peer
    this.options = options
    this.outbox = new Outbox(options.deliver)
    this.link = new PeerLink({
      polite: options.self < peer.peer,
      signalUp: options.signalUp,
      offers: knownSlots(peer.info),
      channel: options.channel,
      connect: options.connect,
      send: (message) => this.outbox.push(message),
      forget: () => this.outbox.clear(),
      outcome: options.outcome,
      regionOf: options.regionOf,
      changed: () => {
        if (this.link?.state !== 'connected') this.path = null
        options.changed()
      },
    })
  }

  get user(): Peer['user'] {
    return this.peer.user
  }

  /** Takes what a roster or an event says of the peer. */
  update(peer: Partial<Peer>): void {
    this.peer = { ...this.peer, ...peer }
  }

  signal({ data }: Pick<SignalEvent, 'data'>): void {
    const message = parseMessage(data)
    if (message) void this.link.handle(message)
  }

  /** Reads which way the media goes. */
  async measure(regionOf: RelayRegion): Promise<void> {
    if (this.link.state !== 'connected') return
    const stats = await this.link.connection.getStats().catch(() => null)
    if (!stats || this.closed || this.link.state !== 'connected') return
    const path = pathOf(stats, regionOf)
    if (JSON.stringify(path) === JSON.stringify(this.path)) return
    this.path = path
    this.options.changed()
  }

  /** Hears how loud the peer is; returns whether that changed. */
  listen(now: number): boolean {
    return this.voice.listen(this.link.receiver('microphone'), now)
  }

  view(): PeerView {
    const { peer, user, region, info } = this.peer
    const sends = slotsOf(info)
    const track = (slot: Slot) => (sends[slot] ? this.link.track(slot) : null)
    return {
      peer, user, region, sends,
      status: statusOf(info),
      picture: pictureIn(info),
      link: this.link.state,
      path: this.path,
      microphone: track('microphone'),
      camera: track('camera'),
      screen: track('screen'),
      screenSound: track('screenSound'),
      speaking: sends.microphone && this.voice.speaking,
      level: sends.microphone ? this.voice.level : 0,
    }
  }

  close(): void {
    this.closed = true
    clearTimeout(this.doubt)
    this.outbox.close()
    this.link.close()
  }
}
