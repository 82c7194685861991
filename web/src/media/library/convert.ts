import {
  ALL_FORMATS,
  BlobSource,
  canEncodeAudio,
  canEncodeVideo,
  Conversion,
  Input,
  Mp4OutputFormat,
  Output,
  QUALITY_HIGH,
  StreamTarget,
  WebMOutputFormat,
  type ConversionOptions,
  type OutputFormat,
  type StreamTargetChunk,
} from 'mediabunny'

// Loaded when it is needed: mediabunny is larger than the rest of the page.

/** `audio` is WebM with the sound alone. */
export type Format = 'webm' | 'mp4' | 'audio'

export interface Job {
  format: Format
  /** Seconds of the source's time; all of it if left out. */
  from?: number
  to?: number
  /** 0 to 1. */
  progress?: (part: number) => void
  signal?: AbortSignal
}

/** What a file holds, in the names that people know. */
export interface Contents {
  durationMs: number
  width: number
  height: number
  codecs: string[]
}

const WRITE_BYTES = 1 << 20
const CODEC_NAMES: Record<string, string> = { avc: 'H.264', vp8: 'VP8', vp9: 'VP9', av1: 'AV1', hevc: 'H.265', opus: 'Opus', aac: 'AAC' }

/**
 * Rewrites a recording so that it has a duration and can be seeked, or as another format, into a stream, in bounded memory.
 * What can be copied is copied. Rejects with the stream aborted, and with the signal's reason if that is why.
 */
export async function convert(source: Blob, stream: WritableStream<StreamTargetChunk>, job: Job): Promise<void> {
  const input = new Input({ source: new BlobSource(source), formats: ALL_FORMATS })
  try {
    job.signal?.throwIfAborted()
    const target = new StreamTarget(stream, { chunked: true, chunkSize: WRITE_BYTES })
    const output = new Output({ format: container(job.format), target })
    const conversion = await Conversion.init({ input, output, showWarnings: false, ...(await tracks(input, job)), ...trim(job) })
    if (!conversion.isValid) throw new Error(`nothing to convert: ${conversion.discardedTracks.map(({ reason }) => reason).join(', ')}`)
    conversion.onProgress = (part) => job.progress?.(part)
    const cancel = () => void conversion.cancel()
    job.signal?.addEventListener('abort', cancel, { once: true })
    await conversion.execute().finally(() => job.signal?.removeEventListener('abort', cancel))
  } catch (error) {
    await stream.abort().catch(() => undefined)
    job.signal?.throwIfAborted()
    throw error
  } finally {
    input.dispose()
  }
}

function container(format: Format): OutputFormat {
  // The index at the end: at the start, it would take the whole file in memory.
  return format === 'mp4' ? new Mp4OutputFormat({ fastStart: false }) : new WebMOutputFormat()
}

function trim({ from, to }: Job): Pick<ConversionOptions, 'trim'> {
  if (from === undefined && to === undefined) return {}
  return { trim: { ...(from !== undefined && { start: from }), ...(to !== undefined && { end: to }) } }
}

async function tracks(input: Input, { format }: Job): Promise<Pick<ConversionOptions, 'video' | 'audio'>> {
  if (format === 'audio') return { video: { discard: true } }
  if (format === 'webm') return {}
  // Players want H.264 and AAC; where the browser has no encoder for them, VP9 and Opus are in the standard too.
  const track = await input.getPrimaryVideoTrack()
  const [width, height] = track ? [await track.getDisplayWidth(), await track.getDisplayHeight()] : [1280, 720]
  const avc = track !== null && (await canEncodeVideo('avc', { width, height, quality: QUALITY_HIGH }))
  const aac = await canEncodeAudio('aac', { numberOfChannels: 2, sampleRate: 48_000 })
  return { video: { codec: avc ? 'avc' : 'vp9', quality: QUALITY_HIGH }, audio: { codec: aac ? 'aac' : 'opus' } }
}

/** Reads what a file holds. Rejects if it can't be read at all. */
export async function contents(source: Blob): Promise<Contents> {
  const input = new Input({ source: new BlobSource(source), formats: ALL_FORMATS })
  try {
    const video = await input.getPrimaryVideoTrack()
    const audio = await input.getPrimaryAudioTrack()
    const codecs = [await video?.getCodec(), await audio?.getCodec()].flatMap((codec) => (codec ? [CODEC_NAMES[codec] ?? codec] : []))
    return {
      durationMs: Math.round((await input.computeDuration()) * 1000),
      width: (await video?.getDisplayWidth()) ?? 0,
      height: (await video?.getDisplayHeight()) ?? 0,
      codecs,
    }
  } finally {
    input.dispose()
  }
}
