import type { ToPipeline } from './messages'

/** Reads a camera's frames and makes a track of what comes back; there are two ways, by what the browser has. */
export interface FrameRoad {
  /** What the pipeline makes. The same for all cameras until `end`. */
  readonly output: MediaStreamTrack
  /** Takes the frames from this camera from now on. */
  from(raw: MediaStreamTrack): void
  tick?(): void
  show?(bitmap: ImageBitmap): void
  end(): void
}

export type Send = (message: ToPipeline, transfer?: Transferable[]) => void

interface TrackProcessor {
  readonly readable: ReadableStream<VideoFrame>
}

type TrackGenerator = MediaStreamTrack & { readonly writable: WritableStream<VideoFrame> }

// Chromium's, on window; not in TypeScript's library (W3C mediacapture-transform, in an earlier form).
interface FrameStreams {
  MediaStreamTrackProcessor?: new (init: { track: MediaStreamTrack }) => TrackProcessor
  MediaStreamTrackGenerator?: new (init: { kind: 'video' }) => TrackGenerator
}

export function roadFor(send: Send): FrameRoad {
  const { MediaStreamTrackProcessor: Processor, MediaStreamTrackGenerator: Generator } = globalThis as FrameStreams
  return Processor && Generator ? streamRoad(send, Processor, new Generator({ kind: 'video' })) : new CanvasRoad(send)
}

/** Frames go to the worker and come back without passing the page's own thread. */
function streamRoad(send: Send, Processor: NonNullable<FrameStreams['MediaStreamTrackProcessor']>, output: TrackGenerator): FrameRoad {
  let writable: WritableStream<VideoFrame> | undefined = output.writable
  return {
    output,
    from(raw) {
      const { readable } = new Processor({ track: raw })
      send({ type: 'frames', readable, ...(writable ? { writable } : {}) }, writable ? [readable, writable] : [readable])
      writable = undefined
    },
    end() {
      // First, as the worker would take a track that does not take its frames any more for a fault.
      send({ type: 'rest' })
      output.stop()
    },
  }
}

/** The worker's clock says when, as the page's own and `requestAnimationFrame` stand still in a tab that nobody looks at. */
class CanvasRoad implements FrameRoad {
  readonly output: MediaStreamTrack
  private readonly send: Send
  private readonly video = document.createElement('video')
  private readonly canvas = document.createElement('canvas')
  private readonly context: CanvasRenderingContext2D
  private waiting = false

  constructor(send: Send) {
    this.send = send
    const context = this.canvas.getContext('2d')
    const output = this.canvas.captureStream?.().getVideoTracks()[0]
    if (!context || !output) throw new Error('the browser gives no track of a canvas')
    this.context = context
    this.output = output
    this.video.muted = true
    this.video.playsInline = true
  }

  from(raw: MediaStreamTrack): void {
    this.video.srcObject = new MediaStream([raw])
    void this.video.play().catch(() => undefined)
    const { frameRate = 30 } = raw.getSettings()
    this.send({ type: 'ticks', everyMs: 1_000 / Math.min(30, Math.max(5, frameRate)) })
  }

  tick(): void {
    // One frame on its way at a time: who is slow drops frames and never lags.
    if (this.waiting || this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || !this.video.videoWidth) return
    this.waiting = true
    createImageBitmap(this.video).then(
      (bitmap) => this.send({ type: 'bitmap', bitmap }, [bitmap]),
      () => (this.waiting = false),
    )
  }

  show(bitmap: ImageBitmap): void {
    this.waiting = false
    if (this.canvas.width !== bitmap.width || this.canvas.height !== bitmap.height) {
      this.canvas.width = bitmap.width
      this.canvas.height = bitmap.height
    }
    this.context.drawImage(bitmap, 0, 0)
    bitmap.close()
  }

  end(): void {
    this.send({ type: 'ticks', everyMs: null })
    this.send({ type: 'rest' })
    this.output.stop()
    this.video.srcObject = null
  }
}
