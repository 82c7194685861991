import type { RecorderTrouble } from './chunkQueue'

export type { RecorderTrouble }

/** `stopping` until the last chunk is written. */
export type RecorderState = 'recording' | 'paused' | 'stopping' | 'stopped'

export interface RecorderView {
  state: RecorderState
  /** ms recorded so far, without pauses. */
  elapsedMs: number
  /** Written so far. */
  bytes: number
  trouble: RecorderTrouble | null
}

/** What makes a file of pictures and sounds. It records from its making on. */
export interface RecorderEngine {
  pause(): void
  resume(): void
  /** Resolves when everything is written and the file is closed. */
  stop(): Promise<void>
}

export interface RecorderEvents {
  /** So many bytes are in the file. */
  written(bytes: number): void
  /** It can't go on, and wants to be stopped. */
  failed(trouble: RecorderTrouble): void
  /** Nothing more will come. */
  ended(): void
}

/** What becomes of a recording: its state, its time, and why it ended. */
export class Recorder {
  private readonly engine: RecorderEngine
  private readonly changed: () => void
  private readonly now: () => number
  private state: RecorderState = 'recording'
  private trouble: RecorderTrouble | null = null
  private bytes = 0
  private recordedMs = 0
  private runningSince: number | null
  private settle = () => {}
  private readonly ended = new Promise<void>((resolve) => (this.settle = resolve))

  /** `now` in ms. */
  constructor(options: { start: (events: RecorderEvents) => RecorderEngine; changed: () => void; now?: () => number }) {
    this.changed = options.changed
    this.now = options.now ?? (() => performance.now())
    this.engine = options.start({
      written: (bytes) => {
        this.bytes = bytes
        this.changed()
      },
      failed: (trouble) => {
        this.trouble ??= trouble
        void this.stop()
      },
      ended: () => void this.stop(),
    })
    this.runningSince = this.now()
  }

  view(): RecorderView {
    const running = this.runningSince === null ? 0 : this.now() - this.runningSince
    return { state: this.state, elapsedMs: this.recordedMs + running, bytes: this.bytes, trouble: this.trouble }
  }

  pause(): void {
    if (this.state !== 'recording') return
    this.engine.pause()
    this.halt()
    this.become('paused')
  }

  resume(): void {
    if (this.state !== 'paused') return
    this.engine.resume()
    this.runningSince = this.now()
    this.become('recording')
  }

  /** Resolves when everything is written and the file is closed; so does {@link done}. */
  stop(): Promise<void> {
    if (this.state === 'recording' || this.state === 'paused') {
      this.halt()
      this.become('stopping')
      void this.engine.stop().then(() => {
        this.become('stopped')
        this.settle()
      })
    }
    return this.ended
  }

  /** Resolves at the end, however it comes about. */
  get done(): Promise<void> {
    return this.ended
  }

  private halt(): void {
    if (this.runningSince !== null) this.recordedMs += this.now() - this.runningSince
    this.runningSince = null
  }

  private become(state: RecorderState): void {
    this.state = state
    this.changed()
  }
}
