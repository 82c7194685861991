import { expect, test } from 'vitest'
import { colourAt } from '../harness/mediaFile'
import { giveProps } from '../harness/props'
import { openLibrary, recordedFor, stopRecording, useDownloads } from '../harness/recordings'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'

const stage = useStage()
const downloaded = useDownloads()

/** How colourful somebody's left and right half are in what the other decodes now; 0 is black and white. */
function spread(visitor: Visitor, name: string): Promise<number> {
  return visitor
    .tile(name)
    .getByTestId('remote-video')
    .evaluate((video: HTMLVideoElement) => {
      const context = new OffscreenCanvas(4, 4).getContext('2d')!
      context.drawImage(video, 0, 0, 4, 4)
      const { data } = context.getImageData(0, 1, 1, 1)
      return Math.max(data[0]!, data[1]!, data[2]!) - Math.min(data[0]!, data[1]!, data[2]!)
    })
}

const colour = ([r, g, b]: [number, number, number]) => Math.max(r, g, b) - Math.min(r, g, b)

test('the other’s recording has the effect that is on, and without it the colours of the camera', async () => {
  const room = stage.room()
  const [ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo')])
  await giveProps(ada.page, { hertz: 440, width: 640, height: 360 })
  await Promise.all([ada.enter(room), bo.enter(room)])
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])
  await expect.poll(() => spread(bo, 'Ada'), { timeout: 20_000 }).toBeGreaterThan(60)

  const recordAda = async () => {
    await bo.tile('Ada').getByTestId('tile-menu').click()
    await bo.find('record-person').click()
    await recordedFor(bo, 3)
    await stopRecording(bo)
  }
  await recordAda()
  await ada.find('more').click()
  await ada.find('effects').click()
  await ada.page.locator('label', { has: ada.find('filter-mono') }).click()
  await expect.poll(() => spread(bo, 'Ada'), { timeout: 20_000, message: 'colour of a picture in black and white' }).toBeLessThan(12)
  await recordAda()

  await openLibrary(bo)
  // The newest is first.
  const [grey, plain] = [await downloaded(bo, 'download-webm', 0), await downloaded(bo, 'download-webm', 1)]
  for (const x of [320, 960]) {
    expect(colour(await colourAt(plain, 1.5, x, 300)), `colour at ${x} without the effect`).toBeGreaterThan(60)
    expect(colour(await colourAt(grey, 1.5, x, 300)), `colour at ${x} with it`).toBeLessThan(12)
  }
})

test('whoever leaves while recording is told where the recording is', async () => {
  const ada = await stage.visit('a', 'Ada')
  const room = stage.room()
  await ada.enter(room)
  await ada.find('record').click()
  await recordedFor(ada, 2)
  await ada.leave()
  const told = ada.find('card-recorded')
  await expect.poll(() => told.innerText(), { timeout: 30_000 }).toMatch(new RegExp(`${room} · 0:0[2-9]`))
  await ada.find('card-recordings').click()
  await expect.poll(() => ada.find('library-item').innerText(), { timeout: 15_000 }).toContain(room)
})
