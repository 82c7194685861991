import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { film, filmOptions } from '../picture/film'
import { TestBrowser } from './browser'
import { writeY4M, type Size } from './y4m'

/** How far to each side of the middle the face of the film stands, in pixels. */
export const FACE_AWAY = 56
/** Red, green and blue of the wall behind the restless one. */
export const WALL = [0x2e, 0xd6, 0x3c] as const
const SIZE: Size = { width: 320, height: 180 }
/** What is filmed for a close picture, its size, and where in the film it begins. */
const FILMED: Size = { width: 1280, height: 720 }
const CLOSE: Size = { width: 640, height: 360 }
const FACE_AT = { x: 320, y: 170 }
/** Side of a cell of the grain, in pixels. */
const GRAIN = 2

/**
 * Writes a camera before which somebody drawn stands to the left for some tenths of a second, two seconds unless told, and then to the right for
 * as long. The wall behind has the colour given.
 */
export async function writeFaceCamera(browser: Browser, path: string, { tenths = 20, wall }: { tenths?: number; wall?: string } = {}): Promise<void> {
  const page = await browser.newPage()
  try {
    const options = filmOptions('gardener', SIZE, 1)
    if (wall) options.look = { ...options.look, wall }
    const [frame] = await page.evaluate(film, options)
    const middle = Buffer.from(frame!, 'base64')
    const frames = [-FACE_AWAY, FACE_AWAY].flatMap((by) => new Array<Uint8Array>(tenths).fill(moved(middle, by)))
    await writeY4M(path, SIZE, 10, frames)
  } finally {
    await page.close()
  }
}

/** Writes a camera that is so near to somebody drawn that their face fills the picture, with a grain on the skin that is in no drawing. */
async function writeCloseCamera(browser: Browser, path: string): Promise<void> {
  const page = await browser.newPage()
  try {
    const [frame] = await page.evaluate(film, filmOptions('gardener', FILMED, 1))
    await writeY4M(path, CLOSE, 5, [grained(cut(Buffer.from(frame!, 'base64')))])
  } finally {
    await page.close()
  }
}

/** The part of the film around the face, in I420. */
function cut(frame: Uint8Array): Uint8Array {
  const { width, height } = CLOSE
  const out = new Uint8Array((width * height * 3) / 2)
  const plane = (from: number, to: number, by: number) => {
    const row = FILMED.width / by
    for (let y = 0; y < height / by; y++) {
      const start = from + (FACE_AT.y / by + y) * row + FACE_AT.x / by
      out.set(frame.subarray(start, start + width / by), to + (y * width) / by)
    }
  }
  const [filmed, all] = [FILMED.width * FILMED.height, width * height]
  plane(0, 0, 1)
  plane(filmed, all, 2)
  plane(filmed * 1.25, all * 1.25, 2)
  return out
}

/** Lighter and darker cells on whatever has the colour of the drawn skin, the same each time. */
function grained(frame: Uint8Array): Uint8Array {
  const { width, height } = CLOSE
  const near = (at: number, value: number, by: number) => Math.abs(frame[at]! - value) < by
  const out = Uint8Array.from(frame)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [at, chroma] = [y * width + x, width * height + (y >> 1) * (width / 2) + (x >> 1)]
      if (!near(at, 172, 14) || !near(chroma, 104, 9) || !near(chroma + (width * height) / 4, 155, 12)) continue
      const cell = Math.imul(Math.floor(x / GRAIN) * 73_856_093 ^ Math.floor(y / GRAIN) * 19_349_663, 2_654_435_761)
      out[at]! += (cell >>> 16) & 1 ? 16 : -16
    }
  }
  return out
}

/**
 * Cameras for the tests of the calling file: somebody stands before the first, is restless before the second, at a wall as green as WALL, and near to
 * the third.
 */
export function useFaceCameras(): { camera: string; restless: string; close: string } {
  const paths = { camera: '', restless: '', close: '' }
  let dir = ''
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'callmesh-face-'))
    const drawing = await TestBrowser.start()
    paths.camera = join(dir, 'face.y4m')
    await writeFaceCamera(drawing.chromium, paths.camera)
    paths.restless = join(dir, 'restless.y4m')
    await writeFaceCamera(drawing.chromium, paths.restless, { tenths: 3, wall: `rgb(${WALL.join(' ')})` })
    paths.close = join(dir, 'close.y4m')
    await writeCloseCamera(drawing.chromium, paths.close)
    await drawing.close()
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))
  return paths
}

/** The picture, in I420, some way to the right; its edge is drawn out. */
function moved(frame: Uint8Array, by: number): Uint8Array {
  const { width, height } = SIZE
  const out = new Uint8Array(frame.length)
  const plane = (start: number, w: number, h: number, shift: number) => {
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) out[start + y * w + x] = frame[start + y * w + Math.min(w - 1, Math.max(0, x - shift))]!
    }
  }
  plane(0, width, height, by)
  plane(width * height, width / 2, height / 2, by / 2)
  plane(width * height * 1.25, width / 2, height / 2, by / 2)
  return out
}
