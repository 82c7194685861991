import { beforeEach, describe, expect, it, vi } from 'vitest'
import { EncodingEngine } from './encodingEngine'
import type { EncodingNews, EncodingOrder } from './encodingMessages'

const PLAN = { folder: 'f', name: 'n', picture: null, sound: { sampleRate: 48_000, bitsPerSecond: 64_000 }, start: 0 }

/** The newest first. */
let workers: FakeWorker[]

class FakeWorker {
  static answer: EncodingNews = { is: 'started' }
  onmessage: ((event: { data: EncodingNews }) => void) | null = null
  onerror: ((event: Event) => void) | null = null
  terminated = false
  readonly orders: EncodingOrder[] = []

  constructor() {
    workers.unshift(this)
  }
  postMessage(order: EncodingOrder) {
    this.orders.push(order)
    if (order.do === 'start') queueMicrotask(() => this.tell(FakeWorker.answer))
  }
  terminate() {
    this.terminated = true
  }
  tell(data: EncodingNews) {
    this.onmessage?.({ data })
  }
}

const start = () => EncodingEngine.start(PLAN, new MessageChannel().port1, () => 2)

beforeEach(() => {
  workers = []
  FakeWorker.answer = { is: 'started' }
  vi.stubGlobal('Worker', FakeWorker)
})

describe('an encoding engine', () => {
  it('is none where the worker can’t encode, and leaves no worker', async () => {
    FakeWorker.answer = { is: 'refused', why: 'no encoder' }
    expect(await start()).toBeNull()
    expect(workers[0]!.terminated).toBe(true)
  })

  it('has room for few pictures, none in a pause, and for one alone where they take long', async () => {
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => now)
    const engine = (await start())!
    const take = () => engine.take({} as VideoFrame)
    const done = (count: number) => workers[0]!.tell({ is: 'pictures', done: count, sounds: 0 })
    let taken = 0
    for (; engine.room; taken++) take()
    expect(taken).toBe(3)
    done(1)
    expect(engine.room).toBe(true)
    engine.pause()
    expect(engine.room).toBe(false)
    engine.resume()
    now = 1_000
    done(3)
    take()
    expect(engine.room, 'beside one of those that took a second').toBe(false)
    now = 1_020
    done(4)
    take()
    expect(engine.room, 'when it is quick again').toBe(true)
    vi.restoreAllMocks()
  })

  it('says when it is paused and resumed in frames of the sound', async () => {
    const engine = (await start())!
    engine.pause()
    engine.resume()
    expect(workers[0]!.orders.slice(1)).toEqual([
      { do: 'pause', at: 96_000 },
      { do: 'resume', at: 96_000 },
    ])
  })

  it('tells what is written, what waits and what fails, and stops when all is written', async () => {
    const engine = (await start())!
    const events = { written: vi.fn(), failed: vi.fn(), ended: vi.fn() }
    engine.attend(events)
    workers[0]!.tell({ is: 'written', bytes: 900, sounds: 3, disk: 40 })
    expect(events.written).toHaveBeenCalledWith(900)
    expect(engine.load).toEqual({ sounds: 3, disk: 40 })
    workers[0]!.tell({ is: 'failed', trouble: 'full' })
    expect(events.failed).toHaveBeenCalledWith('full')
    const stopped = engine.stop()
    expect(engine.room).toBe(false)
    expect(workers[0]!.terminated).toBe(false)
    workers[0]!.tell({ is: 'stopped' })
    await stopped
    expect(workers[0]!.terminated).toBe(true)
  })

  it('does not wait for a worker that broke', async () => {
    const engine = (await start())!
    const failed = vi.fn()
    engine.attend({ written: vi.fn(), failed, ended: vi.fn() })
    workers[0]!.onerror?.(new Event('error'))
    expect(failed).toHaveBeenCalledWith('broken')
    await engine.stop()
    expect(workers[0]!.terminated).toBe(true)
  })
})
