import { Meter } from './meter'

/** Of loudness 0 to 1: what is said to a call, not what a room hums. */
const LOUD = 0.5
/** Of so many looks, a tenth of a second each, so many must be loud: a sentence, and neither a cough nor a key. */
const LOOKS = 12
const LOUD_LOOKS = 6

/** Tells speech from other noises by how loud it was of late. Returns true at each look while somebody speaks. */
export class SpeechTest {
  private readonly looks: boolean[] = []

  take(level: number): boolean {
    this.looks.push(level >= LOUD)
    if (this.looks.length > LOOKS) this.looks.shift()
    return this.looks.filter(Boolean).length >= LOUD_LOOKS
  }
}

/** Hears that the reader speaks into a microphone that is off. What is heard goes nowhere: a clone of the track is measured, and ends with it. */
export class MutedVoice {
  private readonly heard: () => void
  private listening: { track: MediaStreamTrack; clone: MediaStreamTrack; meter: Meter } | null = null

  constructor(heard: () => void) {
    this.heard = heard
  }

  /** Listens to this track from now on; null for none. */
  follow(track: MediaStreamTrack | null): void {
    if (this.listening?.track === track || (!this.listening && !track)) return
    this.listening?.meter.stop()
    this.listening?.clone.stop()
    this.listening = null
    if (!track) return
    const clone = track.clone()
    clone.enabled = true
    const speech = new SpeechTest()
    this.listening = { track, clone, meter: new Meter(clone, (level) => speech.take(level) && this.heard()) }
  }
}
