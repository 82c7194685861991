import { ChunkError, type ChunkSink } from './chunkFile'

/** Why a recording ended by itself: `full` the disk, `slow` a machine that could not keep up, `broken` anything else. What was written stays. */
export type RecorderTrouble = 'full' | 'slow' | 'broken'

/** What may wait for the disk, in bytes: about a minute. */
const MOST_WAITING = 32 * 1024 * 1024

/** Puts chunks into a sink, one piece at a time and in order; tells once if it can't go on. */
export class ChunkQueue {
  private readonly sink: ChunkSink
  private readonly written: (bytes: number) => void
  private readonly failed: (trouble: RecorderTrouble) => void
  /** Chunks that wait for the disk; those that it is writing count as `waiting` bytes too. */
  private readonly queue: BlobPart[] = []
  private bytes = 0
  /** Behind a chunk that could not be taken or written, there may be no other: nothing behind a hole could be read. */
  private closed = false
  private holed = false
  private writing: Promise<void> | null = null

  constructor(sink: ChunkSink, events: { written(bytes: number): void; failed(trouble: RecorderTrouble): void }) {
    this.sink = sink
    this.written = events.written
    this.failed = events.failed
  }

  /** Bytes that are not on the disk yet. */
  get waiting(): number {
    return this.bytes
  }

  take(chunk: Blob | Uint8Array<ArrayBuffer>): void {
    const size = chunk instanceof Blob ? chunk.size : chunk.byteLength
    if (this.closed || size === 0) return
    if (this.bytes + size > MOST_WAITING) return this.fail('slow')
    this.bytes += size
    this.queue.push(chunk)
    this.writing ??= this.write()
  }

  /** Takes nothing more; resolves when all that was taken is written and the sink is closed. */
  async finish(): Promise<void> {
    this.closed = true
    await this.writing
    await this.sink.close().catch(() => undefined)
  }

  /** Until nothing waits. All that came while the disk was busy goes in one piece, so that a slow one catches up. */
  private async write(): Promise<void> {
    while (this.queue.length > 0 && !this.holed) {
      const piece = new Blob(this.queue.splice(0))
      try {
        const bytes = await this.sink.append(await piece.arrayBuffer())
        this.bytes -= piece.size
        this.written(bytes)
      } catch (error) {
        this.holed = true
        this.fail(error instanceof ChunkError ? error.kind : 'broken')
      }
    }
    this.writing = null
  }

  private fail(trouble: RecorderTrouble): void {
    this.closed = true
    this.failed(trouble)
  }
}
