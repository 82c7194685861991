import type { ChunkSink } from './chunkFile'
import { ChunkQueue } from './chunkQueue'
import type { RecorderEngine, RecorderEvents } from './recorder'

/** What of MediaRecorder is used. */
export type MediaRecorderLike = Pick<MediaRecorder, 'start' | 'stop' | 'pause' | 'resume' | 'ondataavailable' | 'onstop' | 'onerror' | 'state'>

/** A crash loses what has not come in a chunk, and what waits in the browser's encoder: on a busy machine that is the larger part. */
const CHUNK_MS = 250

/** Writes what a MediaRecorder records, for browsers that let no page encode by itself. */
export class MediaRecorderEngine implements RecorderEngine {
  private readonly recorder: MediaRecorderLike
  private readonly queue: ChunkQueue
  private readonly over: Promise<void>

  constructor(recorder: MediaRecorderLike, sink: ChunkSink, events: RecorderEvents) {
    this.recorder = recorder
    this.queue = new ChunkQueue(sink, events)
    recorder.ondataavailable = ({ data }) => this.queue.take(data)
    recorder.onerror = () => events.failed('broken')
    this.over = new Promise((resolve) => {
      // Also when all of its tracks have ended.
      recorder.onstop = () => {
        resolve()
        events.ended()
      }
    })
    recorder.start(CHUNK_MS)
  }

  pause(): void {
    this.recorder.pause()
  }

  resume(): void {
    this.recorder.resume()
  }

  async stop(): Promise<void> {
    if (this.recorder.state !== 'inactive') this.recorder.stop()
    await this.over
    await this.queue.finish()
  }
}
