import { Blur } from './blur'
import { Sheet, type EffectNode, type Picture, type Seen } from './node'
import { drawScene } from './scenes'
import type { BackgroundName } from './settings'

/** 16 pixels of the camera's become one: letters on a wall can't be read, a room is still a room. */
const HALVINGS = 4

/** Leaves the person and changes what is behind. */
export class Background implements EffectNode {
  private readonly kind: Exclude<BackgroundName, 'none'>
  private readonly own: ImageBitmap | null
  private readonly blur = new Blur()
  private readonly person = new Sheet()
  private readonly behind = new Sheet()

  /** `own` is the reader's picture, for `picture`. */
  constructor(kind: Exclude<BackgroundName, 'none'>, own: ImageBitmap | null) {
    this.kind = kind
    this.own = own
  }

  apply(picture: Picture, { mask }: Seen): void {
    const { canvas, context } = picture
    const { width, height } = canvas
    // Who asked for this does not want the room to be seen, not even for the seconds in which the model gets ready.
    if (!mask) {
      context.drawImage(this.blur.of(picture, HALVINGS), 0, 0, width, height)
      return
    }
    this.person.clear(width, height)
    this.person.context.drawImage(mask, 0, 0, width, height)
    this.person.context.globalCompositeOperation = 'source-in'
    this.person.context.drawImage(canvas, 0, 0)
    context.drawImage(this.scenery(picture), 0, 0, width, height)
    context.drawImage(this.person.canvas, 0, 0)
  }

  private scenery(picture: Picture): OffscreenCanvas {
    const { width, height } = picture.canvas
    if (this.kind === 'blur' || (this.kind === 'picture' && !this.own)) return this.blur.of(picture, HALVINGS)
    const { canvas, context } = this.behind
    if (canvas.width === width && canvas.height === height) return canvas
    this.behind.clear(width, height)
    if (this.kind !== 'picture') drawScene(this.kind, context, width, height)
    else if (this.own) cover(context, this.own, width, height)
    return canvas
  }
}

/** Draws so that nothing stays empty, cutting off what is too much at two sides. */
function cover(context: OffscreenCanvasRenderingContext2D, image: ImageBitmap, width: number, height: number): void {
  const scale = Math.max(width / image.width, height / image.height)
  const [w, h] = [image.width * scale, image.height * scale]
  context.drawImage(image, (width - w) / 2, (height - h) / 2, w, h)
}
