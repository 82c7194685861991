import type { Body, CandidatesMessage, DescriptionMessage } from './messages'
import type { SlotTransceivers } from './slots'
import type { Slot } from './state'

export interface NegotiationOptions {
  pc: RTCPeerConnection
  slots: SlotTransceivers
  /** What to offer: the slots that the other side knows. */
  offers: readonly Slot[]
  /** Of the two sides exactly one is polite: in a collision of offers it takes its own back. */
  polite: boolean
  /** Messages must reach the other side once and in this order. */
  send: (body: Body) => void
  /** The connection can't be negotiated any further. */
  failed: (error: unknown) => void
}

// More candidates than any host has; a bound, since a stranger sends them.
const MAX_EARLY = 256

/**
 * Perfect negotiation (W3C WebRTC §10.7) on one RTCPeerConnection.
 *
 * The impolite side makes the transceivers and so the first offer; the polite one has nothing to offer until it has taken that one, so
 * the first exchange cannot collide. From then on either may offer, and only to restart ICE, since directions never change (or for the data channel,
 * if the first offer was an older page's, which has none). When both do at once, the impolite side ignores the other's offer; the polite
 * side's own is rolled back by its browser, which finds the restart fulfilled by the answer or asks for another offer. The transceivers belong to an earlier, finished exchange, so a rollback leaves them.
 *
 * {@link handle} must not be called again before its promise is settled: setRemoteDescription takes its time, and order matters.
 * It is settled by {@link close} at the latest, for what a connection had under way when it was closed is never settled (W3C WebRTC §4.4.1.4).
 */
export class Negotiation {
  private readonly pc: RTCPeerConnection
  private readonly options: NegotiationOptions
  private making = false
  /** The number of our latest offer. */
  private offered = 0
  /** The number of the other side's latest offer, taken or ignored. */
  private heard = 0
  /** The number of the offer that we answered last. */
  private answered = 0
  private early: RTCIceCandidateInit[] = []
  private closed = false
  /** Settles what is being handled. */
  private settle: () => void = () => undefined

  constructor(options: NegotiationOptions) {
    this.options = options
    this.pc = options.pc
    this.pc.onnegotiationneeded = () => void this.offer()
    this.pc.onicecandidate = ({ candidate }) => {
      if (candidate) options.send({ type: 'candidates', candidates: [candidate.toJSON()] })
    }
    if (!options.polite) options.slots.create(options.offers)
  }

  handle(message: DescriptionMessage | CandidatesMessage): Promise<void> {
    if (this.closed) return Promise.resolve()
    // No race against one promise of the end: that would remember every message for as long as the connection lives.
    return new Promise((resolve, reject) => {
      this.settle = resolve
      this.take(message).then(resolve, reject)
    })
  }

  /** Gathers anew and looks for another path; media goes on over the old one meanwhile. */
  restart(): void {
    // An unanswered offer stands in the way of another one. If it was lost, this brings it back; if not, the repeat is harmless.
    if (this.pc.signalingState === 'have-local-offer') this.repeat()
    else if (this.options.slots.ready) this.pc.restartIce()
    else this.options.send({ type: 'ready' })
  }

  /** Sends the offer again that has no answer yet. */
  repeat(): void {
    if (this.pc.signalingState === 'have-local-offer' && !this.making) this.sendOffer()
  }

  /** Forgets candidates that came before their description: they were of a link that has ended. */
  forgetEarly(): void {
    this.early = []
  }

  close(): void {
    this.closed = true
    this.settle()
    this.pc.onnegotiationneeded = null
    this.pc.onicecandidate = null
  }

  private async take(message: DescriptionMessage | CandidatesMessage): Promise<void> {
    if (message.type === 'candidates') {
      for (const candidate of message.candidates) await this.candidate(candidate)
      return
    }
    try {
      if (message.description.type === 'offer') await this.takeOffer(message)
      else await this.takeAnswer(message)
    } catch (error) {
      if (!this.closed) this.options.failed(error)
    }
  }

  private async offer(): Promise<void> {
    // A browser may find reasons of its own; before the first offer was taken, an offer from the polite side would double the slots.
    if (!this.options.slots.ready) return
    try {
      this.making = true
      await this.pc.setLocalDescription()
      if (this.closed || this.pc.localDescription?.type !== 'offer') return
      this.offered++
      this.sendOffer()
    } catch (error) {
      if (!this.closed) this.options.failed(error)
    } finally {
      this.making = false
    }
  }

  // By the time of a repeat the description holds the candidates found since, so whoever missed them all misses none.
  private sendOffer(): void {
    const sdp = this.pc.localDescription?.sdp ?? ''
    this.options.send({ type: 'description', seq: this.offered, description: { type: 'offer', sdp } })
  }

  private async takeOffer({ seq, description }: DescriptionMessage): Promise<void> {
    if (seq <= this.heard) {
      if (seq === this.answered) await this.answerAgain()
      return
    }
    this.heard = seq
    const collision = this.making || this.pc.signalingState !== 'stable'
    if (collision && !this.options.polite) return
    await this.pc.setRemoteDescription(description)
    this.options.slots.adopt()
    await this.addEarly()
    await this.pc.setLocalDescription()
    if (this.closed || this.pc.localDescription?.type !== 'answer') return
    this.answered = seq
    this.sendAnswer()
  }

  /** The other side missed our answer. Until it has one it ignores offers: one that we made meanwhile is taken back, and the browser asks for another. */
  private async answerAgain(): Promise<void> {
    if (this.options.polite && this.pc.signalingState === 'have-local-offer') await this.pc.setLocalDescription({ type: 'rollback' })
    if (!this.closed) this.sendAnswer()
  }

  private sendAnswer(): void {
    const { localDescription } = this.pc
    if (localDescription?.type !== 'answer') return
    this.options.send({ type: 'description', seq: this.answered, description: { type: 'answer', sdp: localDescription.sdp } })
  }

  private async takeAnswer({ seq, description }: DescriptionMessage): Promise<void> {
    // Otherwise it is a repeat, or for an offer that was taken back.
    if (seq !== this.offered || this.pc.signalingState !== 'have-local-offer') return
    await this.pc.setRemoteDescription(description)
    await this.addEarly()
  }

  private async candidate(candidate: RTCIceCandidateInit): Promise<void> {
    const sdp = this.pc.remoteDescription?.sdp
    if (sdp === undefined) {
      if (this.early.length < MAX_EARLY) this.early.push(candidate)
      return
    }
    // Of an offer that we ignored, or of a generation that has been replaced: there is nothing to add it to.
    const ufrag = candidate.usernameFragment
    if (ufrag && !sdp.split(/\r?\n/).includes(`a=ice-ufrag:${ufrag}`)) return
    try {
      await this.pc.addIceCandidate(candidate)
    } catch {
      // One that this browser can't use (say, of an unknown transport) costs one candidate, not the link.
    }
  }

  private async addEarly(): Promise<void> {
    const early = this.early
    this.early = []
    for (const candidate of early) await this.candidate(candidate)
  }
}
