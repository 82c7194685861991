import { poseOf, type FacePose } from './face'
import type { EffectNode, Picture, Seen } from './node'
import type { StickerName } from './settings'

type Context = OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D
export type Drawn = Exclude<StickerName, 'none'>

/** Draws something on the face, wherever it goes. */
export class Sticker implements EffectNode {
  private readonly kind: Drawn

  constructor(kind: Drawn) {
    this.kind = kind
  }

  apply({ canvas, context }: Picture, { face }: Seen): void {
    const pose = face && poseOf(face, canvas.width, canvas.height)
    if (pose) drawSticker(this.kind, context, pose)
  }
}

/** Draws it where the face is. */
export function drawSticker(kind: Drawn, context: Context, pose: FacePose): void {
  context.save()
  context.translate(pose.centre.x, pose.centre.y)
  context.rotate(pose.angle)
  context.scale(pose.span, pose.span)
  context.lineCap = 'round'
  context.lineJoin = 'round'
  STICKERS[kind](context, pose)
  context.restore()
}

// One unit is the distance between the outer corners of the eyes, and the origin lies between them.
const STICKERS: Record<Drawn, (context: Context, pose: FacePose) => void> = {
  glasses(context) {
    context.strokeStyle = '#1b1420'
    context.lineWidth = 0.07
    for (const side of [-1, 1]) {
      context.fillStyle = '#ff2d8e'
      blob(context, side * 0.33, 0.02, 0.27, 0.22)
      context.stroke()
      line(context, [side * 0.6, -0.02], [side * 0.82, -0.06])
      context.fillStyle = 'rgb(255 255 255 / 55%)'
      blob(context, side * 0.33 - 0.1, -0.06, 0.06, 0.03)
    }
    line(context, [-0.07, -0.03], [0.07, -0.03])
  },
  hat(context, { forehead }) {
    const brim = forehead + 0.12
    context.fillStyle = '#2f6fed'
    shape(context, [[-0.62, brim], [0, brim - 1.35], [0.62, brim]])
    context.fillStyle = '#ffd23f'
    for (const [x, y] of [[-0.22, -0.2], [0.2, -0.28], [-0.02, -0.6], [0.05, -0.95]] as const) blob(context, x, brim + y, 0.07, 0.07)
    blob(context, 0, brim - 1.35, 0.14, 0.14)
    context.strokeStyle = '#ffd23f'
    context.lineWidth = 0.1
    line(context, [-0.6, brim], [0.6, brim])
  },
  cat(context, { forehead, nose }) {
    for (const side of [-1, 1]) {
      context.fillStyle = '#4a3f47'
      shape(context, [[side * 0.78, forehead + 0.3], [side * 0.72, forehead - 0.55], [side * 0.18, forehead + 0.02]])
      context.fillStyle = '#f2a0b5'
      shape(context, [[side * 0.68, forehead + 0.12], [side * 0.66, forehead - 0.32], [side * 0.34, forehead + 0.02]])
      context.strokeStyle = '#2a2328'
      context.lineWidth = 0.025
      for (const rise of [-0.1, 0.02, 0.14]) line(context, [side * 0.28, nose + 0.08 + rise / 2], [side * 0.85, nose + 0.02 + rise])
    }
    context.fillStyle = '#f2637e'
    shape(context, [[-0.12, nose - 0.07], [0.12, nose - 0.07], [0, nose + 0.08]])
  },
  moustache(context, { nose, lip }) {
    const y = (nose + lip) / 2 + 0.04
    context.fillStyle = '#3a2115'
    for (const side of [-1, 1]) {
      context.beginPath()
      context.moveTo(0, y - 0.05)
      context.bezierCurveTo(side * 0.18, y - 0.2, side * 0.4, y - 0.02, side * 0.62, y - 0.16)
      context.bezierCurveTo(side * 0.56, y + 0.16, side * 0.2, y + 0.2, 0, y + 0.08)
      context.fill()
    }
  },
}

function blob(context: Context, x: number, y: number, rx: number, ry: number): void {
  context.beginPath()
  context.ellipse(x, y, rx, ry, 0, 0, 2 * Math.PI)
  context.fill()
}

function line(context: Context, from: readonly [number, number], to: readonly [number, number]): void {
  context.beginPath()
  context.moveTo(...from)
  context.lineTo(...to)
  context.stroke()
}

function shape(context: Context, corners: readonly (readonly [number, number])[]): void {
  context.beginPath()
  for (const corner of corners) context.lineTo(...corner)
  context.closePath()
  context.fill()
}
