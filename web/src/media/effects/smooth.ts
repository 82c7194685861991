import { Blur } from './blur'
import { FEATURES, OVAL, pointOf } from './face'
import { Sheet, type EffectNode, type Picture, type Seen } from './node'

/** Four pixels become one: pores and blemishes go, the light on a cheek stays. */
const HALVINGS = 2
/** The mask is drawn this much smaller, so that its edges are soft when it is stretched. */
const COARSE = 8
/** Even at its strongest some of the skin's own grain stays, or a face looks like wax. */
const STRONGEST = 0.8

/** Smooths skin within the face, and keeps eyes, brows and lips as they are. */
export class Smoothing implements EffectNode {
  private readonly strength: number
  private readonly blur = new Blur()
  private readonly mask = new Sheet()
  private readonly skin = new Sheet()

  /** `strength` of 0 to 1. */
  constructor(strength: number) {
    this.strength = strength
  }

  apply(picture: Picture, { face }: Seen): void {
    if (!face) return
    const { canvas, context } = picture
    const { width, height } = canvas
    this.drawMask(face, Math.max(1, Math.round(width / COARSE)), Math.max(1, Math.round(height / COARSE)))
    this.skin.clear(width, height)
    this.skin.context.drawImage(this.mask.canvas, 0, 0, width, height)
    this.skin.context.globalCompositeOperation = 'source-in'
    this.skin.context.drawImage(this.blur.of(picture, HALVINGS), 0, 0, width, height)
    context.globalAlpha = this.strength * STRONGEST
    context.drawImage(this.skin.canvas, 0, 0)
    context.globalAlpha = 1
  }

  private drawMask(face: Float32Array, width: number, height: number): void {
    this.mask.clear(width, height)
    const { context } = this.mask
    const trace = (ring: readonly number[]) => {
      context.beginPath()
      for (const index of ring) {
        const { x, y } = pointOf(face, index, width, height)
        context.lineTo(x, y)
      }
      context.closePath()
    }
    trace(OVAL)
    context.fill()
    context.globalCompositeOperation = 'destination-out'
    // Lashes and the edges of lips lie outside the rings.
    context.lineWidth = 1.5
    for (const ring of FEATURES) {
      trace(ring)
      context.fill()
      context.stroke()
    }
  }
}
