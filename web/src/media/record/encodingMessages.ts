import type { RecorderTrouble } from './chunkQueue'
import type { Size } from './layout'

// What a page and the worker that encodes say to each other. Moments are of the sound's clock, in frames of its rate unless said otherwise.

export interface EncodingPlan {
  /** Where in the origin's private file system. */
  folder: string
  name: string
  picture: (Size & { frameRate: number; bitsPerSecond: number }) | null
  sound: { sampleRate: number; bitsPerSecond: number }
  /** When it begins. */
  start: number
}

export type EncodingOrder =
  | { do: 'start'; plan: EncodingPlan; sound: MessagePort }
  /** Its timestamp is of the sound's clock too, in µs. */
  | { do: 'picture'; frame: VideoFrame }
  | { do: 'pause' | 'resume'; at: number }
  | { do: 'stop' }

/** What waits, each of it bounded. */
export interface EncodingLoad {
  /** Pieces that the encoder of the sound has not taken. */
  sounds: number
  /** Bytes that are not on the disk. */
  disk: number
}

export type EncodingNews =
  | { is: 'started' }
  /** Nothing was begun: the browser can't encode this. */
  | { is: 'refused'; why: string }
  /** So many pictures have been encoded or left out since it began; so many pieces of sound wait. */
  | { is: 'pictures'; done: number; sounds: number }
  | ({ is: 'written'; bytes: number } & EncodingLoad)
  | { is: 'failed'; trouble: RecorderTrouble }
  | { is: 'stopped' }

export const CHANNELS = 2

/** A piece of sound, of two channels, one after the other. */
export interface SoundPiece {
  from: number
  samples: Float32Array<ArrayBuffer>
}
