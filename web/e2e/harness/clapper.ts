import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'

const run = promisify(execFile)

/** The camera shows its time in ms as so many stripes, white for 1, and one more that makes their number even. */
const BITS = 24
const STRIPES = 32
const BEEP_HERTZ = 1_000
const RATE = 48_000

declare global {
  interface Window {
    /** The clapper's time, in seconds. */
    clapper?: () => number
  }
}

/**
 * Before the page is opened: gives its visitor a camera and a microphone of one clock, that of a sound context. Every picture shows
 * the moment at which it was drawn, and a beep begins every full second.
 */
export async function giveClapper(page: Page): Promise<void> {
  await page.addInitScript(
    ({ bits, stripes, hertz }) => {
      const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
      const context = new AudioContext()
      addEventListener('pointerdown', () => void context.resume(), { capture: true })
      window.clapper = () => context.currentTime
      navigator.mediaDevices.getUserMedia = async (constraints) => {
        const stream = await real(constraints)
        for (const track of stream.getTracks()) {
          stream.removeTrack(track)
          stream.addTrack(track.kind === 'audio' ? beeps() : times())
          track.stop()
        }
        return stream
      }

      function beeps(): MediaStreamTrack {
        const { sampleRate } = context
        const second = new AudioBuffer({ length: sampleRate, sampleRate })
        second.copyToChannel(Float32Array.from({ length: sampleRate / 20 }, (_, n) => 0.5 * Math.sin((2 * Math.PI * hertz * n) / sampleRate)), 0)
        const source = new AudioBufferSourceNode(context, { buffer: second, loop: true })
        const output = new MediaStreamAudioDestinationNode(context)
        source.connect(output)
        source.start(Math.ceil(context.currentTime + 0.1))
        return output.stream.getAudioTracks()[0]!
      }

      function times(): MediaStreamTrack {
        const canvas = Object.assign(document.createElement('canvas'), { width: 20 * stripes, height: 360 })
        const picture = canvas.getContext('2d')!
        setInterval(() => {
          const time = Math.round(context.currentTime * 1000)
          const code = Array.from({ length: bits }, (_, bit) => (time >> bit) & 1)
          code.push(code.reduce((sum, bit) => sum ^ bit, 0))
          picture.fillStyle = '#000'
          picture.fillRect(0, 0, canvas.width, canvas.height)
          picture.fillStyle = '#fff'
          code.forEach((bit, at) => bit && picture.fillRect(20 * at, 0, 20, canvas.height))
        }, 20)
        return canvas.captureStream(30).getVideoTracks()[0]!
      }
    },
    { bits: BITS, stripes: STRIPES, hertz: BEEP_HERTZ },
  )
}

/** A moment of the clapper, and where a file has it; both in seconds. */
export interface Clap {
  shown: number
  at: number
}

/** The pictures of a recording of nobody but the clapper, and the moments that they show. */
export async function picturesOf(path: string): Promise<Clap[]> {
  const band = `crop=iw:ih/4:0:ih*3/8,scale=${STRIPES}:1:flags=area,format=gray`
  const [times, { stdout }] = await Promise.all([
    packetTimes(path, 'v'),
    run('ffmpeg', ['-v', 'error', '-i', path, '-an', '-fps_mode', 'passthrough', '-vf', band, '-f', 'rawvideo', '-'], { encoding: 'buffer', maxBuffer: 1 << 26 }),
  ])
  return times.flatMap((at, n) => {
    const row = [...stdout.subarray(n * STRIPES, (n + 1) * STRIPES)]
    const code = row.slice(0, BITS + 1).map((grey) => (grey > 127 ? 1 : 0))
    const time = code.slice(0, BITS).reduce<number>((sum, bit, place) => sum + bit * 2 ** place, 0)
    const even = code.reduce<number>((sum, bit) => sum ^ bit, 0) === 0
    return even && time > 0 ? [{ shown: time / 1000, at }] : []
  })
}

/** Where a recording's beeps begin, in seconds of its own time, as its timestamps have it. */
export async function beepsOf(path: string): Promise<number[]> {
  const [times, { stdout }] = await Promise.all([
    packetTimes(path, 'a'),
    run('ffmpeg', ['-v', 'error', '-i', path, '-vn', '-ac', '1', '-ar', String(RATE), '-f', 's16le', '-'], { encoding: 'buffer', maxBuffer: 1 << 28 }),
  ])
  const samples = new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length >> 1)
  const perPacket = Math.round(samples.length / times.length / 120) * 120
  const begins: number[] = []
  let quietSince = 0
  samples.forEach((sample, n) => {
    if (Math.abs(sample) < 1_500) return
    if (n - quietSince > RATE / 2) begins.push((times[Math.floor(n / perPacket)] ?? NaN) + (n % perPacket) / RATE)
    quietSince = n
  })
  return begins
}

export interface Sync {
  /** How much later the picture of a moment is than its sound, in ms, in the first minute (or third) and in the last. */
  first: number
  last: number
  /** Minutes that were looked at. */
  minutes: number
}

/** How far a recording's pictures and sounds of the same moment are apart. A busy machine is late with many a picture, so medians are taken. */
export async function syncOf(path: string): Promise<Sync> {
  const [pictures, beeps] = await Promise.all([picturesOf(path), beepsOf(path)])
  const apart = beeps.flatMap((at) => {
    const near = pictures.filter((picture) => Math.abs(picture.at - at) < 2)
    if (near.length < 10) return []
    const picture = median(near.map((clap) => clap.at - clap.shown))
    return [{ at, ms: (picture - at + Math.round(at - picture)) * 1000 }]
  })
  const edge = Math.min(60, Math.floor(apart.length / 3))
  return {
    first: median(apart.slice(0, edge).map(({ ms }) => ms)),
    last: median(apart.slice(-edge).map(({ ms }) => ms)),
    minutes: ((apart.at(-1)?.at ?? 0) - (apart[0]?.at ?? 0)) / 60,
  }
}

const median = (all: number[]) => all.toSorted((a, b) => a - b)[all.length >> 1] ?? NaN

async function packetTimes(path: string, stream: 'a' | 'v'): Promise<number[]> {
  const args = ['-v', 'error', '-select_streams', stream, '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', path]
  const { stdout } = await run('ffprobe', args, { maxBuffer: 1 << 26 })
  return stdout.split('\n').filter((line) => line !== '').map(parseFloat)
}
