import { Listeners } from '../../signal/listeners'
import type { TrackStage } from '../source'

/** Something that makes a track of less noise from a microphone's. */
export interface Suppressor {
  readonly output: MediaStreamTrack
  /** While it is not, the output is silent. */
  readonly running: boolean
  close(): void
}

export type NoiseState = 'off' | 'starting' | 'on' | 'failed'

export interface MicrophoneNoiseOptions {
  /** The output has changed. */
  changed: () => void
  /** Starts a suppressor, which tells when `running` changes; loaded when it is used. */
  start?: (raw: MediaStreamTrack, changed: () => void) => Promise<Suppressor>
  /** How long it may take to start, in milliseconds. */
  startMs?: number
}

const START_MS = 20_000

const loaded: Required<MicrophoneNoiseOptions>['start'] = async (raw, changed) => (await import('./rnnoise')).suppress(raw, changed)

/** The stage between the microphone and everybody who hears it. Whatever becomes of the suppressor, one is heard: until it runs, and if it fails, by the microphone's own track. */
export class MicrophoneNoise implements TrackStage {
  private readonly options: Required<MicrophoneNoiseOptions>
  private readonly listeners = new Listeners<NoiseState>()
  private wanted = false
  private raw: MediaStreamTrack | null = null
  private suppressor: Suppressor | null = null
  private failed = false
  /** Rises when what is being started is no longer wanted. */
  private turn = 0

  constructor(options: MicrophoneNoiseOptions) {
    this.options = { start: loaded, startMs: START_MS, ...options }
  }

  get output(): MediaStreamTrack | null {
    return this.suppressor?.running ? this.suppressor.output : this.raw
  }

  get state(): NoiseState {
    if (!this.wanted) return 'off'
    if (this.failed) return 'failed'
    return this.suppressor?.running ? 'on' : this.raw ? 'starting' : 'off'
  }

  /** Tells the state now and at every change, until the returned function is called. */
  subscribe(listener: (state: NoiseState) => void): () => void {
    const end = this.listeners.add(listener)
    listener(this.state)
    return end
  }

  /** Whether to suppress; once more after a failure tries again. */
  set(wanted: boolean): void {
    if (this.wanted === wanted && !this.failed) return
    this.wanted = wanted
    this.begin()
  }

  attach(raw: MediaStreamTrack | null): void {
    if (raw === this.raw) return
    this.raw = raw
    this.begin()
  }

  private begin(): void {
    const turn = ++this.turn
    this.suppressor?.close()
    this.suppressor = null
    this.failed = false
    const { raw } = this
    if (this.wanted && raw) void this.start(raw, turn)
    this.tell()
  }

  private async start(raw: MediaStreamTrack, turn: number): Promise<void> {
    const patience = setTimeout(() => {
      if (turn !== this.turn) return
      // What comes after all is too late.
      this.turn++
      this.failed = true
      this.tell()
    }, this.options.startMs)
    try {
      const made = await this.options.start(raw, () => this.tell())
      if (turn === this.turn) this.suppressor = made
      else made.close()
    } catch {
      if (turn === this.turn) this.failed = true
    } finally {
      clearTimeout(patience)
    }
    this.tell()
  }

  private tell(): void {
    this.options.changed()
    this.listeners.emit(this.state)
  }
}
