import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Encoding } from './encoding'

const RATE = 48_000
const PIECE = 1_024

/** Gives out what it is given when it is told to, as encoders do. */
class FakeEncoder {
  static isConfigSupported = () => Promise.resolve({ supported: true })
  state: CodecState = 'unconfigured'
  encodeQueueSize = 0
  given: { timestamp: number; keyFrame: boolean }[] = []
  private readonly output: (chunk: { timestamp: number }) => void

  constructor({ output }: { output: (chunk: { timestamp: number }) => void }) {
    this.output = output
    made.push(this)
  }
  configure() {
    this.state = 'configured'
  }
  encode({ timestamp }: { timestamp: number }, options?: { keyFrame?: boolean }) {
    this.given.push({ timestamp, keyFrame: options?.keyFrame === true })
  }
  give(timestamp: number) {
    this.output({ timestamp })
  }
  flush() {
    return Promise.resolve()
  }
  close() {
    this.state = 'closed'
  }
}

/** A picture, made of another, or a piece of sound. */
class FakeFrame {
  readonly timestamp: number
  closed = false
  constructor(...made: [{ timestamp: number }] | [FakeFrame, { timestamp: number }]) {
    this.timestamp = made[made.length - 1]!.timestamp
    if (made.length > 1) frames.push(this)
  }
  close() {
    this.closed = true
  }
}

vi.mock('./webmWriter', () => ({
  WebmWriter: { start: () => Promise.resolve({ addPicture: vi.fn(), addSound: vi.fn(), finish: () => Promise.resolve() }) },
}))

let made: FakeEncoder[]
let frames: FakeFrame[]
let encoding: Encoding
let sound: FakeEncoder
let picture: FakeEncoder
let heard: number
const events = { write: vi.fn(), picturesDone: vi.fn<(done: number) => void>(), failed: vi.fn() }

beforeEach(async () => {
  made = []
  frames = []
  heard = 0
  vi.clearAllMocks()
  vi.stubGlobal('AudioEncoder', FakeEncoder)
  vi.stubGlobal('VideoEncoder', FakeEncoder)
  vi.stubGlobal('VideoFrame', FakeFrame)
  vi.stubGlobal('AudioData', FakeFrame)
  const plan = { folder: '', name: '', picture: { width: 2, height: 2, frameRate: 15, bitsPerSecond: 1 }, sound: { sampleRate: RATE, bitsPerSecond: 1 }, start: 0 }
  encoding = (await Encoding.start(plan, events))!
  ;[sound, picture] = made as [FakeEncoder, FakeEncoder]
})

function painted(seconds: number): FakeFrame {
  const frame = new FakeFrame({ timestamp: seconds * 1e6 })
  frames.push(frame)
  return frame
}
const show = (seconds: number) => encoding.takePicture(painted(seconds) as unknown as VideoFrame)
function hear(until: number): void {
  for (; heard < until * RATE; heard += PIECE) encoding.takeSound({ from: heard, samples: new Float32Array(2 * PIECE) })
}
const shown = () => picture.given.map(({ timestamp }) => timestamp / 1e6)

describe('an encoding', () => {
  it('gives every picture and piece of sound its moment, and keeps no picture but the last', () => {
    for (let n = 0; n < 10; n++) {
      show(n / 10)
      hear(n / 10 + 0.1)
      picture.give(n * 1e5)
    }
    expect(shown()).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    expect(sound.given.map(({ timestamp }) => timestamp)).toEqual(sound.given.map((_, n) => Math.round((n * PIECE * 1e6) / RATE)))
    expect(picture.given.map(({ keyFrame }) => keyFrame).lastIndexOf(true)).toBe(0)
    expect(frames.filter(({ closed }) => !closed)).toHaveLength(1)
    expect(events.picturesDone).toHaveBeenLastCalledWith(10)
  })

  it('lets the last picture stand for those that a busy page does not paint, so that the sound goes on into the file', () => {
    show(0)
    picture.give(0)
    hear(1)
    expect(shown().length).toBeGreaterThan(1)
    const standIn = shown()[1]!
    expect(standIn).toBeGreaterThan(0.1)
    expect(standIn).toBeLessThan(0.45)
    picture.give(standIn * 1e6)
    // Painted before the one that stands in for it.
    show(standIn - 0.05)
    expect(shown().every((at, n, all) => n === 0 || at > all[n - 1]!)).toBe(true)
  })

  it('waits for a slow encoder, and not for one that has left a picture out', () => {
    show(0)
    picture.give(0)
    show(0.1)
    hear(1.9)
    expect(shown()).toEqual([0, 0.1])
    expect(events.picturesDone).toHaveBeenLastCalledWith(1)
    hear(2.5)
    expect(shown().length).toBe(3)
    picture.give(shown()[2]! * 1e6)
    expect(events.picturesDone).toHaveBeenLastCalledWith(2)
  })

  it('ends when even the sound is too much', () => {
    sound.encodeQueueSize = 2_000
    hear(0.1)
    expect(events.failed).toHaveBeenCalledWith('slow')
  })

  it('closes all when it is finished', async () => {
    show(0)
    await encoding.finish()
    expect(frames.every(({ closed }) => closed)).toBe(true)
    expect([sound.state, picture.state]).toEqual(['closed', 'closed'])
    hear(1)
    expect(sound.given).toEqual([])
  })
})
