import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Probe {
  /** Seconds. */
  duration: number
  /** Such as `video vp8`. */
  streams: string[]
  width: number
  height: number
}

/** What ffprobe says of a file. */
export async function probe(path: string): Promise<Probe> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_format', '-show_streams', '-of', 'json', path])
  const { format, streams } = JSON.parse(stdout) as {
    format: { duration: string }
    streams: { codec_type: string; codec_name: string; width?: number; height?: number }[]
  }
  const video = streams.find(({ codec_type }) => codec_type === 'video')
  return {
    duration: Number(format.duration),
    streams: streams.map(({ codec_type, codec_name }) => `${codec_type} ${codec_name}`).sort(),
    width: video?.width ?? 0,
    height: video?.height ?? 0,
  }
}

/** How many pictures a decoder makes of the four seconds from `at` (s) on, in which a busy machine has recorded some, too; any error in the file is one here. */
export async function framesFrom(path: string, at: number): Promise<number> {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-xerror', '-ss', String(at), '-i', path, '-t', '4', '-an', '-f', 'framemd5', '-'])
  return stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
}

/** The colour at a place of the picture at `at` (s), each 0 to 255. */
export async function colourAt(path: string, at: number, x: number, y: number): Promise<[r: number, g: number, b: number]> {
  const args = ['-v', 'error', '-ss', String(at), '-i', path, '-frames:v', '1', '-vf', `crop=4:4:${x}:${y},scale=1:1`, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-']
  const { stdout } = await run('ffmpeg', args, { encoding: 'buffer' })
  return [stdout[0]!, stdout[1]!, stdout[2]!]
}

const RATE = 16_000

/** The amplitude of each tone (Hz) in a second of the sound from `at` (s) on, in dB below full scale; Goertzel's algorithm. */
export async function tones(path: string, at: number, hertz: number[]): Promise<number[]> {
  const args = ['-v', 'error', '-ss', String(at), '-i', path, '-t', '1', '-vn', '-ac', '1', '-ar', String(RATE), '-f', 's16le', '-']
  const { stdout } = await run('ffmpeg', args, { encoding: 'buffer' })
  const samples = new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length >> 1)
  return hertz.map((frequency) => {
    const twice = 2 * Math.cos((2 * Math.PI * frequency) / RATE)
    let [before, last] = [0, 0]
    for (const sample of samples) [before, last] = [last, sample / 32_768 + twice * last - before]
    const amplitude = (2 * Math.sqrt(Math.max(0, before * before + last * last - twice * before * last))) / samples.length
    return 20 * Math.log10(Math.max(1e-6, amplitude))
  })
}
