import type { FilterName } from './settings'

/** Rows of red, green and blue; each of what it takes of red, green and blue, and what it adds. All of 0 to 1. */
export type ColourMatrix = readonly [Row, Row, Row]
type Row = readonly [red: number, green: number, blue: number, plus: number]

/** Brightness as the eye weighs it (ITU-R BT.709). */
const LUMA = [0.2126, 0.7152, 0.0722] as const

export const MATRICES: Record<Exclude<FilterName, 'none'>, ColourMatrix> = {
  warm: [[1.12, 0.04, 0, 0.02], [0, 1.02, 0, 0.01], [0, 0, 0.78, 0]],
  cool: [[0.8, 0, 0, 0], [0, 1, 0.02, 0.01], [0, 0.06, 1.14, 0.03]],
  vivid: saturated(1.6, -0.02),
  faded: [[0.72, 0.08, 0.04, 0.12], [0.06, 0.72, 0.06, 0.11], [0.05, 0.08, 0.68, 0.14]],
  sepia: [[0.393, 0.769, 0.189, 0], [0.349, 0.686, 0.168, 0], [0.272, 0.534, 0.131, 0]],
  mono: saturated(0, 0),
}

function saturated(by: number, plus: number): ColourMatrix {
  const row = (own: number): Row => {
    const [red, green, blue] = LUMA.map((weight, channel) => weight * (1 - by) + (channel === own ? by : 0)) as [number, number, number]
    return [red, green, blue, plus]
  }
  return [row(0), row(1), row(2)]
}

/** Recolours RGBA pixels in place. */
export function recolour(pixels: Uint8ClampedArray, [red, green, blue]: ColourMatrix): void {
  for (let at = 0; at + 3 < pixels.length; at += 4) {
    const r = pixels[at]!
    const g = pixels[at + 1]!
    const b = pixels[at + 2]!
    pixels[at] = red[0] * r + red[1] * g + red[2] * b + red[3] * 255
    pixels[at + 1] = green[0] * r + green[1] * g + green[2] * b + green[3] * 255
    pixels[at + 2] = blue[0] * r + blue[1] * g + blue[2] * b + blue[3] * 255
  }
}
