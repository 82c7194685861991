import { Sheet, type Picture } from './node'

/** Blurs by halving the picture again and again and stretching it back: cheap, and needs no `filter`, which not every canvas has. */
export class Blur {
  private readonly sheets: Sheet[] = []

  /** Returns a canvas of the picture's size divided by 2 to the power of `halvings`; drawn at full size, it is blurred. */
  of({ canvas }: Picture, halvings: number): OffscreenCanvas {
    let from = canvas
    for (let step = 0; step < halvings; step++) from = this.draw(step, from, half(from.width), half(from.height))
    return from
  }

  private draw(index: number, from: OffscreenCanvas, width: number, height: number): OffscreenCanvas {
    const sheet = (this.sheets[index] ??= new Sheet())
    sheet.clear(width, height)
    sheet.context.drawImage(from, 0, 0, width, height)
    return sheet.canvas
  }
}

function half(length: number): number {
  return Math.max(1, Math.round(length / 2))
}
