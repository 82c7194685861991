import { expect, test } from 'vitest'
import { choose, drawnPerson, openEffects, seen, type Seen } from '../harness/effects'
import { useFaceCameras, WALL } from '../harness/faceCamera'
import { setHidden } from '../harness/hidden'
import { useStage } from '../harness/stage'
import { expectGoodState } from '../harness/state'
import type { Visitor } from '../harness/visitor'

const stage = useStage()
const cameras = useFaceCameras()

test('another background is behind the person, who stays; it can be compared with the camera’s own picture', { timeout: 240_000 }, async () => {
  const [ada, bo] = await stage.watched(cameras.camera)
  const before = await drawnPerson(bo)
  await openEffects(ada)
  await choose(ada, 'background-night')
  await expect.poll(() => ada.find('effects-status').getAttribute('data-state'), { timeout: 60_000 }).toBe('on')
  const other = (corners: number[]) => Math.max(...corners.map((value, c) => Math.abs(value - before.corners[c]!)))
  await expect
    .poll(
      async () => {
        const { corners, skin } = await seen(bo, 'Ada')
        return other(corners) > 60 && skin.share > before.skin.share * 0.6
      },
      { timeout: 60_000, message: 'a night behind a face' },
    )
    .toBe(true)

  await ada.find('before-after').waitFor()
  await expectGoodState(ada, 'effects-on')
  await choose(ada, 'background-none')
  await expect.poll(() => seen(bo, 'Ada').then(({ corners }) => other(corners)), { timeout: 20_000 }).toBeLessThan(20)
  await expect.poll(() => edges(bo), { timeout: 20_000, message: 'edges of the window behind' }).toBeGreaterThan(40)
  const sharp = await edges(bo)

  await choose(ada, 'background-blur')
  // The wall keeps its colour, the person stays, and of the window there is but light.
  const blurred = async () => {
    const [window, { corners, skin }] = await Promise.all([edges(bo), seen(bo, 'Ada')])
    return window < sharp / 3 && other(corners) < 40 && skin.share > before.skin.share * 0.6
  }
  await expect.poll(blurred, { timeout: 60_000, message: 'a blurred room behind a face' }).toBe(true)

  await ada.find('effects-picture').setInputFiles({ name: 'holiday.png', mimeType: 'image/png', buffer: await plainPicture(ada, OWN) })
  const own = async () => {
    const { corners, skin } = await seen(bo, 'Ada')
    const away = Math.max(...corners.map((value, c) => Math.abs(value - OWN[c]!)))
    return away < 40 && skin.share > before.skin.share * 0.6 ? skin.x : null
  }
  await expect.poll(own, { timeout: 60_000, message: 'one’s own picture behind a face' }).not.toBe(null)

  // The face goes on from side to side before it while the page is not looked at, so these pictures are new ones.
  await setHidden(ada.page, true)
  await bo.sees('Ada', 20)
  await expect.poll(async () => (await own()) ?? 1, { timeout: 40_000, interval: 100, message: 'the face at the left, from a hidden page' }).toBeLessThan(0.45)
  await expect.poll(async () => (await own()) ?? 0, { timeout: 40_000, interval: 100, message: 'the face at the right, from a hidden page' }).toBeGreaterThan(0.55)
})

/** Red, green and blue of the reader's own picture. */
const OWN = [200, 40, 190] as const

async function plainPicture({ page }: Visitor, [r, g, b]: readonly [number, number, number]): Promise<Buffer> {
  const url = await page.evaluate((fill) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 36 })
    const context = canvas.getContext('2d')!
    context.fillStyle = fill
    context.fillRect(0, 0, 64, 36)
    return canvas.toDataURL('image/png')
  }, `rgb(${r} ${g} ${b})`)
  return Buffer.from(url.split(',')[1]!, 'base64')
}

/** The sharpest upright edge, from 0 to 255, in what a visitor decodes of Ada's wall above her head: there is the window. */
function edges(visitor: Visitor): Promise<number> {
  return visitor
    .tile('Ada')
    .getByTestId('remote-video')
    .evaluate((video: HTMLVideoElement) => {
      const [width, height, from, to] = [320, 180, 22, 34]
      const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!
      context.drawImage(video, 0, 0, width, height)
      const { data } = context.getImageData(0, from, width, to - from)
      let sharpest = 0
      for (let x = 0; x + 2 < width; x++) {
        for (let c = 0; c < 3; c++) {
          let sum = 0
          for (let y = 0; y < to - from; y++) sum += data[(y * width + x) * 4 + c]! - data[(y * width + x + 2) * 4 + c]!
          sharpest = Math.max(sharpest, Math.abs(sum) / (to - from))
        }
      }
      return sharpest
    })
}

interface Halves {
  /** What the right half is called; null where nothing is compared, and when that changed during the look. */
  word: string | null
  /** How far the colour in the upper corner of each half is from the wall's, in the one of red, green and blue that differs most. */
  before: number
  after: number
}

/** The two halves of the comparison as they are on the screen, where the one lies over the other. */
async function halves(visitor: Visitor): Promise<Halves> {
  const word = () => visitor.page.evaluate(() => document.querySelector('[data-testid="after-word"]')?.textContent ?? null)
  const first = await word()
  const picture = first === null ? null : await visitor.find('before-after').locator('.pictures').screenshot({ timeout: 5_000 }).catch(() => null)
  if (!picture || (await word()) !== first) return { word: null, before: 0, after: 0 }
  const corners = await visitor.page.evaluate(async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
    const picture = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
    const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })!
    return [0.05, 0.9].map((left) => {
      context.drawImage(picture, picture.width * left, picture.height * 0.06, picture.width * 0.05, picture.height * 0.06, 0, 0, 1, 1)
      return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3)
    })
  }, picture.toString('base64'))
  const [before, after] = corners.map((colour) => Math.max(...colour.map((value, c) => Math.abs(value - WALL[c]!))))
  return { word: first, before: before!, after: after! }
}

test('what is called after is never the camera’s own picture, and what is called before always is, whatever is chosen meanwhile', { timeout: 240_000 }, async () => {
  const browser = await stage.browser({ camera: cameras.restless })
  const ada = await stage.visit('a', 'Ada', {}, browser)
  await ada.enter(stage.room())
  await openEffects(ada)
  /** Looks again and again until the effect has been there for some looks. */
  const look = async (what: string) => {
    const looks: Halves[] = []
    const worked = () => looks.filter(({ word }) => word === 'After')
    await expect.poll(async () => looks.push(await halves(ada)) && worked().length, { timeout: 60_000, interval: 10, message: `looks at ${what}` }).toBeGreaterThan(5)
    const told = looks.map(({ word, before, after }) => `${word ?? '-'} ${before} ${after}`).join(', ')
    expect(Math.min(...worked().map(({ after }) => after)), `how far from the camera’s own ${what} is: ${told}`).toBeGreaterThan(50)
    expect(looks.at(-1)!.before, `how far from the camera’s own the other half is: ${told}`).toBeLessThan(30)
  }
  await choose(ada, 'filter-mono')
  await look('a picture in black and white')
  await ada.find('camera').click()
  await ada.find('before-after').waitFor({ state: 'detached' })
  await ada.find('camera').click()
  await look('a picture of a camera that was off')
  await choose(ada, 'filter-sepia')
  await look('a picture in sepia')
  await choose(ada, 'filter-none', 'background-night')
  await look('a night')
  await choose(ada, 'background-dusk')
  await look('an evening')
  await choose(ada, 'background-none', 'filter-mono')
  await look('a picture in black and white, once more')
})

test('a model that hangs costs the effect and not the picture; it is said, and can be tried again', { timeout: 240_000 }, async () => {
  const [ada, bo] = await stage.watched(cameras.camera)
  const before = await drawnPerson(bo)
  const other = ({ corners }: Seen) => Math.max(...corners.map((value, c) => Math.abs(value - before.corners[c]!)))
  // From its eleventh answer on, what the model says does not arrive.
  const script = /model\.worker-.*\.js$/
  await ada.page.route(script, async (route) => {
    const response = await route.fetch()
    const gag = 'let said = 0; const say = MessagePort.prototype.postMessage; MessagePort.prototype.postMessage = function (...words) { if (++said <= 10) say.apply(this, words) };'
    await route.fulfill({ response, body: gag + (await response.text()) })
  })
  await openEffects(ada)
  await choose(ada, 'background-night')
  const notice = ada.notice('effects-off')
  await notice.waitFor({ timeout: 90_000 })
  expect(await notice.innerText()).toMatch(/others see your camera as it is[^]*stopped working[^]*Try again/)
  expect(await ada.find('effects-status').innerText()).toMatch(/stopped working/)
  await bo.sees('Ada')
  await expect.poll(() => seen(bo, 'Ada').then(other), { timeout: 20_000, message: 'another room than the camera’s own' }).toBeLessThan(20)

  await ada.page.unroute(script)
  await notice.getByRole('button').click()
  await expect.poll(() => seen(bo, 'Ada').then(other), { timeout: 60_000, message: 'a night where the room was' }).toBeGreaterThan(60)
  await notice.waitFor({ state: 'detached' })
})

/** What part of the picture has the colour of the wall behind the restless person, in each of many frames that a visitor decodes. */
function wallShares(visitor: Visitor, frames: number): Promise<number[]> {
  return visitor
    .tile('Ada')
    .getByTestId('remote-video')
    .evaluate(async (video: HTMLVideoElement, frames) => {
      const [width, height] = [160, 90]
      const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!
      const shares: number[] = []
      while (shares.length < frames) {
        await new Promise((resolve) => video.requestVideoFrameCallback(resolve))
        context.drawImage(video, 0, 0, width, height)
        const { data } = context.getImageData(0, 0, width, height)
        let wall = 0
        for (let at = 0; at < data.length; at += 4) if (data[at + 1]! > data[at]! + 70 && data[at + 1]! > data[at + 2]! + 70) wall++
        shares.push(wall / width / height)
      }
      return shares
    }, frames)
}

test('the room does not show where somebody has just been, however fast they move', { timeout: 150_000 }, async () => {
  const [ada, bo] = await stage.watched(cameras.restless)
  expect(Math.min(...(await wallShares(bo, 10))), 'the wall without a background').toBeGreaterThan(0.3)
  await openEffects(ada)
  await choose(ada, 'background-night')
  await expect.poll(() => ada.find('effects-status').getAttribute('data-state'), { timeout: 60_000 }).toBe('on')
  await expect.poll(() => wallShares(bo, 1).then(([share]) => share), { timeout: 30_000 }).toBeLessThan(0.1)
  const shares = await wallShares(bo, 40)
  expect(Math.max(...shares), `the wall in the frames: ${shares.map((share) => share.toFixed(3)).join(' ')}`).toBeLessThan(0.01)
})
