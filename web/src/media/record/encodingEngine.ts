import type { EncodingLoad, EncodingNews, EncodingOrder, EncodingPlan } from './encodingMessages'
import type { RecorderEngine, RecorderEvents } from './recorder'

/** Pictures on their way to the file; while so many are, further ones are left out. */
const MOST_PICTURES = 3
/** Where one takes longer than this, in ms, no second is on its way meanwhile: it would be as late again. */
const SLOW_MS = 150

/** Whether this browser may be able to encode by itself; what exactly, its worker finds out. */
export function canEncode(): boolean {
  return [typeof VideoEncoder, typeof AudioEncoder, typeof VideoFrame, typeof AudioWorkletNode].every((kind) => kind === 'function')
}

/** Encodes in a worker, which writes the file too: of what a killed page had painted, only what was in the encoder is lost. */
export class EncodingEngine implements RecorderEngine {
  /** What waits in the worker, as last told. */
  load: EncodingLoad = { sounds: 0, disk: 0 }
  private readonly worker: Worker
  private readonly rate: number
  private readonly now: () => number
  private events: RecorderEvents | null = null
  private sent = 0
  private done = 0
  private sentAt: number[] = []
  private tookMs = 0
  private paused = false
  private stopped = () => {}
  private readonly over = new Promise<void>((resolve) => (this.stopped = resolve))

  /** Null if the browser can't encode this. `now` is the sound's clock, in seconds; its pieces come through the port. */
  static async start(plan: EncodingPlan, sound: MessagePort, now: () => number): Promise<EncodingEngine | null> {
    const worker = new Worker(new URL('./encoding.worker.ts', import.meta.url), { type: 'module' })
    const begun = await new Promise<boolean>((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<EncodingNews>) => resolve(data.is === 'started')
      worker.onerror = (event) => {
        event.preventDefault()
        resolve(false)
      }
      worker.postMessage({ do: 'start', plan, sound } satisfies EncodingOrder, [sound])
    })
    if (begun) return new EncodingEngine(worker, plan.sound.sampleRate, now)
    worker.terminate()
    return null
  }

  private constructor(worker: Worker, rate: number, now: () => number) {
    this.worker = worker
    this.rate = rate
    this.now = now
    worker.onmessage = ({ data }: MessageEvent<EncodingNews>) => this.hear(data)
    worker.onerror = (event) => {
      event.preventDefault()
      this.stopped()
      this.events?.failed('broken')
    }
  }

  /** Who is told of it. */
  attend(events: RecorderEvents): this {
    this.events = events
    return this
  }

  /** Pictures that wait for their encoder. */
  get waiting(): number {
    return this.sent - this.done
  }

  /** Whether a picture would be taken now. */
  get room(): boolean {
    return !this.paused && this.waiting < (this.tookMs > SLOW_MS ? 1 : MOST_PICTURES)
  }

  /** Takes the frame, whose timestamp is of the sound's clock, in µs. */
  take(frame: VideoFrame): void {
    this.sent++
    this.sentAt.push(performance.now())
    this.order({ do: 'picture', frame }, [frame])
  }

  pause(): void {
    this.paused = true
    this.order({ do: 'pause', at: this.frameNow() })
  }

  resume(): void {
    this.paused = false
    this.order({ do: 'resume', at: this.frameNow() })
  }

  async stop(): Promise<void> {
    this.paused = true
    this.order({ do: 'stop' })
    await this.over
    this.worker.terminate()
  }

  private frameNow(): number {
    return Math.round(this.now() * this.rate)
  }

  private order(order: EncodingOrder, transfer: Transferable[] = []): void {
    this.worker.postMessage(order, transfer)
  }

  private note(done: number, sounds: number): void {
    // While a stand-in is in the encoder, it counts as one of the page's.
    for (; this.done < done; this.done++) this.tookMs = performance.now() - (this.sentAt.shift() ?? performance.now())
    this.load = { ...this.load, sounds }
  }

  private hear(news: EncodingNews): void {
    switch (news.is) {
      case 'pictures':
        return this.note(news.done, news.sounds)
      case 'written':
        this.load = { sounds: news.sounds, disk: news.disk }
        return this.events?.written(news.bytes)
      case 'failed':
        return this.events?.failed(news.trouble)
      case 'stopped':
        return this.stopped()
    }
  }
}
