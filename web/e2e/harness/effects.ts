import { expect } from 'vitest'
import type { Visitor } from './visitor'

interface Spot {
  /** How many of the pixels, of 0 to 1. */
  share: number
  /** Where their middle is, of 0 to 1 from the left. */
  x: number
}

/** What is in a picture of the drawn person. */
export interface Seen {
  mean: number[]
  /** The drawn person's skin, below the forehead, and the pink of the glasses. */
  skin: Spot
  pink: Spot
  /** The mean colour of the upper corners, where nobody ever is. */
  corners: number[]
}

/** What a visitor decodes of somebody's camera. */
export function seen(visitor: Visitor, name: string): Promise<Seen> {
  return visitor
    .tile(name)
    .getByTestId('remote-video')
    .evaluate((video: HTMLVideoElement) => {
      const [width, height] = [160, 90]
      const context = new OffscreenCanvas(width, height).getContext('2d')!
      context.drawImage(video, 0, 0, width, height)
      const { data } = context.getImageData(0, 0, width, height)
      const pixels = Array.from({ length: width * height }, (_, i) => [data[4 * i]!, data[4 * i + 1]!, data[4 * i + 2]!] as const)
      const mean = (list: (readonly number[])[]) => [0, 1, 2].map((c) => list.reduce((sum, pixel) => sum + pixel[c]!, 0) / list.length)
      const spot = (is: (r: number, g: number, b: number) => boolean): Spot => {
        const columns = pixels.flatMap((pixel, i) => (is(...pixel) ? [i % width] : []))
        return { share: columns.length / pixels.length, x: columns.reduce((sum, x) => sum + x, 0) / (columns.length || 1) / width }
      }
      const near = (of: readonly number[], by: number) => (...pixel: number[]) => pixel.every((value, c) => Math.abs(value - of[c]!) < by)
      return {
        mean: mean(pixels),
        skin: spot(near([227, 171, 134], 28)),
        pink: spot((r, g, b) => r > 170 && g < 110 && b > 80 && r - g > 110),
        corners: mean(pixels.filter((_, i) => i < width * 8 && (i % width < 8 || i % width >= width - 8))),
      }
    })
}

/** Ada's picture as it first shows the drawn person: what is decoded first may not be painted yet, or coarse. */
export async function drawnPerson(visitor: Visitor): Promise<Seen> {
  let now = await seen(visitor, 'Ada')
  await expect.poll(async () => (now = await seen(visitor, 'Ada')).skin.share, { message: 'skin in the picture' }).toBeGreaterThan(0.02)
  return now
}

/** How much the light differs within parts of a close face, as the standard deviation of luma. */
export interface Texture {
  cheek: number
  eye: number
  lips: number
}

/** What a visitor decodes of Ada's face, from a camera that is close; null while pictures come smaller than the camera's. */
export function texture(visitor: Visitor): Promise<Texture | null> {
  return visitor
    .tile('Ada')
    .getByTestId('remote-video')
    .evaluate((video: HTMLVideoElement) => {
      const [width, height] = [640, 360]
      if (video.videoWidth !== width || video.videoHeight !== height) return null
      const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!
      context.drawImage(video, 0, 0)
      const { data } = context.getImageData(0, 0, width, height)
      const deviation = (x: number, y: number, w: number, h: number) => {
        const luma = Array.from({ length: w * h }, (_, i) => {
          const at = 4 * ((y + Math.floor(i / w)) * width + x + (i % w))
          return 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!
        })
        const mean = luma.reduce((sum, value) => sum + value, 0) / luma.length
        return Math.sqrt(luma.reduce((sum, value) => sum + (value - mean) ** 2, 0) / luma.length)
      }
      return { cheek: deviation(258, 208, 32, 24), eye: deviation(254, 162, 38, 28), lips: deviation(276, 254, 88, 50) }
    })
}

/** How far the mean red, green and blue of Ada's picture are apart. */
export const spread = async (visitor: Visitor) => {
  const { mean } = await seen(visitor, 'Ada')
  return Math.max(...mean) - Math.min(...mean)
}

/** Chooses effects, by the test ids of what stands for them, in the panel that is open. */
export async function choose(visitor: Visitor, ...ids: string[]): Promise<void> {
  for (const id of ids) await visitor.page.locator('label', { has: visitor.find(id) }).click()
}

/** Opens the panel of the effects within a call. */
export async function openEffects(visitor: Visitor): Promise<void> {
  await visitor.find('more').click()
  await visitor.find('effects').click()
  await visitor.find('mirror').waitFor()
}

/** How much colour there is in each of so many frames that a visitor decodes of Ada's camera from now on. */
export function colours(visitor: Visitor, frames: number): Promise<number[]> {
  return visitor
    .tile('Ada')
    .getByTestId('remote-video')
    .evaluate(async (video: HTMLVideoElement, frames) => {
      const context = new OffscreenCanvas(32, 24).getContext('2d', { willReadFrequently: true })!
      const colours: number[] = []
      while (colours.length < frames) {
        await new Promise((resolve, reject) => {
          video.requestVideoFrameCallback(resolve)
          setTimeout(() => reject(new Error(`no frame for 30 s, after ${colours.length}; the element is ${video.isConnected ? 'still' : 'no longer'} there`)), 30_000)
        })
        context.drawImage(video, 0, 0, 32, 24)
        const { data } = context.getImageData(0, 0, 32, 24)
        const mean = [0, 1, 2].map((c) => data.reduce((sum, value, i) => sum + (i % 4 === c ? value : 0), 0) / (data.length / 4))
        colours.push(Math.max(...mean) - Math.min(...mean))
      }
      return colours
    }, frames)
}
