import type { Outcome } from '../wire/wire.gen'
import { PeerChannel } from './channel'
import type { PeerChannelOptions } from './channel'
import type { Body, LinkMessage } from './messages'
import { Negotiation } from './negotiation'
import { watchOutcome } from './quality/outcome'
import type { RelayRegion } from './path'
import { Recovery } from './recovery'
import { fingerprintOf } from './safety'
import { SlotTransceivers } from './slots'
import type { LinkState, Slot } from './state'
import { forEachSlot, SLOTS } from './state'

export interface PeerLinkOptions {
  /** Exactly one of two linked peers is polite: the one with the smaller peer id. */
  polite: boolean
  signalUp: boolean
  /** The slots that the other side's page knows. */
  offers: readonly Slot[]
  channel: PeerChannelOptions
  /** Makes a connection with the present ICE servers; may throw. */
  connect: () => RTCPeerConnection
  /** Must bring messages to the other side once and in order, however long it takes. */
  send: (message: LinkMessage) => void
  /** Messages that were not sent yet are of no use any more: their link has ended. */
  forget: () => void
  /** The link's state or its tracks are other than before. */
  changed: () => void
  /** What each connection came to. */
  outcome?: (outcome: Outcome) => void
  regionOf?: RelayRegion
}

// Bounds for what a stranger sends: messages that wait to be worked off, and new connections that they can make us begin.
const MAX_WORK = 256
const MAX_REPLACED = 16
const REPLACED_MS = 60_000

// Rises over the life of the page, so that a later link always has the higher id; see messages.ts.
let lastLink = 0

/**
 * Media between us and one peer, from the moment it is known to be there until it has left. Nearly always that is one RTCPeerConnection;
 * where that can't be mended, or the other side began a new one, another takes its place.
 */
export class PeerLink {
  private readonly options: PeerLinkOptions
  readonly channel: PeerChannel
  private readonly tracks = forEachSlot<MediaStreamTrack | null>(() => null)
  private readonly recovery: Recovery
  private pc!: RTCPeerConnection
  private slots!: SlotTransceivers
  private negotiation!: Negotiation
  private endOutcome: () => void = () => undefined
  private id = 0
  /** The other side's link, as far as we have heard of one. */
  private remote: number | null = null
  /** Whether we took a description of that link: then this connection is good for no other. */
  private bound = false
  private work: Promise<void> = Promise.resolve()
  private waiting = 0
  /** When connections were replaced because the other side began anew, in Unix ms. */
  private replaced: number[] = []
  private closed = false

  constructor(options: PeerLinkOptions) {
    this.options = options
    this.channel = new PeerChannel(options.channel)
    // Throws if the browser gives no connection; nothing runs by then.
    this.open()
    this.recovery = new Recovery({ restart: () => this.negotiation.restart(), renew: () => this.renew() }, options.signalUp)
    if (options.polite) this.send({ type: 'ready' })
  }

  get state(): LinkState {
    return this.recovery.link
  }

  get connection(): RTCPeerConnection {
    return this.pc
  }

  /** Takes what the peer sent. Messages are worked off one after another, in the order of these calls. */
  handle(message: LinkMessage): Promise<void> {
    // An honest peer sends the next when the last was accepted; what else comes is not worth keeping.
    if (this.waiting >= MAX_WORK) return this.work
    this.waiting++
    this.work = this.work
      .then(() => this.process(message))
      // Not even a new connection could be had; what comes next must be heard all the same.
      .catch(() => this.closed || this.recovery.broken())
      .then(() => void this.waiting--)
    return this.work
  }

  /** What to send in a slot from now on. Costs no negotiation. */
  setTrack(slot: Slot, track: MediaStreamTrack | null): void {
    this.tracks[slot] = track
    this.slots.setTrack(slot, track)
  }

  /** What comes in a slot; it is silent or black while the peer sends nothing there. Null until the first description. */
  track(slot: Slot): MediaStreamTrack | null {
    return this.slots.receiver(slot)?.track ?? null
  }

  receiver(slot: Slot): RTCRtpReceiver | null {
    return this.slots.receiver(slot)
  }

  /** Looks for another path now; media goes on meanwhile. */
  restart(): void {
    this.recovery.now()
    this.options.changed()
  }

  /** Messages of either side may have been lost: says again what has no answer, and negotiates anew where nobody could tell. Media goes on. */
  renegotiate(): void {
    this.negotiation.restart()
  }

  /** Signalling came or went. Media goes on without it; what needs it waits. */
  signal(up: boolean): void {
    this.recovery.signal(up)
  }

  setIceServers(iceServers: RTCIceServer[]): void {
    try {
      // Used from the next gathering on, so it disturbs nothing.
      this.pc.setConfiguration({ ...this.pc.getConfiguration(), iceServers })
    } catch {
      // Of servers that this browser refuses none is taken: it goes on with those that it has.
    }
  }

  /** The fingerprints of the certificates of both ends; null until both are known. They change when another connection takes this one's place. */
  fingerprints(): [ours: string, theirs: string] | null {
    const [ours, theirs] = [fingerprintOf(this.pc.localDescription?.sdp), fingerprintOf(this.pc.remoteDescription?.sdp)]
    return ours !== null && theirs !== null ? [ours, theirs] : null
  }

  close(): void {
    this.closed = true
    this.recovery.stop()
    this.shut()
  }

  private open(): void {
    this.id = ++lastLink
    const pc = this.options.connect()
    this.pc = pc
    this.slots = new SlotTransceivers(pc)
    for (const slot of SLOTS) this.slots.setTrack(slot, this.tracks[slot])
    this.channel.attach(pc)
    pc.onconnectionstatechange = pc.oniceconnectionstatechange = () => {
      this.recovery.observe(pc.connectionState, pc.iceConnectionState)
      this.options.changed()
    }
    pc.ontrack = () => this.options.changed()
    const { outcome, regionOf } = this.options
    if (outcome) this.endOutcome = watchOutcome(pc, { tell: outcome, regionOf })
    this.negotiation = new Negotiation({
      pc,
      slots: this.slots,
      offers: this.options.offers,
      polite: this.options.polite,
      send: (body) => this.send(body),
      failed: () => this.recovery.broken(),
    })
  }

  private shut(): void {
    const { pc } = this
    pc.onconnectionstatechange = pc.oniceconnectionstatechange = pc.ontrack = null
    this.endOutcome()
    this.negotiation.close()
    this.channel.detach()
    pc.close()
  }

  /** Begins again with a fresh connection, of which the other side has not heard. */
  private replace(): void {
    this.shut()
    this.options.forget()
    this.remote = null
    this.bound = false
    this.open()
    this.options.changed()
  }

  private mayReplace(): boolean {
    const now = Date.now()
    this.replaced = this.replaced.filter((at) => now - at < REPLACED_MS)
    return this.replaced.length < MAX_REPLACED && this.replaced.push(now) > 0
  }

  /** Begins again with another connection, where the present one can't be mended; what is shown and sent goes on over it. */
  renew(): void {
    try {
      this.replace()
    } catch {
      // The browser gives no more connections now; it may later.
      this.recovery.broken()
      return
    }
    if (this.options.polite) this.send({ type: 'ready' })
  }

  private send(body: Body): void {
    this.options.send({ ...body, link: this.id, for: this.remote })
  }

  /**
   * Whether a message can mean anything to our present link. An offer of the impolite side always does: it made the slots, so whatever link of ours it
   * was thinking of, the present one will do, or makes room for one that does. All else in descriptions belongs to one pair of links. Candidates are
   * told apart by their user name fragments.
   */
  private concerns(message: LinkMessage): boolean {
    if (message.type !== 'description' || message.for === this.id) return true
    return this.options.polite && message.description.type === 'offer'
  }

  private async process(message: LinkMessage): Promise<void> {
    if (this.closed) return
    // From a link of theirs that has ended, or about an exchange with one of ours that has.
    if (!this.concerns(message)) return
    if (this.remote !== null && message.link < this.remote) return
    if (this.remote === null || message.link > this.remote) {
      if (this.bound) {
        if (!this.mayReplace()) return
        this.replace()
        // It answers an offer of the connection that has just been given up.
        if (message.type === 'description' && message.description.type === 'answer') return
      } else {
        this.negotiation.forgetEarly()
      }
      this.remote = message.link
    }
    if (message.type === 'ready') {
      // If the other side had been there when we offered, it would have an offer; so this one may have gone to its predecessor.
      if (!this.bound) this.negotiation.repeat()
      return
    }
    if (message.type === 'description') this.bound = true
    await this.negotiation.handle(message)
    this.options.changed()
  }
}
