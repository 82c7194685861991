import type { Slot } from './state'
import { SLOTS } from './state'

const KINDS: Record<Slot, 'audio' | 'video'> = { microphone: 'audio', camera: 'video', screen: 'video' }

/**
 * The three transceivers of a link, one per slot, made once and never again. Which is which follows from their order in the
 * first offer. Both directions stay open all the time: turning something on or off replaces a track and negotiates nothing.
 *
 * If both sides made transceivers, an offer of one would meet those of the other and there would be six. So one side alone makes them,
 * and the other takes over those that its browser makes from the offer.
 */
export class SlotTransceivers {
  private readonly pc: RTCPeerConnection
  private readonly tracks: Record<Slot, MediaStreamTrack | null> = { microphone: null, camera: null, screen: null }
  private transceivers: readonly RTCRtpTransceiver[] | null = null

  constructor(pc: RTCPeerConnection) {
    this.pc = pc
  }

  /** Whether there are transceivers, so that there is something to negotiate. */
  get ready(): boolean {
    return this.transceivers !== null
  }

  create(): void {
    // Sound and picture of one stream are kept in step by the receiver; a shared screen stands alone.
    const person = new MediaStream()
    this.transceivers = SLOTS.map((slot) =>
      this.pc.addTransceiver(KINDS[slot], { direction: 'sendrecv', streams: slot === 'screen' ? [] : [person] }),
    )
    this.apply()
  }

  /** To be called between taking a remote offer and answering it. Throws if the offer has other slots than ours. */
  adopt(): void {
    if (this.transceivers) return
    const found = this.pc.getTransceivers()
    const kinds = found.map((t) => t.receiver.track.kind)
    if (kinds.join() !== SLOTS.map((slot) => KINDS[slot]).join()) {
      throw new Error(`the offer has ${kinds.join(', ') || 'no media'}: want audio, video, video`)
    }
    const person = new MediaStream()
    found.forEach((transceiver, i) => {
      transceiver.direction = 'sendrecv'
      if (SLOTS[i] !== 'screen') transceiver.sender.setStreams?.(person)
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
