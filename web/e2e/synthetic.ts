// A page for a test: feeds the recorder made-up pictures and sounds, as fast as it takes them, by clocks that come apart.
import { EncodingEngine } from '../src/media/record/encodingEngine'
import { CHANNELS, type SoundPiece } from '../src/media/record/encodingMessages'
import { MediaClock } from '../src/media/record/mediaClock'
import { Recorder } from '../src/media/record/recorder'

/** The most that waited at once: pictures, pieces of sound, and bytes for the disk. */
export interface Most {
  pictures: number
  sounds: number
  disk: number
}

declare global {
  interface Window {
    /** Records so many seconds more; a flash and a beep begin together every ten. */
    feed(seconds: number): Promise<Most>
    /** Ends the recording and downloads the file. */
    end(): Promise<void>
  }
}

const SIZE = { width: 320, height: 180 }
const RATE = 48_000
const PIECE = 1024
/** Frames of sound from one picture to the next: 15 pictures a second. */
const PICTURE = RATE / 15
const EVERY = 10 * RATE
const FLASH = RATE / 5
const BEEP = RATE / 20
const HERTZ = 1_000
/** The sound's clock is faster than the page's by so much of itself: 240 ms in 20 minutes. */
const DRIFT = 200e-6
/** Frames by which the sound's clock goes on at once, as a busy machine's does. */
const STEP = 2048

const [folder, name] = ['synthetic', 'recording.webm']
const { port1, port2 } = new MessageChannel()
const context = Object.assign(document.createElement('canvas'), SIZE).getContext('2d')!
const most: Most = { pictures: 0, sounds: 0, disk: 0 }
/** Frames of sound so far. */
let at = 0
let pictures = 0
/** The moment of the next picture, in frames of sound. */
const moment = () => pictures * PICTURE
const clock = new MediaClock(
  {
    get currentTime() {
      return (Math.floor(moment() / STEP) * STEP) / RATE
    },
  },
  () => moment() / RATE / (1 + DRIFT),
)

/** The first of them is at five seconds. */
const sinceFlash = (frame: number) => (frame + EVERY / 2) % EVERY

function picture(): VideoFrame {
  const timestamp = Math.round(clock.now() * 1e6)
  context.fillStyle = sinceFlash(moment()) < FLASH ? '#fff' : '#000'
  context.fillRect(0, 0, SIZE.width, SIZE.height)
  context.fillStyle = '#888'
  context.fillRect((pictures * 3) % SIZE.width, 160, 20, 20)
  pictures++
  return new VideoFrame(context.canvas, { timestamp, alpha: 'discard' })
}

function sound(): SoundPiece {
  const samples = new Float32Array(CHANNELS * PIECE)
  for (let n = 0; n < PIECE; n++) {
    const since = sinceFlash(at + n)
    if (since < BEEP) samples[n] = samples[PIECE + n] = 0.5 * Math.sin((2 * Math.PI * HERTZ * since) / RATE)
  }
  return { from: at, samples }
}

const plan = {
  folder,
  name,
  picture: { ...SIZE, frameRate: 15, bitsPerSecond: 300_000 },
  sound: { sampleRate: RATE, bitsPerSecond: 64_000 },
  start: 0,
}
const engine = await EncodingEngine.start(plan, port2, () => clock.now())
if (!engine) throw new Error('this browser can’t encode')
const recorder = new Recorder({ start: (events) => engine.attend(events), changed: note, now: () => 1000 * clock.now() })

function note(): void {
  most.pictures = Math.max(most.pictures, engine!.waiting)
  most.sounds = Math.max(most.sounds, engine!.load.sounds)
  most.disk = Math.max(most.disk, engine!.load.disk)
}

const turn = () => new Promise((resolve) => setTimeout(resolve))

window.feed = async (seconds) => {
  for (const end = at + seconds * RATE; at < end; at += PIECE) {
    const piece = sound()
    port1.postMessage(piece, [piece.samples.buffer])
    if (moment() >= at + PIECE) continue
    // No picture is left out: the recorder's own bound tells how fast it may go.
    while (!engine.room || engine.load.sounds > 100) await turn()
    engine.take(picture())
    note()
    const { trouble } = recorder.view()
    if (trouble) throw new Error(trouble)
  }
  return most
}

window.end = async () => {
  await recorder.stop()
  const file = await (await (await navigator.storage.getDirectory()).getDirectoryHandle(folder)).getFileHandle(name)
  Object.assign(document.createElement('a'), { href: URL.createObjectURL(await file.getFile()), download: name }).click()
}
