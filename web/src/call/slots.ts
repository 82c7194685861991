import type { Slot } from './state'
import { FIRST_SLOTS, forEachSlot, SLOTS } from './state'

const KINDS: Record<Slot, 'audio' | 'video'> = { microphone: 'audio', camera: 'video', screen: 'video', screenSound: 'audio' }

/**
 * The transceivers of a link, one per slot, made once and never again. Which is which follows from their order in the
 * first offer. Both directions stay open all the time: turning something on or off replaces a track and negotiates nothing.
 *
 * If both sides made transceivers, an offer of one would meet those of the other and there would be twice as many. So one side alone makes them,
 * and the other takes over those that its browser makes from the offer.
 */
export class SlotTransceivers {
  private readonly pc: RTCPeerConnection
  private readonly tracks = forEachSlot<MediaStreamTrack | null>(() => null)
  private transceivers: readonly RTCRtpTransceiver[] | null = null

  constructor(pc: RTCPeerConnection) {
    this.pc = pc
  }

  /** Whether there are transceivers, so that there is something to negotiate. */
  get ready(): boolean {
    return this.transceivers !== null
  }

  /** Makes those that the other side knows, the first of {@link SLOTS}. */
  create(known: readonly Slot[]): void {
    const streamOf = streams()
    this.transceivers = known.map((slot) => this.pc.addTransceiver(KINDS[slot], { direction: 'sendrecv', streams: [streamOf(slot)] }))
    this.apply()
  }

  /** To be called between taking a remote offer and answering it. Throws if the offer has other slots than ours, or than those of older pages. */
  adopt(): void {
    if (this.transceivers) return
    const found = this.pc.getTransceivers()
    const kinds = found.map((t) => t.receiver.track.kind)
    const wanted = [SLOTS, FIRST_SLOTS].map((slots) => slots.map((slot) => KINDS[slot]).join(', '))
    if (!wanted.includes(kinds.join(', '))) throw new Error(`the offer has ${kinds.join(', ') || 'no media'}: want ${wanted.join(' or ')}`)
    const streamOf = streams()
    found.forEach((transceiver, i) => {
      transceiver.direction = 'sendrecv'
      const slot = SLOTS[i]
      if (slot) transceiver.sender.setStreams?.(streamOf(slot))
    })
    this.transceivers = found
    this.apply()
  }

  /** What to send in a slot from now on. */
  setTrack(slot: Slot, track: MediaStreamTrack | null): void {
    if (this.tracks[slot] === track) return
    this.tracks[slot] = track
    this.replace(slot)
  }

  receiver(slot: Slot): RTCRtpReceiver | null {
    return this.transceivers?.[SLOTS.indexOf(slot)]?.receiver ?? null
  }

  /** For tests: which slot has which place in the description. */
  mids(): Partial<Record<Slot, string | null>> {
    return Object.fromEntries((this.transceivers ?? []).map((t, i) => [SLOTS[i], t.mid]))
  }

  private apply(): void {
    for (const slot of SLOTS) if (this.tracks[slot]) this.replace(slot)
  }

  private replace(slot: Slot): void {
    const sender = this.transceivers?.[SLOTS.indexOf(slot)]?.sender
    // Replacements run in order, so the last one stands. It fails only on a connection that was closed meanwhile.
    sender?.replaceTrack(this.tracks[slot]).catch(() => undefined)
  }
}

/** Sound and picture of one stream are kept in step by the receiver: a person's are one, a screen's another. */
function streams(): (slot: Slot) => MediaStream {
  const person = new MediaStream()
  const screen = new MediaStream()
  return (slot) => (slot === 'microphone' || slot === 'camera' ? person : screen)
}
