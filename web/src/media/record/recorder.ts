import { ChunkError, type ChunkSink } from './chunkFile'

/** `stopping` until the last chunk is written. */
export type RecorderState = 'recording' | 'paused' | 'stopping' | 'stopped'

/** Why a recording ended by itself: `full` the disk, `slow` a disk that could not keep up, `broken` anything else. What was written stays. */
export type RecorderTrouble = 'full' | 'slow' | 'broken'

export interface RecorderView {
  state: RecorderState
  /** ms recorded so far, without pauses. */
  elapsedMs: number
  /** Written so far. */
  bytes: number
  trouble: RecorderTrouble | null
}

/** What of MediaRecorder is used. */
export type MediaRecorderLike = Pick<MediaRecorder, 'start' | 'stop' | 'pause' | 'resume' | 'ondataavailable' | 'onstop' | 'onerror' | 'state'>

/** A crash loses what has not come in a chunk, and what waits in the browser's encoder: on a busy machine that is the larger part. */
const CHUNK_MS = 250
/** What may wait for the disk, in bytes: about a minute. */
const MOST_WAITING = 32 * 1024 * 1024

/** Writes what a MediaRecorder records into a sink, chunk by chunk, and keeps its time. */
export class Recorder {
  private readonly recorder: MediaRecorderLike
  private readonly sink: ChunkSink
  private readonly changed: () => void
  private readonly now: () => number
  private state: RecorderState = 'recording'
  private trouble: RecorderTrouble | null = null
  private bytes = 0
  /** Chunks that wait for the disk; those that it is writing count as `waiting` bytes too. */
  private readonly queue: Blob[] = []
  private waiting = 0
  /** A chunk could not be written: behind it there may be no other. */
  private holed = false
  private recordedMs = 0
  private runningSince: number | null
  private writing: Promise<void> | null = null
  private readonly ended: Promise<void>

  constructor(options: { recorder: MediaRecorderLike; sink: ChunkSink; changed: () => void; now?: () => number }) {
    this.recorder = options.recorder
    this.sink = options.sink
    this.changed = options.changed
    this.now = options.now ?? (() => performance.now())
    const { recorder } = this
    recorder.ondataavailable = ({ data }) => this.take(data)
    recorder.onerror = () => this.fail('broken')
    this.ended = new Promise((resolve) => {
      // Also when all of its tracks have ended.
      recorder.onstop = () => resolve(this.wrapUp())
    })
    recorder.start(CHUNK_MS)
    this.runningSince = this.now()
  }

  view(): RecorderView {
    const running = this.runningSince === null ? 0 : this.now() - this.runningSince
    return { state: this.state, elapsedMs: this.recordedMs + running, bytes: this.bytes, trouble: this.trouble }
  }

  pause(): void {
    if (this.state !== 'recording') return
    this.recorder.pause()
    this.halt()
    this.become('paused')
  }

  resume(): void {
    if (this.state !== 'paused') return
    this.recorder.resume()
    this.runningSince = this.now()
    this.become('recording')
  }

  /** Resolves when everything is written and the file is closed; so does {@link done}. */
  stop(): Promise<void> {
    if (this.state === 'recording' || this.state === 'paused') {
      this.halt()
      this.become('stopping')
      if (this.recorder.state !== 'inactive') this.recorder.stop()
    }
    return this.ended
  }

  /** Resolves at the end, however it comes about. */
  get done(): Promise<void> {
    return this.ended
  }

  private take(chunk: Blob): void {
    // Behind a hole, nothing could be read any more; what waits before it is written still.
    if (this.trouble || chunk.size === 0) return
    this.waiting += chunk.size
    if (this.waiting > MOST_WAITING) return this.fail('slow')
    this.queue.push(chunk)
    this.writing ??= this.write()
  }

  /** Until nothing waits. All that came while the disk was busy goes in one piece, so that a slow one catches up. */
  private async write(): Promise<void> {
    while (this.queue.length > 0 && !this.holed) {
      const piece = new Blob(this.queue.splice(0))
      try {
        this.bytes = await this.sink.append(await piece.arrayBuffer())
        this.waiting -= piece.size
        this.changed()
      } catch (error) {
        this.holed = true
        this.fail(error instanceof ChunkError ? error.kind : 'broken')
      }
    }
    this.writing = null
  }

  private fail(trouble: RecorderTrouble): void {
    this.trouble ??= trouble
    void this.stop()
  }

  private async wrapUp(): Promise<void> {
    this.halt()
    this.become('stopping')
    await this.writing
    await this.sink.close().catch(() => undefined)
    this.become('stopped')
  }

  private halt(): void {
    if (this.runningSince !== null) this.recordedMs += this.now() - this.runningSince
    this.runningSince = null
  }

  private become(state: RecorderState): void {
    if (this.state === state) return
    this.state = state
    this.changed()
  }
}
