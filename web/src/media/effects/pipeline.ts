import { Background } from './background'
import { ColourFilter } from './colour'
import { Sheet, type EffectNode } from './node'
import { Pace, type Cost } from './pace'
import { modelsFor, NO_EFFECTS, type EffectSettings } from './settings'
import { Smoothing } from './smooth'
import { Sticker } from './stickers'
import type { Vision } from './vision'

/** The nodes that the settings ask for, in the order in which they work: what is drawn on a face is not smoothed, and the colour is over all. */
export function nodesFor({ smooth, background, sticker, filter }: EffectSettings, own: ImageBitmap | null): EffectNode[] {
  const nodes: EffectNode[] = []
  if (smooth > 0) nodes.push(new Smoothing(smooth))
  if (background !== 'none') nodes.push(new Background(background, own))
  if (sticker !== 'none') nodes.push(new Sticker(sticker))
  if (filter !== 'none') nodes.push(new ColourFilter(filter))
  return nodes
}

export interface Drawn {
  canvas: OffscreenCanvas
  /** For a model that works elsewhere, in milliseconds. */
  waitedMs: number
  /** Whether all effects are in it, for which models may have to be ready first; null if the settings changed meanwhile. */
  complete: boolean | null
}

/** From a camera's frame to what is sent, one at a time. */
export class Pipeline {
  private readonly sheet = new Sheet({ alpha: false })
  private readonly vision: Vision
  private settings = NO_EFFECTS
  private nodes: EffectNode[] = []
  private pace = new Pace(performance.now())
  private drawnAt = -Infinity

  constructor(vision: Vision) {
    this.vision = vision
  }

  get tooSlow(): boolean {
    return this.pace.hopelesslySlow
  }

  set(settings: EffectSettings, own: ImageBitmap | null): void {
    this.settings = settings
    for (const node of this.nodes) if (node instanceof ColourFilter) node.close()
    this.nodes = nodesFor(settings, own)
    this.pace = new Pace(performance.now())
  }

  /** Whether a frame that comes now is to be worked on; masks are too dear for each frame of a fast camera. */
  due(now: number): boolean {
    return !modelsFor(this.settings).includes('segmenter') || now - this.drawnAt >= this.pace.fineness.maskMs
  }

  /** Works on a frame of this size in pixels, one at a time; what is returned is good until the next. The frame is no longer needed once this returns. */
  async draw(frame: CanvasImageSource, width: number, height: number): Promise<Drawn> {
    const { settings } = this
    const models = modelsFor(settings)
    const { faceMs, scale } = this.pace.fineness
    // Odd sizes cost a row or column of colour in the codecs.
    this.sheet.clear(even(width * scale), even(height * scale))
    const { canvas, context } = this.sheet
    context.drawImage(frame, 0, 0, canvas.width, canvas.height)
    this.drawnAt = performance.now()
    const warm = this.vision.hasSeen(models)
    const looking = this.vision.look(models, canvas, this.drawnAt, faceMs)
    const waitingSince = performance.now()
    const seen = await looking
    const waitedMs = performance.now() - waitingSince
    try {
      for (const node of this.nodes) node.apply(this.sheet, seen)
    } finally {
      seen.mask?.close()
    }
    return { canvas, waitedMs, complete: settings === this.settings ? warm : null }
  }

  /** Tells what a frame took, with all that belongs to it, and how long it waited for a model; returns the cost every two seconds. */
  count(spentMs: number, waitedMs: number): Cost | null {
    return this.pace.count(performance.now(), spentMs, waitedMs)
  }
}

function even(length: number): number {
  return Math.max(2, 2 * Math.round(length / 2))
}
