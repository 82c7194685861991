/** How many points the face mesh has; each has x and y. */
export const FACE_POINTS = 468

// Points by their number in the canonical face mesh, going round.
export const OVAL = [
  10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54,
  103, 67, 109,
] as const
const LEFT_EYE = [263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466] as const
const RIGHT_EYE = [33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246] as const
const LEFT_BROW = [276, 283, 282, 295, 285, 336, 296, 334, 293, 300] as const
const RIGHT_BROW = [46, 53, 52, 65, 55, 107, 66, 105, 63, 70] as const
const LIPS = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185] as const

/** What must stay sharp in a face: eyes, brows and lips. */
export const FEATURES: readonly (readonly number[])[] = [LEFT_EYE, RIGHT_EYE, LEFT_BROW, RIGHT_BROW, LIPS]

export interface Point {
  x: number
  y: number
}

/** Where a face is in a picture, in pixels. */
export interface FacePose {
  /** Between the eyes. */
  centre: Point
  /** From the outer corner of one eye to that of the other. */
  span: number
  /** How far the head leans, in radians; 0 upright. */
  angle: number
  /** Along the face's own upright axis, from the centre, in spans: negative is up. */
  forehead: number
  nose: number
  lip: number
  chin: number
}

/** A point of the mesh in pixels. */
export function pointOf(face: Float32Array, index: number, width: number, height: number): Point {
  return { x: (face[2 * index] ?? 0) * width, y: (face[2 * index + 1] ?? 0) * height }
}

/** Null for what cannot be a face: too small to see, or broken numbers. */
export function poseOf(face: Float32Array, width: number, height: number): FacePose | null {
  if (face.length < 2 * FACE_POINTS) return null
  const at = (index: number) => pointOf(face, index, width, height)
  const [right, left] = [at(33), at(263)]
  const span = Math.hypot(left.x - right.x, left.y - right.y)
  if (!(span >= 4) || !Number.isFinite(span)) return null
  const centre = { x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 }
  const angle = Math.atan2(left.y - right.y, left.x - right.x)
  const down = (index: number) => {
    const { x, y } = at(index)
    return ((y - centre.y) * Math.cos(angle) - (x - centre.x) * Math.sin(angle)) / span
  }
  return { centre, span, angle, forehead: down(10), nose: down(1), lip: down(0), chin: down(152) }
}
