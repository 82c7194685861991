import type { BackgroundName } from './settings'

type Context = OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D
export type SceneName = Exclude<BackgroundName, 'none' | 'blur' | 'picture'>

/** Draws a scene to stand before, over the whole of a canvas of this size. */
export function drawScene(scene: SceneName, context: Context, width: number, height: number): void {
  context.save()
  context.scale(width, height)
  SCENES[scene](context)
  context.restore()
}

// All in parts of the width and height.
const SCENES: Record<SceneName, (context: Context) => void> = {
  dusk(context) {
    sky(context, ['#2b2350', '#8a3f6f', '#e8785a', '#f6c177'])
    context.fillStyle = '#fbe3b0'
    disc(context, 0.74, 0.62, 0.07)
    hills(context, '#3c2a55', 0.74, 0.07, 5)
    hills(context, '#241b3a', 0.85, 0.05, 8)
  },
  meadow(context) {
    sky(context, ['#8cc7ee', '#cfe8f5', '#eef6ea'])
    context.fillStyle = '#fffdf4'
    for (const [x, y, r] of [[0.18, 0.2, 0.05], [0.24, 0.18, 0.065], [0.3, 0.21, 0.05], [0.78, 0.3, 0.04], [0.83, 0.28, 0.05]] as const) disc(context, x, y, r)
    hills(context, '#8fbf6a', 0.62, 0.06, 4)
    hills(context, '#5f9c4d', 0.78, 0.05, 6)
  },
  paper(context) {
    sky(context, ['#f4ede1', '#e2d5c3'])
    context.fillStyle = '#d7c6ae'
    context.fillRect(0, 0.82, 1, 0.18)
    context.fillStyle = '#b8674a'
    context.fillRect(0.08, 0.14, 0.16, 0.26)
    context.fillStyle = '#3f6b66'
    disc(context, 0.86, 0.3, 0.09)
  },
  night(context) {
    sky(context, ['#050816', '#0d1c3a', '#1d3b5a'])
    context.fillStyle = '#eaf2ff'
    // A fixed sky: the same each time, without a table of stars.
    for (let star = 1; star < 60; star++) disc(context, (star * 0.618) % 1, (star * 0.379) % 0.7, star % 7 ? 0.0016 : 0.0034)
    hills(context, '#060b18', 0.84, 0.06, 7)
  },
}

function sky(context: Context, colours: string[]): void {
  const gradient = context.createLinearGradient(0, 0, 0, 1)
  colours.forEach((colour, index) => gradient.addColorStop(index / (colours.length - 1), colour))
  context.fillStyle = gradient
  context.fillRect(0, 0, 1, 1)
}

function disc(context: Context, x: number, y: number, radius: number): void {
  context.beginPath()
  // The canvas is wider than it is high, most often by 4 to 3 or 16 to 9.
  context.ellipse(x, y, radius * 0.65, radius, 0, 0, 2 * Math.PI)
  context.fill()
}

function hills(context: Context, colour: string, level: number, swing: number, waves: number): void {
  context.fillStyle = colour
  context.beginPath()
  context.moveTo(0, 1)
  for (let x = 0; x <= 1; x += 0.02) context.lineTo(x, level + swing * Math.sin(x * waves * 1.7 + waves))
  context.lineTo(1, level)
  context.lineTo(1, 1)
  context.fill()
}
