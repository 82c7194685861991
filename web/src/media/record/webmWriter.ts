import { EncodedAudioPacketSource, EncodedPacket, EncodedVideoPacketSource, Output, StreamTarget, WebMOutputFormat, type StreamTargetChunk } from 'mediabunny'

/** Makes a WebM, from front to back, of encoded pictures and sounds. Each waits for the other's next, so neither may stay away for long. */
export class WebmWriter {
  private readonly output: Output
  private readonly picture: EncodedVideoPacketSource | null
  private readonly sound = new EncodedAudioPacketSource('opus')
  private readonly failed: (error: unknown) => void

  constructor(codec: 'vp8' | 'vp9' | null, write: (bytes: Uint8Array<ArrayBuffer>) => void, failed: (error: unknown) => void) {
    this.failed = failed
    const stream = new WritableStream<StreamTargetChunk>({ write: ({ data }) => write(data as Uint8Array<ArrayBuffer>) })
    this.output = new Output({ format: new WebMOutputFormat({ appendOnly: true, minimumClusterDuration: 1 }), target: new StreamTarget(stream) })
    this.picture = codec && new EncodedVideoPacketSource(codec)
    if (this.picture) this.output.addVideoTrack(this.picture)
    this.output.addAudioTrack(this.sound)
  }

  static async start(...options: ConstructorParameters<typeof WebmWriter>): Promise<WebmWriter> {
    const writer = new WebmWriter(...options)
    await writer.output.start()
    return writer
  }

  addPicture(chunk: EncodedVideoChunk, meta?: EncodedVideoChunkMetadata): void {
    this.picture?.add(EncodedPacket.fromEncodedChunk(chunk), meta).catch(this.failed)
  }

  addSound(chunk: EncodedAudioChunk, meta?: EncodedAudioChunkMetadata): void {
    this.sound.add(EncodedPacket.fromEncodedChunk(chunk), meta).catch(this.failed)
  }

  /** Writes what waits for the other track. */
  finish(): Promise<void> {
    return this.output.finalize()
  }
}
