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

/** Two cameras for the tests of the calling file: before the one somebody stands, and before the other, at a wall as green as WALL, they are restless. */
export function useFaceCameras(): { camera: string; restless: string } {
  const paths = { camera: '', restless: '' }
  let dir = ''
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'callmesh-face-'))
    const drawing = await TestBrowser.start()
    paths.camera = join(dir, 'face.y4m')
    await writeFaceCamera(drawing.chromium, paths.camera)
    paths.restless = join(dir, 'restless.y4m')
    await writeFaceCamera(drawing.chromium, paths.restless, { tenths: 3, wall: `rgb(${WALL.join(' ')})` })
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
