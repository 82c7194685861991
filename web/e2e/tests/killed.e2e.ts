import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { beside } from '../harness/busy'
import { beepsOf, giveClapper, nearest, picturesOf } from '../harness/clapper'
import { framesFrom, probe } from '../harness/mediaFile'
import { renderers } from '../harness/memory'
import { recordedFor, useDownloads } from '../harness/recordings'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'

const stage = useStage()
const downloaded = useDownloads()
/** Seconds that may be lost of a recording whose page dies. */
const MOST_LOST = 1

async function recording(start: (visitor: Visitor) => Promise<void>): Promise<Visitor> {
  const ada = await stage.visit('a', 'Ada')
  await giveClapper(ada.page)
  await ada.enter(stage.room())
  await start(ada)
  await recordedFor(ada, 5)
  return ada
}

/** Kills the page's process, and tells what the clapper's clock showed then. The library, opened next, has recovered the recording. */
async function kill(visitor: Visitor): Promise<{ page: Page; at: number }> {
  visitor.watch.allow(/the page crashed/)
  const context = visitor.page.context()
  const processes = await renderers(visitor.page)
  const crash = visitor.page.waitForEvent('crash')
  const clock = await visitor.page.evaluate(() => ({ shown: window.clapper!(), unix: Date.now() }))
  const unix = Date.now()
  for (const id of processes) process.kill(id, 'SIGKILL')
  await crash
  const page = await context.newPage()
  await page.goto(`${visitor.edge.origin}/library`)
  await page.getByTestId('recovered').waitFor({ timeout: 60_000 })
  return { page, at: clock.shown + (unix - clock.unix) / 1000 }
}

/** How far the sound goes, by the clapper's clock: from where the last beep begins, whose pitch tells its second, to the end; up to ten seconds. */
async function soundLost(path: string, killedAt: number): Promise<number> {
  const { beeps, end } = await beepsOf(path)
  const last = beeps.at(-1)!
  return nearest(killedAt - (last.shown + (end - last.at)))
}

/** The last picture shows when it was drawn. */
async function pictureLost(path: string, killedAt: number): Promise<number> {
  return killedAt - Math.max(...(await picturesOf(path)).map(({ shown }) => shown))
}

for (const [loops, when] of [[0, 'on a quiet machine'], [4, 'beside four busy loops']] as const) {
  test(`a recording whose page was killed lacks no more than its last second of picture and of sound, ${when}`, async () => {
    const { page, at } = await beside(loops, async () => kill(await recording((ada) => ada.find('record').click())))
    const path = await downloaded({ page }, 'download-webm')
    const [picture, sound] = await Promise.all([pictureLost(path, at), soundLost(path, at)])
    console.log(`recording-killed | ${when} | lost of the picture ${picture.toFixed(2)} s, of the sound ${sound.toFixed(2)} s | bound ${MOST_LOST} s`)
    expect(picture, 'seconds of picture').toBeLessThanOrEqual(MOST_LOST)
    expect(sound, 'seconds of sound').toBeLessThanOrEqual(MOST_LOST)
    expect(Math.min(picture, sound), 'seconds by which the file goes on after the kill').toBeGreaterThan(-0.1)
    const { streams, duration } = await probe(path)
    expect(streams).toEqual(['audio opus', 'video vp8'])
    expect(await framesFrom(path, duration / 2)).toBeGreaterThan(3)
  })
}

test('a recording of voices whose page was killed lacks no more than its last second', async () => {
  const ada = await recording(async (visitor) => {
    await visitor.find('more').click()
    await visitor.find('record-voices').click()
  })
  const { page, at } = await kill(ada)
  const path = await downloaded({ page }, 'download-webm')
  expect((await probe(path)).streams).toEqual(['audio opus'])
  expect(Math.abs(await soundLost(path, at)), 'seconds of sound').toBeLessThanOrEqual(MOST_LOST)
})

test('a recovered recording can be played from its middle', async () => {
  const { page } = await kill(await recording((ada) => ada.find('record').click()))
  await page.getByTestId('library-open').click()
  const played = await page.getByTestId('player').evaluate(async (video: HTMLVideoElement) => {
    if (video.readyState < 1) await new Promise((resolve) => video.addEventListener('loadedmetadata', resolve))
    const { duration } = video
    video.currentTime = duration / 2
    await new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }))
    const before = video.getVideoPlaybackQuality().totalVideoFrames
    await video.play()
    await new Promise((resolve) => video.addEventListener('ended', resolve, { once: true }))
    return { duration, frames: video.getVideoPlaybackQuality().totalVideoFrames - before }
  })
  expect(played.duration).toBeGreaterThan(4)
  expect(played.frames).toBeGreaterThan(5)
})
