/** A picture that nodes work on, one after another, in place. */
export interface Picture {
  readonly canvas: OffscreenCanvas
  readonly context: OffscreenCanvasRenderingContext2D
}

/** What the models have seen. */
export interface Seen {
  /** Where the person is in this very frame, by its alpha; null before there is any. The node must not close it. */
  mask: ImageBitmap | null
  /** x and y of each point of the face mesh, as parts of the width and height, a few frames ago; null while there is no face. */
  face: Float32Array | null
}

/** One step from the camera's picture to what is sent. */
export interface EffectNode {
  apply(picture: Picture, seen: Seen): void
}

/** A canvas to work on, of the size last asked for. */
export class Sheet implements Picture {
  readonly canvas = new OffscreenCanvas(1, 1)
  readonly context: OffscreenCanvasRenderingContext2D

  constructor(options?: CanvasRenderingContext2DSettings) {
    const context = this.canvas.getContext('2d', options)
    if (!context) throw new Error('the browser gives no canvas to draw on')
    this.context = context
  }

  /** Empty, and of this size in pixels. */
  clear(width: number, height: number): void {
    const { canvas, context } = this
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width
      canvas.height = height
    } else {
      context.globalCompositeOperation = 'source-over'
      context.clearRect(0, 0, width, height)
    }
    context.globalCompositeOperation = 'source-over'
    context.imageSmoothingQuality = 'medium'
  }
}
