import type { Cost } from './pace'
import type { EffectSettings, ModelName } from './settings'

/** From the page to the worker that has the pipeline. */
export type ToPipeline =
  /** `picture` is the reader's own background; left out, the one before stays. */
  | { type: 'settings'; settings: EffectSettings; picture?: ImageBitmap | null }
  /** A camera's frames from now on, and, with the first, where they go. */
  | { type: 'frames'; readable: ReadableStream<VideoFrame>; writable?: WritableStream<VideoFrame> }
  /** No frames for now; the next come with a new writable. */
  | { type: 'rest' }
  /** What is to be asked for a model's view. */
  | { type: 'model'; model: ModelName; port: MessagePort }
  /** Where there are no streams of frames: tick so often, and work on what comes for it. */
  | { type: 'ticks'; everyMs: number | null }
  | { type: 'bitmap'; bitmap: ImageBitmap }

export type FromPipeline =
  | { type: 'tick' }
  | { type: 'bitmap'; bitmap: ImageBitmap }
  /** The first frame since the work began has gone out. */
  | { type: 'going' }
  /** Whether all effects are in the frames that go out; told at the first frame after each change of settings, too. */
  | { type: 'ready'; ready: boolean }
  | { type: 'cost'; cost: Cost }
  | { type: 'slow' }
  | { type: 'failed'; what: 'models' | 'frames'; message: string }

/** From the page to the worker that has a model, once. */
export interface ModelStart {
  model: ModelName
  port: MessagePort
  script: string
  /** Where the library's files are, by the names that it has for them. */
  files: Record<string, string>
}

/** From the pipeline to a model: a frame to look at, made small. */
export type ToModel = ImageBitmap

export type FromModel =
  | { type: 'mask'; mask: ImageBitmap }
  | { type: 'face'; points: Float32Array | null }
  | { type: 'failed'; message: string }
