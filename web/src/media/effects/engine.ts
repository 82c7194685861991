import { roadFor, type FrameRoad } from './frames'
import type { FromPipeline, ToPipeline } from './messages'
import { startModel } from './models'
import { modelsFor, type EffectSettings, type ModelName } from './settings'

export type EngineNews = Exclude<FromPipeline, { type: 'tick' | 'bitmap' }>

/** What works on the camera's picture: the workers, and the road of the frames through them. */
export interface Engine {
  /** Copies the picture: the caller keeps its own, for an engine that may come after this one. */
  set(settings: EffectSettings, picture?: ImageBitmap | null): void
  /** Takes frames from this camera, and returns the track of what becomes of them: the same one until `rest`. */
  attach(raw: MediaStreamTrack): MediaStreamTrack
  /** Ends the track. The models stay as they are, so that the next camera need not wait for them. */
  rest(): void
  close(): void
}

export function startEngine(news: (news: EngineNews) => void): Engine {
  return new WorkerEngine(news)
}

class WorkerEngine implements Engine {
  private readonly worker: Worker
  private readonly models = new Map<ModelName, Worker>()
  private readonly news: (news: EngineNews) => void
  private road: FrameRoad | null = null

  constructor(news: (news: EngineNews) => void) {
    this.news = news
    this.worker = new Worker(new URL('./effects.worker.ts', import.meta.url), { type: 'module' })
    this.worker.onmessage = ({ data }: MessageEvent<FromPipeline>) => this.heard(data)
    this.worker.onerror = ({ message }) => news({ type: 'failed', what: 'frames', message })
  }

  set(settings: EffectSettings, picture?: ImageBitmap | null): void {
    for (const model of modelsFor(settings)) this.need(model)
    this.send({ type: 'settings', settings, ...(picture === undefined ? {} : { picture }) })
  }

  attach(raw: MediaStreamTrack): MediaStreamTrack {
    this.road ??= roadFor((message, transfer) => this.send(message, transfer))
    this.road.from(raw)
    return this.road.output
  }

  rest(): void {
    this.road?.end()
    this.road = null
  }

  close(): void {
    this.rest()
    this.worker.terminate()
    for (const model of this.models.values()) model.terminate()
    this.models.clear()
  }

  private need(model: ModelName): void {
    if (this.models.has(model)) return
    const { port1, port2 } = new MessageChannel()
    const worker = startModel(model, port1)
    worker.onerror = ({ message }) => this.news({ type: 'failed', what: 'models', message })
    this.models.set(model, worker)
    this.send({ type: 'model', model, port: port2 }, [port2])
  }

  private heard(message: FromPipeline): void {
    if (message.type === 'tick') this.road?.tick?.()
    else if (message.type === 'bitmap') {
      if (this.road?.show) this.road.show(message.bitmap)
      else message.bitmap.close()
    } else this.news(message)
  }

  private send(message: ToPipeline, transfer: Transferable[] = []): void {
    this.worker.postMessage(message, transfer)
  }
}
