import type { Page } from 'playwright-core'
import type { Visitor } from './visitor'

/** A window whose screens are known. */
type Screened = Window & { screensGiven?: MediaStreamTrack[] }

/** Before the page is opened: whatever screen its visitor chooses is 640 × 360, green on the left and violet on the right. The browser is asked all the same, and may refuse. */
export async function giveScreen(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const given: MediaStreamTrack[] = ((window as Screened).screensGiven = [])
    const ask = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices)
    navigator.mediaDevices.getDisplayMedia = async (options) => {
      const real = await ask(options)
      for (const track of real.getTracks()) track.stop()
      const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 })
      const context = canvas.getContext('2d')!
      let turn = 0
      setInterval(() => {
        context.fillStyle = '#1f9d3f'
        context.fillRect(0, 0, 320, 360)
        context.fillStyle = '#8a2be2'
        context.fillRect(320, 0, 320, 360)
        // Something that moves, or nothing would be sent.
        context.fillStyle = turn++ % 2 ? '#fff' : '#000'
        context.fillRect(312, 344, 16, 16)
      }, 100)
      const stream = canvas.captureStream(10)
      given.push(...stream.getVideoTracks())
      return stream
    }
  })
}

/** How the screens stand that a visitor has chosen, in order. */
export function screensOf({ page }: Visitor): Promise<MediaStreamTrackState[]> {
  return page.evaluate(() => (window as Screened).screensGiven!.map(({ readyState }) => readyState))
}

/** As by the browser's own "stop sharing", which pages hear of. */
export async function stopScreens({ page }: Visitor): Promise<void> {
  await page.evaluate(() => {
    for (const track of (window as Screened).screensGiven!) {
      track.stop()
      track.dispatchEvent(new Event('ended'))
    }
  })
}

/** Colours in the decoded picture of the screen that is shown to a visitor: whether the left is green and the right violet; null while there is no picture. */
export async function screenSeen({ page }: Visitor): Promise<{ green: boolean; violet: boolean } | null> {
  const video = page.getByTestId('screen-video')
  if ((await video.count()) === 0) return null
  return video.evaluate((video: HTMLVideoElement) => {
    if (video.videoWidth === 0) return null
    const context = new OffscreenCanvas(64, 36).getContext('2d', { willReadFrequently: true })!
    context.drawImage(video, 0, 0, 64, 36)
    const at = (x: number) => [...context.getImageData(x, 18, 1, 1).data]
    const near = (pixel: number[], colour: number[]) => colour.every((part, c) => Math.abs(pixel[c]! - part) < 32)
    return { green: near(at(12), [0x1f, 0x9d, 0x3f]), violet: near(at(52), [0x8a, 0x2b, 0xe2]) }
  })
}
