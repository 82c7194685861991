import { expect, test } from 'vitest'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'

const stage = useStage()

/** The mean colour that a visitor decodes of somebody's camera: red, green and blue of 0 to 255. */
function colourOf(visitor: Visitor, name: string): Promise<number[]> {
  return visitor
    .tile(name)
    .getByTestId('remote-video')
    .evaluate((video: HTMLVideoElement) => {
      const canvas = new OffscreenCanvas(16, 12)
      const context = canvas.getContext('2d')!
      context.drawImage(video, 0, 0, 16, 12)
      const { data } = context.getImageData(0, 0, 16, 12)
      return [0, 1, 2].map((channel) => data.reduce((sum, value, index) => (index % 4 === channel ? sum + value : sum), 0) / 192)
    })
}

const spread = async (visitor: Visitor) => {
  const colour = await colourOf(visitor, 'Ada')
  return Math.max(...colour) - Math.min(...colour)
}

test('a filter is in the pixels that the other decodes, also from the camera turned on anew, and goes when it is taken off', async () => {
  const [ada, bo] = await stage.call()
  await expect.poll(() => spread(bo), { timeout: 20_000 }).toBeGreaterThan(8)

  await ada.page.evaluate(() => window.callmesh!.media.effects.set({ filter: 'mono', background: 'none', sticker: 'none', smooth: 0 }))
  await expect.poll(() => spread(bo), { timeout: 20_000, message: 'colour of a picture in black and white' }).toBeLessThan(4)

  await ada.find('camera').click()
  await bo.tile('Ada').getByTestId('remote-video').waitFor({ state: 'detached' })
  await ada.find('camera').click()
  await bo.tile('Ada').getByTestId('remote-video').waitFor()
  await bo.sees('Ada')
  await expect.poll(() => spread(bo), { timeout: 20_000 }).toBeLessThan(4)

  await ada.page.evaluate(() => window.callmesh!.media.effects.set({ filter: 'none', background: 'none', sticker: 'none', smooth: 0 }))
  await expect.poll(() => spread(bo), { timeout: 20_000, message: 'colour without a filter' }).toBeGreaterThan(8)
})

test('the models run on our own origin, and tell that they are ready', async () => {
  const [ada, bo] = await stage.call()
  await ada.page.evaluate(() => window.callmesh!.media.effects.set({ filter: 'none', background: 'dusk', sticker: 'glasses', smooth: 0.5 }))
  await expect.poll(() => ada.page.evaluate(() => window.callmesh!.media.effects.view().state), { timeout: 60_000 }).toBe('on')
  await bo.sees('Ada')
})
