import type { FromModel, ToModel } from './messages'
import { Sheet, type Seen } from './node'
import type { ModelName } from './settings'

/** Width of what a model gets to see, in pixels; none of them looks closer. */
const LOOK_WIDTH: Record<ModelName, number> = { segmenter: 256, face: 320 }

/** One model, elsewhere: shown a frame now and then, never two at a time. Its last answer stands until the next. */
class Eye {
  private readonly port: MessagePort
  private readonly small = new Sheet()
  private readonly width: number
  private waiting = false
  private askedAt = -Infinity

  constructor(model: ModelName, port: MessagePort, answered: (answer: FromModel) => void) {
    this.width = LOOK_WIDTH[model]
    this.port = port
    port.onmessage = ({ data }: MessageEvent<FromModel>) => {
      this.waiting = false
      answered(data)
    }
  }

  show(canvas: OffscreenCanvas, now: number, everyMs: number): void {
    if (this.waiting || now - this.askedAt < everyMs) return
    this.waiting = true
    this.askedAt = now
    const scale = Math.min(1, this.width / canvas.width)
    this.small.clear(Math.round(canvas.width * scale), Math.round(canvas.height * scale))
    this.small.context.drawImage(canvas, 0, 0, this.small.canvas.width, this.small.canvas.height)
    const look: ToModel = this.small.canvas.transferToImageBitmap()
    this.port.postMessage(look, [look])
  }
}

/** What the models see in the frames. */
export class Vision {
  readonly seen: Seen = { mask: null, face: null }
  private readonly eyes = new Map<ModelName, Eye>()
  private readonly answered = new Set<ModelName>()
  private readonly changed: () => void
  private readonly failed: (message: string) => void

  constructor(changed: () => void, failed: (message: string) => void) {
    this.changed = changed
    this.failed = failed
  }

  add(model: ModelName, port: MessagePort): void {
    this.eyes.set(model, new Eye(model, port, (answer) => this.take(model, answer)))
  }

  /** Whether each of these has answered at least once. */
  hasSeen(models: ModelName[]): boolean {
    return models.every((model) => this.answered.has(model))
  }

  /** Lets these look at a frame, if it is time. */
  look(models: ModelName[], canvas: OffscreenCanvas, now: number, everyMs: number): void {
    for (const model of models) this.eyes.get(model)?.show(canvas, now, everyMs)
  }

  /** Forgets what an earlier camera showed. */
  blink(): void {
    this.seen.mask?.close()
    this.seen.mask = null
    this.seen.face = null
  }

  private take(model: ModelName, answer: FromModel): void {
    if (answer.type === 'failed') {
      this.failed(answer.message)
      return
    }
    if (answer.type === 'mask') {
      this.seen.mask?.close()
      this.seen.mask = answer.mask
    } else {
      this.seen.face = answer.points
    }
    if (this.answered.has(model)) return
    this.answered.add(model)
    this.changed()
  }
}
