// What ringing sounds like: a few soft tones each, made by the browser, so that nothing has to be loaded.

/** One tone: when it begins (s), its frequency (Hz), and how long it fades (s). */
type Tone = readonly [at: number, hertz: number, seconds: number]

interface Tune {
  tones: readonly Tone[]
  /** Of 1. */
  loudness: number
  /** For what goes on until it is stopped: seconds from one beginning to the next. */
  every?: number
}

export const TUNES = {
  ring: { tones: [[0, 659.3, 0.5], [0.16, 784, 0.5], [0.32, 987.8, 0.9], [0.9, 784, 0.5], [1.06, 987.8, 0.9]], loudness: 0.22, every: 3 },
  /** Rings while another call goes on. */
  waiting: { tones: [[0, 784, 0.35], [0.2, 784, 0.35]], loudness: 0.1, every: 4 },
  /** Heard by whoever calls. */
  ringback: { tones: [[0, 425, 1.1], [0.02, 318, 1.1]], loudness: 0.08, every: 4 },
  accepted: { tones: [[0, 523.3, 0.25], [0.1, 784, 0.45]], loudness: 0.16 },
  declined: { tones: [[0, 493.9, 0.3], [0.16, 370, 0.5]], loudness: 0.16 },
  busy: { tones: [[0, 425, 0.22], [0.34, 425, 0.22], [0.68, 425, 0.22]], loudness: 0.14 },
  unanswered: { tones: [[0, 440, 0.4], [0.34, 392, 0.4], [0.68, 349.2, 0.7]], loudness: 0.14 },
  offline: { tones: [[0, 293.7, 0.3], [0.22, 293.7, 0.5]], loudness: 0.16 },
  taken: { tones: [[0, 587.3, 0.3]], loudness: 0.1 },
  ended: { tones: [[0, 440, 0.3], [0.12, 329.6, 0.5]], loudness: 0.14 },
} as const satisfies Record<string, Tune>

export type TuneName = keyof typeof TUNES

/** A tone comes up so fast that it is a tone, and not so fast that it is a click. */
const RISE_S = 0.012
const SILENCE = 0.0001

export interface SoundsOptions {
  context?: () => AudioContext
  /** Whether the reader has touched the page, without which browsers let no page sound. */
  touched?: () => boolean
}

export class Sounds {
  private readonly options: Required<SoundsOptions>
  private context: AudioContext | null = null

  constructor(options: SoundsOptions = {}) {
    this.options = { context: () => new AudioContext(), touched: () => navigator.userActivation?.hasBeenActive ?? true, ...options }
  }

  /** Whether anything could be heard now. */
  audible(): boolean {
    return this.options.touched()
  }

  /** Plays it once. Silent until the reader has touched the page. */
  play(name: TuneName): void {
    const context = this.ready()
    if (context) this.sound(context, TUNES[name])
  }

  /** Plays it over and over, as soon as the page may sound, until the returned function is called. */
  loop(name: TuneName): () => void {
    const tune: Tune = TUNES[name]
    let stop = () => {}
    const round = () => {
      const context = this.ready()
      if (context) stop = this.sound(context, tune)
    }
    round()
    const timer = setInterval(round, (tune.every ?? 3) * 1_000)
    return () => {
      clearInterval(timer)
      stop()
    }
  }

  private ready(): AudioContext | null {
    if (!this.audible()) return null
    try {
      this.context ??= this.options.context()
      // Phones put it to sleep behind the page's back.
      if (this.context.state !== 'running') void this.context.resume().catch(() => undefined)
      return this.context
    } catch {
      return null
    }
  }

  private sound(context: AudioContext, { tones, loudness }: Tune): () => void {
    const all = context.createGain()
    all.gain.value = loudness
    all.connect(context.destination)
    const now = context.currentTime + 0.02
    const voices = tones.map(([at, hertz, seconds]) => {
      const voice = context.createOscillator()
      const swell = context.createGain()
      voice.frequency.value = hertz
      swell.gain.setValueAtTime(SILENCE, now + at)
      swell.gain.exponentialRampToValueAtTime(1, now + at + RISE_S)
      swell.gain.exponentialRampToValueAtTime(SILENCE, now + at + seconds)
      voice.connect(swell).connect(all)
      voice.start(now + at)
      voice.stop(now + at + seconds)
      return voice
    })
    voices.at(-1)!.onended = () => all.disconnect()
    return () => {
      // At once, though not as a click.
      all.gain.setTargetAtTime(0, context.currentTime, 0.02)
      for (const voice of voices) voice.stop(context.currentTime + 0.1)
    }
  }
}
