import type { Size } from '../record/layout'

// What somebody draws on a picture, in the picture's own pixels.

export interface Point {
  x: number
  y: number
}

export type Mark =
  | { kind: 'pen'; colour: string; points: Point[] }
  | { kind: 'arrow'; colour: string; from: Point; to: Point }
  | { kind: 'text'; colour: string; at: Point; words: string }

/** Widths follow the picture's size, so that a mark looks the same on every one. */
function stroke({ width, height }: Size): number {
  return Math.max(2, Math.hypot(width, height) / 240)
}

export function textHeight({ width, height }: Size): number {
  return Math.max(14, Math.hypot(width, height) / 36)
}

/** The three corners of an arrow's head, the tip first. */
export function arrowHead(from: Point, to: Point, length: number): [Point, Point, Point] {
  const angle = Math.atan2(to.y - from.y, to.x - from.x)
  const wing = (turn: number): Point => ({ x: to.x - length * Math.cos(angle + turn), y: to.y - length * Math.sin(angle + turn) })
  return [to, wing(Math.PI / 7), wing(-Math.PI / 7)]
}

/** Draws the marks, in their order. */
export function drawMarks(context: CanvasRenderingContext2D, size: Size, marks: readonly Mark[]): void {
  for (const mark of marks) {
    context.lineWidth = stroke(size)
    context.lineCap = context.lineJoin = 'round'
    context.strokeStyle = context.fillStyle = mark.colour
    if (mark.kind === 'pen') pen(context, mark.points)
    else if (mark.kind === 'arrow') arrow(context, mark.from, mark.to, stroke(size) * 6)
    else text(context, mark.at, mark.words, textHeight(size), stroke(size))
  }
}

function pen(context: CanvasRenderingContext2D, points: Point[]): void {
  const [first, ...rest] = points
  if (!first) return
  context.beginPath()
  context.moveTo(first.x, first.y)
  // A mere touch is a dot.
  if (rest.length === 0) context.lineTo(first.x, first.y)
  for (const { x, y } of rest) context.lineTo(x, y)
  context.stroke()
}

function arrow(context: CanvasRenderingContext2D, from: Point, to: Point, length: number): void {
  const [tip, left, right] = arrowHead(from, to, length)
  const neck = { x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 }
  context.beginPath()
  context.moveTo(from.x, from.y)
  context.lineTo(neck.x, neck.y)
  context.stroke()
  context.beginPath()
  context.moveTo(tip.x, tip.y)
  context.lineTo(left.x, left.y)
  context.lineTo(right.x, right.y)
  context.fill()
}

function text(context: CanvasRenderingContext2D, at: Point, words: string, height: number, outline: number): void {
  context.font = `600 ${height}px system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif`
  context.textBaseline = 'middle'
  context.textAlign = 'left'
  // Readable on any ground.
  context.strokeStyle = mixesWithWhite(context.fillStyle) ? '#101514' : '#ffffff'
  context.lineWidth = outline
  context.strokeText(words, at.x, at.y)
  context.fillText(words, at.x, at.y)
}

function mixesWithWhite(colour: unknown): boolean {
  const [, r = '0', g = '0', b = '0'] = /^#(..)(..)(..)$/.exec(String(colour)) ?? []
  return 0.299 * parseInt(r, 16) + 0.587 * parseInt(g, 16) + 0.114 * parseInt(b, 16) > 140
}
