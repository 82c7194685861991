import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'

const run = promisify(execFile)

/** The camera shows its time in ms as so many stripes, white for 1, and one more that makes their number even. */
const BITS = 24
const STRIPES = 32
/** The pitch of a beep tells its second, up to ten. */
const BEEP_HERTZ = 1_000
const BEEP_STEP = 100
const BEEPS = 10
const RATE = 48_000

declare global {
  interface Window {
    /** The clapper's time, in seconds. */
    clapper?: () => number
  }
}

/**
 * Before the page is opened: gives its visitor a camera and a microphone of one clock, that of a sound context. Every picture shows
 * the moment at which it was drawn; a beep begins every full second, at a pitch that tells which.
 */
export async function giveClapper(page: Page): Promise<void> {
  await page.addInitScript(
    ({ bits, stripes, hertz, step, count }) => {
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
        const start = Math.ceil(context.currentTime + 0.1)
        const round = new AudioBuffer({ length: count * sampleRate, sampleRate })
        for (let second = 0; second < count; second++) {
          const pitch = hertz + step * ((start + second) % count)
          const beep = Float32Array.from({ length: sampleRate / 20 }, (_, n) => 0.5 * Math.sin((2 * Math.PI * pitch * n) / sampleRate))
          round.copyToChannel(beep, 0, second * sampleRate)
        }
        const source = new AudioBufferSourceNode(context, { buffer: round, loop: true })
        const output = new MediaStreamAudioDestinationNode(context)
        source.connect(output)
        source.start(start)
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
    { bits: BITS, stripes: STRIPES, hertz: BEEP_HERTZ, step: BEEP_STEP, count: BEEPS },
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

/** Where a recording turns from dark to light, in seconds. */
export async function flashesOf(path: string): Promise<number[]> {
  const [times, { stdout }] = await Promise.all([
    packetTimes(path, 'v'),
    run('ffmpeg', ['-v', 'error', '-i', path, '-an', '-fps_mode', 'passthrough', '-vf', 'scale=1:1:flags=area,format=gray', '-f', 'rawvideo', '-'], { encoding: 'buffer', maxBuffer: 1 << 26 }),
  ])
  return times.filter((_, n) => n > 0 && stdout[n]! > 127 && stdout[n - 1]! <= 127)
}

/** A recording's beeps, the moments at which they began, up to ten seconds, and the recording's end by its sound. */
export async function beepsOf(path: string): Promise<{ beeps: Clap[]; end: number }> {
  const [times, { stdout }] = await Promise.all([
    packetTimes(path, 'a'),
    run('ffmpeg', ['-v', 'error', '-i', path, '-vn', '-ac', '1', '-ar', String(RATE), '-f', 's16le', '-'], { encoding: 'buffer', maxBuffer: 1 << 28 }),
  ])
  const samples = new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length >> 1)
  const perPacket = Math.round(samples.length / times.length / 120) * 120
  const beeps: Clap[] = []
  let quietSince = -RATE
  for (let n = 0; n < samples.length; n++) {
    if (Math.abs(samples[n]!) < 1_500) continue
    if (n - quietSince > RATE / 2 && n + PITCHED < samples.length) {
      const shown = Math.round((pitch(samples.subarray(n, n + PITCHED)) - BEEP_HERTZ) / BEEP_STEP)
      beeps.push({ shown, at: (times[Math.floor(n / perPacket)] ?? NaN) + (n % perPacket) / RATE })
    }
    quietSince = n
  }
  return { beeps, end: (times.at(-1) ?? NaN) + perPacket / RATE }
}

/** Samples of a beep that its pitch is read from: 40 ms. */
const PITCHED = RATE / 25

function pitch(samples: Int16Array): number {
  let crossings = 0
  for (let n = 1; n < samples.length; n++) if (samples[n - 1]! < 0 !== samples[n]! < 0) crossings++
  return ((crossings / 2) * RATE) / samples.length
}

/** The remainder that is nearest to nought, of seconds that are known up to ten. */
export const nearest = (seconds: number) => seconds - BEEPS * Math.round(seconds / BEEPS)

export interface Sync {
  /** How much later the picture of a moment is than its sound, in ms, in the first minute (or third) and in the last. */
  first: number
  last: number
  /** Minutes that were looked at. */
  minutes: number
}

/** How far a recording's pictures and sounds of the same moment are apart. A busy machine is late with many a picture, so medians are taken. */
export async function syncOf(path: string): Promise<Sync> {
  const [pictures, { beeps }] = await Promise.all([picturesOf(path), beepsOf(path)])
  const apart = beeps.flatMap(({ shown, at }) => {
    const near = pictures.filter((picture) => Math.abs(picture.at - at) < 2)
    if (near.length < 10) return []
    const picture = median(near.map((clap) => clap.at - clap.shown))
    return [{ at, ms: nearest(picture - at + shown) * 1000 }]
  })
  const edge = Math.min(60, Math.floor(apart.length / 3))
  return {
    first: median(apart.slice(0, edge).map(({ ms }) => ms)),
    last: median(apart.slice(-edge).map(({ ms }) => ms)),
    minutes: ((apart.at(-1)?.at ?? 0) - (apart[0]?.at ?? 0)) / 60,
  }
}

const median = (all: number[]) => all.toSorted((a, b) => a - b)[all.length >> 1] ?? NaN

export async function packetTimes(path: string, stream: 'a' | 'v'): Promise<number[]> {
  const args = ['-v', 'error', '-select_streams', stream, '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', path]
  const { stdout } = await run('ffprobe', args, { maxBuffer: 1 << 26 })
  return stdout.split('\n').filter((line) => line !== '').map(parseFloat)
}
