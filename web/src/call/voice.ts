import { loudness } from '../media/meter'

/** Above this it is taken for speech: -42 dB, over the noise of a quiet room after automatic gain. */
const SPEAKING = 0.3
/** Pauses between words are shorter than this. */
const HOLD_MS = 600

/** What of an RTCRtpReceiver is listened to here. */
export type Audible = Pick<RTCRtpReceiver, 'getSynchronizationSources'>

/**
 * Hears from a receiver how loud its peer is and whether it speaks. Reads what is known anyway; nothing is decoded for it.
 * Chromium knows it only of tracks that somebody plays.
 */
export class Voice {
  /** 0 to 1. */
  level = 0
  speaking = false
  private lastPacket = -1
  private lastSpoke = -Infinity

  /** Returns whether something changed that can be seen. */
  listen(receiver: Audible | null, now: number): boolean {
    const before = this.level
    const spoke = this.speaking
    const source = receiver?.getSynchronizationSources()[0]
    // A source stays listed for seconds after its last packet.
    const heard = source !== undefined && source.timestamp !== this.lastPacket
    this.lastPacket = source?.timestamp ?? -1
    this.level = heard ? Math.round(loudness(source.audioLevel ?? 0) * 20) / 20 : 0
    if (this.level >= SPEAKING) this.lastSpoke = now
    this.speaking = now - this.lastSpoke < HOLD_MS
    return this.level !== before || this.speaking !== spoke
  }
}
