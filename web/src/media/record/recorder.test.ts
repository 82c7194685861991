import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ChunkError } from './chunkFile'
import { MediaRecorderEngine, type MediaRecorderLike } from './mediaRecorderEngine'
import { Recorder } from './recorder'

class FakeMediaRecorder {
  state: RecordingState = 'inactive'
  ondataavailable: MediaRecorderLike['ondataavailable'] = null
  onstop: MediaRecorderLike['onstop'] = null
  onerror: MediaRecorderLike['onerror'] = null
  slice = 0
  last = 'end'

  start(slice = 0) {
    this.state = 'recording'
    this.slice = slice
  }
  pause() {
    this.state = 'paused'
  }
  resume() {
    this.state = 'recording'
  }
  stop() {
    this.state = 'inactive'
    queueMicrotask(() => {
      this.give(this.last)
      this.onstop?.call(this as unknown as MediaRecorder, new Event('stop'))
    })
  }
  give(text: string) {
    this.ondataavailable?.call(this as unknown as MediaRecorder, { data: new Blob([text]) } as BlobEvent)
  }
}

class FakeSink {
  text = ''
  closed = false
  fail: ChunkError | null = null

  append = vi.fn((chunk: ArrayBuffer) => {
    if (this.fail) return Promise.reject(this.fail)
    this.text += new TextDecoder().decode(chunk)
    return Promise.resolve(this.text.length)
  })
  close() {
    this.closed = true
    return Promise.resolve()
  }
}

let media: FakeMediaRecorder
let sink: FakeSink
let clock: number
let changed: ReturnType<typeof vi.fn<() => void>>
let recorder: Recorder

beforeEach(() => {
  media = new FakeMediaRecorder()
  sink = new FakeSink()
  clock = 5_000
  changed = vi.fn<() => void>()
  recorder = new Recorder({ start: (events) => new MediaRecorderEngine(media, sink, events), changed, now: () => clock })
})

describe('a recorder', () => {
  it('asks for small chunks and writes each, in order, up to the last', async () => {
    expect(media.slice).toBeLessThanOrEqual(500)
    media.give('one ')
    media.give('two ')
    await vi.waitFor(() => expect(recorder.view()).toMatchObject({ state: 'recording', bytes: 8 }))
    await recorder.stop()
    expect(sink.text).toBe('one two end')
    expect(sink.closed).toBe(true)
    expect(recorder.view()).toMatchObject({ state: 'stopped', bytes: 11, trouble: null })
  })

  it('counts no pause as recorded time', async () => {
    clock += 2_000
    recorder.pause()
    expect(media.state).toBe('paused')
    clock += 60_000
    expect(recorder.view()).toMatchObject({ state: 'paused', elapsedMs: 2_000 })
    recorder.resume()
    clock += 500
    expect(recorder.view()).toMatchObject({ state: 'recording', elapsedMs: 2_500 })
    await recorder.stop()
    clock += 9_000
    expect(recorder.view().elapsedMs).toBe(2_500)
  })

  it('can be stopped from a pause, and twice', async () => {
    recorder.pause()
    await Promise.all([recorder.stop(), recorder.stop()])
    expect(recorder.view().state).toBe('stopped')
  })

  it('stops by itself when the disk is full, and keeps what is there without a hole', async () => {
    media.give('kept')
    await vi.waitFor(() => expect(recorder.view().bytes).toBe(4))
    sink.fail = new ChunkError('full', 'QuotaExceededError')
    media.give('lost')
    await vi.waitFor(() => expect(recorder.view().trouble).toBe('full'))
    sink.fail = null
    media.give('late')
    await recorder.done
    expect(sink.text).toBe('kept')
    expect(sink.closed).toBe(true)
    expect(recorder.view()).toMatchObject({ state: 'stopped', trouble: 'full', bytes: 4 })
  })

  it('stops when the browser’s recorder breaks or all tracks end', async () => {
    media.onerror?.call(media as unknown as MediaRecorder, new Event('error') as ErrorEvent)
    await recorder.done
    expect(recorder.view()).toMatchObject({ state: 'stopped', trouble: 'broken' })
    media = new FakeMediaRecorder()
    recorder = new Recorder({ start: (events) => new MediaRecorderEngine(media, sink, events), changed })
    media.stop()
    await recorder.done
    expect(recorder.view()).toMatchObject({ state: 'stopped', trouble: null })
  })

  it('does not let more wait for a stuck disk than fits in memory', async () => {
    let release = () => {}
    sink.append.mockImplementationOnce(() => new Promise<number>((resolve) => (release = () => resolve(1))))
    const megabyte = 'x'.repeat(1 << 20)
    for (let n = 0; n < 40; n++) media.give(megabyte)
    expect(recorder.view().trouble).toBe('slow')
    await vi.waitFor(() => expect(sink.append).toHaveBeenCalledOnce())
    release()
    await recorder.done
    // What was taken before it became too much is not lost.
    expect(sink.append.mock.calls.reduce((sum, [piece]) => sum + piece.byteLength, 0)).toBe(32 << 20)
  })
})
