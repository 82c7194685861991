import { CHANNELS, type SoundPiece } from './encodingMessages'

// Hands a mix on, in pieces, to a port that it is given: from the thread of the sound straight to the worker, whatever the page is busy with.

/** Of the Web Audio API; TypeScript's library has no scope for it. */
declare const currentFrame: number
declare class AudioWorkletProcessor {
  readonly port: MessagePort
}
declare function registerProcessor(name: string, processor: typeof AudioWorkletProcessor): void

/** Frames: 21 ms at 48 kHz. */
const PIECE = 1024
const QUANTUM = 128

class SoundTap extends AudioWorkletProcessor {
  private out: MessagePort | null = null
  private piece = new Float32Array(CHANNELS * PIECE)
  private filled = 0

  constructor() {
    super()
    this.port.onmessage = ({ data }: MessageEvent<MessagePort>) => (this.out = data)
  }

  process([mix]: Float32Array[][]): boolean {
    const length = mix?.[0]?.length ?? QUANTUM
    for (let channel = 0; channel < CHANNELS; channel++) {
      // Where nobody speaks, there may be no channel at all.
      const samples = mix?.[channel] ?? mix?.[0]
      if (samples) this.piece.set(samples, channel * PIECE + this.filled)
    }
    this.filled += length
    if (this.filled >= PIECE) this.send(currentFrame + length - this.filled)
    return true
  }

  private send(from: number): void {
    const message: SoundPiece = { from, samples: this.piece }
    this.out?.postMessage(message, [this.piece.buffer])
    this.piece = new Float32Array(CHANNELS * PIECE)
    this.filled = 0
  }
}

registerProcessor('sound-tap', SoundTap)
