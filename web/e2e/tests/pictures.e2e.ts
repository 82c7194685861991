import { expect, test } from 'vitest'
import { probe } from '../harness/mediaFile'
import { giveProps } from '../harness/props'
import { openLibrary, useDownloads } from '../harness/recordings'
import { useStage } from '../harness/stage'

const stage = useStage()
const downloaded = useDownloads()
const ADA = { hertz: 440, width: 640, height: 360 }
const BO = { hertz: 1_320, width: 320, height: 240 }
const SOON = { timeout: 15_000 }

test('pictures have every pixel of their track, can be drawn on, copied and kept', async () => {
  const room = stage.room()
  const [ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo')])
  await Promise.all([giveProps(ada.page, ADA), giveProps(bo.page, BO)])
  await Promise.all([ada.enter(room), bo.enter(room)])
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])
  await ada.page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  // Said of the looks that this test takes at a canvas.
  ada.watch.allow(/willReadFrequently/)
  const red = expect.objectContaining({ 0: expect.closeTo(200, -2), 2: expect.closeTo(30, -2) }) as unknown

  // Our own, as the camera gives it, and not as the mirror shows it.
  await ada.tile('You').getByTestId('tile-menu').click()
  await ada.find('picture-tile').click()
  const canvas = ada.find('picture')
  await canvas.waitFor()
  const look = (x: number, y: number) =>
    canvas.evaluate((it: HTMLCanvasElement, [x, y]) => [...it.getContext('2d')!.getImageData(x! * it.width, y! * it.height, 1, 1).data].slice(0, 3), [x, y])
  expect(await canvas.evaluate((it: HTMLCanvasElement) => [it.width, it.height])).toEqual([ADA.width, ADA.height])
  await expect.poll(() => look(0.25, 0.5)).toEqual(red)
  expect((await look(0.75, 0.5))[2]).toBeGreaterThan(150)

  const box = (await canvas.boundingBox())!
  await ada.find('tool-arrow').click()
  await ada.page.getByRole('radio', { name: 'White' }).check({ force: true })
  await ada.page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.5)
  await ada.page.mouse.down()
  await ada.page.mouse.move(box.x + box.width * 0.9, box.y + box.height * 0.5, { steps: 4 })
  await ada.page.mouse.up()
  await expect.poll(() => look(0.7, 0.5)).toEqual([255, 255, 255])
  await ada.find('undo').click()
  await expect.poll(async () => (await look(0.7, 0.5))[0]).toBeLessThan(80)
  await ada.find('tool-text').click()
  await canvas.click({ position: { x: box.width * 0.55, y: box.height * 0.25 } })
  await ada.find('picture-words').fill('here')
  await ada.page.keyboard.press('Enter')
  const words = () => canvas.evaluate((it: HTMLCanvasElement) => {
    const { data } = it.getContext('2d')!.getImageData(it.width * 0.55, it.height * 0.15, it.width * 0.3, it.height * 0.2)
    return data.reduce((count, value, at) => count + (at % 4 === 0 && value > 200 && data[at + 1]! > 200 ? 1 : 0), 0)
  })
  await expect.poll(words, { message: 'white pixels of the words' }).toBeGreaterThan(50)
  await ada.find('picture-copy').click()
  await expect.poll(() => ada.find('picture-copy').innerText(), SOON).toBe('Copied')
  const copied = await ada.page.evaluate(async () => {
    const [item] = await navigator.clipboard.read()
    const bitmap = await createImageBitmap(await item!.getType('image/png'))
    return [bitmap.width, bitmap.height]
  })
  expect(copied).toEqual([ADA.width, ADA.height])
  await ada.find('picture-keep').click()
  await expect.poll(() => ada.find('picture-keep').innerText(), SOON).toBe('In the library')
  await ada.find('dialog-close').click()

  // The other's, as large as it comes, though its tile has another size.
  await ada.tile('Bo').getByTestId('tile-menu').click()
  await ada.find('picture-tile').click()
  await canvas.waitFor()
  expect(await canvas.evaluate((it: HTMLCanvasElement) => [it.width, it.height])).toEqual(
    await ada.find('remote-video').evaluate((video: HTMLVideoElement) => [video.videoWidth, video.videoHeight]),
  )
  expect(await look(0.25, 0.5)).toEqual(red)
  await ada.find('dialog-close').click()

  await ada.find('more').click()
  await ada.find('picture-call').click()
  await canvas.waitFor()
  expect(await canvas.evaluate((it: HTMLCanvasElement) => [it.width, it.height])).toEqual([1280, 720])
  await expect.poll(() => look(0.125, 0.5)).toEqual(red)
  expect(await look(0.625, 0.5)).toEqual(red)
  await ada.find('picture-keep').click()
  await expect.poll(() => ada.find('picture-keep').innerText(), SOON).toBe('In the library')

  await openLibrary(ada)
  await expect.poll(() => ada.find('library-item').count(), SOON).toBe(2)
  const path = await downloaded(ada, 'download', 1)
  expect(await probe(path)).toMatchObject({ width: ADA.width, height: ADA.height, streams: ['video png'] })
})
