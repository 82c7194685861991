import type { FromModel, ToModel } from './messages'
import { Sheet, type Seen } from './node'
import type { ModelName } from './settings'

/** Width of what a model gets to see, in pixels; none of them looks closer. */
const LOOK_WIDTH: Record<ModelName, number> = { segmenter: 256, face: 320 }
/** How long a model may load and look for the first time, in milliseconds: it has 10 MB to fetch, and frames go out meanwhile. */
const FIRST_LOOK_MS = 60_000
/** How long it may look at any later frame, in milliseconds. The picture stands still while a mask is awaited. */
const LOOK_MS = 3_000
const TICK_MS = 250

/** One model, elsewhere: shown a frame now and then, never two at a time. */
class Eye {
  private readonly port: MessagePort
  private readonly small = new Sheet()
  private readonly width: number
  private answered: ((answer: FromModel) => void) | null = null
  private askedAt = -Infinity

  constructor(model: ModelName, port: MessagePort) {
    this.width = LOOK_WIDTH[model]
    this.port = port
    port.onmessage = ({ data }: MessageEvent<FromModel>) => {
      const { answered } = this
      this.answered = null
      answered?.(data)
    }
  }

  get free(): boolean {
    return this.answered === null
  }

  restedFor(now: number): number {
    return now - this.askedAt
  }

  /** Resolves with a failure when there is no answer after so long; until that comes all the same, the model is not free. */
  ask(canvas: OffscreenCanvas, now: number, patienceMs: number): Promise<FromModel> {
    this.askedAt = now
    const scale = Math.min(1, this.width / canvas.width)
    this.small.clear(Math.round(canvas.width * scale), Math.round(canvas.height * scale))
    this.small.context.drawImage(canvas, 0, 0, this.small.canvas.width, this.small.canvas.height)
    const look: ToModel = this.small.canvas.transferToImageBitmap()
    this.port.postMessage(look, [look])
    return new Promise((resolve) => {
      // Ticks are counted, and not the time that has passed: a computer that has slept must not find its models hanging.
      let left = patienceMs / TICK_MS
      const clock = setInterval(() => {
        if (--left > 0) return
        clearInterval(clock)
        this.answered = discard
        resolve({ type: 'failed', message: `no answer in ${patienceMs} ms` })
      }, TICK_MS)
      this.answered = (answer) => {
        clearInterval(clock)
        resolve(answer)
      }
    })
  }
}

function discard(late: FromModel): void {
  if (late.type === 'mask') late.mask.close()
}

/**
 * What the models see in the frames. A face may be that of a few frames ago, as then a sticker is a little late; a mask is always made of the very
 * frame, as with an older one the room would show where somebody has just been.
 */
export class Vision {
  private face: Float32Array | null = null
  private readonly eyes = new Map<ModelName, Eye>()
  private readonly answered = new Set<ModelName>()
  private readonly failed: (message: string) => void

  constructor(failed: (message: string) => void) {
    this.failed = failed
  }

  add(model: ModelName, port: MessagePort): void {
    this.eyes.set(model, new Eye(model, port))
  }

  /** Whether each of these has answered at least once. */
  hasSeen(models: ModelName[]): boolean {
    return models.every((model) => this.answered.has(model))
  }

  /**
   * Lets these look at a frame, the one for faces no more often than every `faceMs`. Waits for the mask, but not for the first, which takes
   * seconds. The mask is the caller's to close.
   */
  async look(models: ModelName[], canvas: OffscreenCanvas, now: number, faceMs: number): Promise<Seen> {
    const eye = models.includes('face') ? this.eyes.get('face') : undefined
    if (eye?.free && eye.restedFor(now) >= faceMs) void this.ask(eye, 'face', canvas, now)
    const mask = models.includes('segmenter') ? await this.maskOf(canvas, now) : null
    return { mask, face: this.face }
  }

  /** Forgets what an earlier camera showed. */
  blink(): void {
    this.face = null
  }

  private async maskOf(canvas: OffscreenCanvas, now: number): Promise<ImageBitmap | null> {
    const eye = this.eyes.get('segmenter')
    if (!eye?.free) return null
    const warm = this.answered.has('segmenter')
    const asked = this.ask(eye, 'segmenter', canvas, now)
    if (warm) return asked
    void asked.then((mask) => mask?.close())
    return null
  }

  private async ask(eye: Eye, model: ModelName, canvas: OffscreenCanvas, now: number): Promise<ImageBitmap | null> {
    return this.take(model, await eye.ask(canvas, now, this.answered.has(model) ? LOOK_MS : FIRST_LOOK_MS))
  }

  private take(model: ModelName, answer: FromModel): ImageBitmap | null {
    if (answer.type === 'failed') {
      this.failed(`${model}: ${answer.message}`)
      return null
    }
    if (answer.type === 'face') this.face = answer.points
    this.answered.add(model)
    return answer.type === 'mask' ? answer.mask : null
  }
}
