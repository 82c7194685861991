import { CHANNELS, type EncodingPlan, type SoundPiece } from './encodingMessages'
import { Timeline } from './timeline'
import { WebmWriter } from './webmWriter'

/** s */
const KEY_EVERY = 3
/** A page that is too busy to paint holds its sound up for no longer than this, in seconds: then the last picture stands for the next. */
const HOLD = 0.4
/** An encoder that has given nothing for so long, in seconds, has left a picture out. */
const LEFT_OUT = 2
/** Beyond these (half a minute), the machine is too slow even for sound. */
const MOST_SOUNDS = 1_500
/** VP8 first, as it costs the least of what a call leaves of the processor. */
const CODECS = [['vp8', 'vp8'], ['vp09.00.31.08', 'vp9']] as const

export interface EncodingEvents {
  write(bytes: Uint8Array<ArrayBuffer>): void
  picturesDone(done: number): void
  failed(trouble: 'slow' | 'broken'): void
}

/** Pictures and pieces of sound of one clock in, WebM out. For a worker. */
export class Encoding {
  readonly timeline: Timeline
  private readonly rate: number
  private readonly events: EncodingEvents
  private readonly writer: WebmWriter
  private readonly sound: AudioEncoder
  private readonly picture: VideoEncoder | null
  private taken = 0
  /** Pictures in the encoder, by their moments. */
  private inside: number[] = []
  private lastPicture: VideoFrame | null = null
  /** Both in µs of the recording. */
  private lastAt = -1
  private lastKeyAt = -Infinity

  /** Null if the browser can't encode this. */
  static async start(plan: EncodingPlan, events: EncodingEvents): Promise<Encoding | null> {
    const sound: AudioEncoderConfig = { codec: 'opus', numberOfChannels: CHANNELS, sampleRate: plan.sound.sampleRate, bitrate: plan.sound.bitsPerSecond }
    if (!(await AudioEncoder.isConfigSupported(sound)).supported) return null
    const chosen = plan.picture && (await pictureConfig(plan.picture))
    if (plan.picture && !chosen) return null
    const writer = await WebmWriter.start(chosen?.codec ?? null, events.write, () => events.failed('broken'))
    return new Encoding(plan, events, writer, sound, chosen?.config ?? null)
  }

  private constructor(plan: EncodingPlan, events: EncodingEvents, writer: WebmWriter, sound: AudioEncoderConfig, picture: VideoEncoderConfig | null) {
    this.timeline = new Timeline(plan.start)
    this.rate = plan.sound.sampleRate
    this.events = events
    this.writer = writer
    const error = () => events.failed('broken')
    this.sound = new AudioEncoder({ output: (chunk, meta) => writer.addSound(chunk, meta), error })
    this.sound.configure(sound)
    this.picture = picture && new VideoEncoder({ output: (chunk, meta) => this.putPicture(chunk, meta), error })
    if (picture) this.picture?.configure(picture)
  }

  /** Pieces of sound that wait for their encoder. */
  get waiting(): number {
    return this.sound.encodeQueueSize
  }

  /** Takes the frame, which is the encoding's to close. */
  takePicture(frame: VideoFrame): void {
    const at = this.timeline.picture(Math.round((frame.timestamp / 1e6) * this.rate))
    this.taken++
    if (at !== null) this.encodePicture(frame, Math.round((at / this.rate) * 1e6))
    frame.close()
    this.tell()
  }

  takeSound({ from, samples }: SoundPiece): void {
    if (this.sound.state !== 'configured') return
    if (this.waiting > MOST_SOUNDS) return this.events.failed('slow')
    const whole = samples.length / CHANNELS
    for (const { skip, length, at } of this.timeline.sound(from, whole)) {
      const part = new Float32Array(CHANNELS * length)
      for (let channel = 0; channel < CHANNELS; channel++) {
        part.set(samples.subarray(channel * whole + skip, channel * whole + skip + length), channel * length)
      }
      const timestamp = Math.round((at / this.rate) * 1e6)
      const data = new AudioData({ format: 'f32-planar', sampleRate: this.rate, numberOfFrames: length, numberOfChannels: CHANNELS, timestamp, data: part })
      this.sound.encode(data)
      data.close()
      this.hold(timestamp)
    }
  }

  /** Resolves when all that was taken has been written. */
  async finish(): Promise<void> {
    for (const encoder of [this.picture, this.sound]) {
      if (encoder?.state === 'configured') await encoder.flush().catch(() => undefined)
    }
    await this.writer.finish().catch(() => undefined)
    this.close()
  }

  private close(): void {
    for (const encoder of [this.picture, this.sound]) if (encoder && encoder.state !== 'closed') encoder.close()
    this.lastPicture?.close()
    this.lastPicture = null
  }

  private encodePicture(frame: VideoFrame, timestamp: number): void {
    // One that comes when it has been stood in for is too late.
    if (this.picture?.state !== 'configured' || timestamp <= this.lastAt) return
    const keyFrame = timestamp - this.lastKeyAt >= KEY_EVERY * 1e6
    if (keyFrame) this.lastKeyAt = timestamp
    this.lastAt = timestamp
    this.inside.push(timestamp)
    const placed = new VideoFrame(frame, { timestamp })
    this.picture.encode(placed, { keyFrame })
    this.lastPicture?.close()
    this.lastPicture = placed
  }

  private putPicture(chunk: EncodedVideoChunk, meta?: EncodedVideoChunkMetadata): void {
    this.writer.addPicture(chunk, meta)
    this.inside = this.inside.filter((at) => at > chunk.timestamp)
    this.tell()
  }

  private hold(soundAt: number): void {
    const behind = (soundAt - this.lastAt) / 1e6
    if (!this.lastPicture || behind < HOLD || (this.inside.length > 0 && behind < LEFT_OUT)) return
    this.inside = []
    this.encodePicture(this.lastPicture, Math.round(soundAt - (HOLD / 2) * 1e6))
    this.tell()
  }

  private tell(): void {
    this.events.picturesDone(this.taken - this.inside.length)
  }
}

async function pictureConfig(picture: NonNullable<EncodingPlan['picture']>) {
  const { width, height, frameRate, bitsPerSecond } = picture
  for (const [name, codec] of CODECS) {
    const config: VideoEncoderConfig = { codec: name, width, height, framerate: frameRate, bitrate: bitsPerSecond, latencyMode: 'realtime' }
    if ((await VideoEncoder.isConfigSupported(config)).supported) return { config, codec }
  }
  return null
}
