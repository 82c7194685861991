import { expect, test } from 'vitest'
import { expectFocusKept } from '../harness/focus'
import { colourAt, framesFrom, probe, tones } from '../harness/mediaFile'
import { prolong } from '../harness/lasting'
import { giveProps } from '../harness/props'
import { elapsed, openLibrary, recordedFor, stopRecording, useDownloads } from '../harness/recordings'
import { useStage } from '../harness/stage'
import { expectGoodState } from '../harness/state'
import type { Visitor } from '../harness/visitor'

const stage = useStage()
const ADA = { hertz: 440, width: 640, height: 360 }
const BO = { hertz: 1_320, width: 320, height: 240 }
/** dB: a tone that is there, and what noise stays below. */
const HEARD = -30
const SILENT = -50
const SOON = { timeout: 15_000 }

const downloaded = useDownloads()

/** Ada and Bo in a call, each with a tone and a picture. */
async function call(): Promise<[ada: Visitor, bo: Visitor]> {
  const room = stage.room()
  const [ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo')])
  await Promise.all([giveProps(ada.page, ADA), giveProps(bo.page, BO)])
  await Promise.all([ada.enter(room), bo.enter(room)])
  await Promise.all([ada.sees('Bo'), bo.sees('Ada'), ada.hears('Bo'), bo.hears('Ada')])
  return [ada, bo]
}

test('a call is recorded with everybody in it, the others are told, and a pause is not in it', async () => {
  const [ada, bo] = await call()
  await ada.find('record').click()
  await bo.notice(`recording-${(await ada.session()).peer}`).waitFor()
  await bo.tile('Ada').locator('[data-mark="recording"]').waitFor()
  await recordedFor(ada, 3)
  await ada.find('recording-pause').click()
  await ada.page.getByText('Paused', { exact: true }).waitFor()
  const held = await elapsed(ada)
  await bo.sees('Ada', 40)
  expect(await elapsed(ada)).toBe(held)
  await ada.find('recording-pause').click()
  await recordedFor(ada, held + 3)
  const shown = await elapsed(ada)
  // What is recorded until it has stopped is in it, too.
  const asked = performance.now()
  await stopRecording(ada)
  const stopping = (performance.now() - asked) / 1_000
  await bo.tile('Ada').locator('[data-mark="recording"]').waitFor({ state: 'detached' })

  await openLibrary(ada)
  const path = await downloaded(ada, 'download-webm')
  const { duration, streams, width, height } = await probe(path)
  expect(streams).toEqual(['audio opus', 'video vp8'])
  expect([width, height]).toEqual([1280, 720])
  expect(duration).toBeGreaterThan(shown - 0.5)
  expect(duration).toBeLessThan(shown + 1.5 + stopping)
  expect(await framesFrom(path, duration / 2)).toBeGreaterThan(3)
  for (const at of [1, duration - 2]) {
    const [own, other, none] = await tones(path, at, [ADA.hertz, BO.hertz, 2_500])
    expect(own, `Ada’s voice at ${at} s`).toBeGreaterThan(HEARD)
    expect(other, `Bo’s voice at ${at} s`).toBeGreaterThan(HEARD)
    expect(none, 'what nobody said').toBeLessThan(SILENT)
  }
  // Bo to the left, Ada to the right, each red and blue.
  for (const x of [160, 800]) expect(await colourAt(path, duration / 2, x, 360)).toSatisfy(([r, , b]: number[]) => r! > b! + 60)
  for (const x of [480, 1120]) expect(await colourAt(path, duration / 2, x, 360)).toSatisfy(([r, , b]: number[]) => b! > r! + 60)
})

test('one person is recorded alone, and the library renames, cuts, converts and deletes it', async () => {
  const [ada] = await call()
  await ada.tile('Bo').getByTestId('tile-menu').click()
  await ada.find('record-person').click()
  await recordedFor(ada, 5)
  await stopRecording(ada)
  await openLibrary(ada)
  const items = ada.find('library-item')
  expect(await items.innerText()).toContain('1280 × 720')

  const mp4 = await downloaded(ada, 'download-mp4')
  const whole = await probe(mp4)
  expect(whole.streams).toEqual([expect.stringMatching(/^audio (aac|opus)$/), expect.stringMatching(/^video (h264|vp9)$/)])
  expect(whole.duration).toBeGreaterThan(4.5)
  expect(await framesFrom(mp4, whole.duration / 2)).toBeGreaterThan(3)
  expect(await ada.find('export-outcome').innerText()).toMatch(/Downloaded: Bo .*\.mp4 \((H\.264|VP9) \+ (AAC|Opus)\)/)
  const [silent, heard] = await tones(mp4, 1, [ADA.hertz, BO.hertz])
  expect(silent, 'Ada’s voice in a recording of Bo').toBeLessThan(SILENT)
  expect(heard, 'Bo’s voice').toBeGreaterThan(HEARD)

  const sound = await downloaded(ada, 'download-sound')
  expect((await probe(sound)).streams).toEqual(['audio opus'])

  await ada.find('library-menu').click()
  await ada.find('trim').click()
  await ada.find('trim-from').fill('1')
  await ada.find('trim-to').fill('3')
  await ada.find('trim-make').click()
  await ada.find('library-dialog').waitFor({ state: 'detached' })
  await expect.poll(() => items.count(), { timeout: 20_000 }).toBe(2)
  const part = await downloaded(ada, 'download-webm')
  const cut = await probe(part)
  expect(cut.duration).toBeGreaterThan(1.8)
  expect(cut.duration).toBeLessThan(2.3)
  expect(await framesFrom(part, 0.5)).toBeGreaterThan(3)

  await ada.find('library-menu').last().click()
  await ada.find('rename').click()
  await ada.find('rename-title').fill('  Interview\twith Bo ')
  await ada.find('rename-save').click()
  await expect.poll(() => items.last().innerText(), SOON).toContain('Interview with Bo')

  await ada.page.reload()
  await expect.poll(() => items.count(), SOON).toBe(2)
  await ada.find('library-search').fill('INTERVIEW bo')
  await expect.poll(() => items.count(), SOON).toBe(1)
  await ada.find('library-menu').click()
  await ada.find('delete').click()
  await ada.find('undo-delete').waitFor()
  await ada.find('library-search').fill('')
  await expect.poll(() => items.allInnerTexts(), SOON).toEqual([expect.stringContaining('Bo (part)')])
})

test('a browser that lets no page encode records by its own recorder', async () => {
  const ada = await stage.visit('a', 'Ada')
  await giveProps(ada.page, ADA)
  await ada.page.addInitScript(() => Reflect.deleteProperty(globalThis, 'VideoEncoder'))
  await ada.enter(stage.room())
  expect(await ada.page.evaluate(() => 'VideoEncoder' in globalThis)).toBe(false)
  await ada.find('record').click()
  await recordedFor(ada, 2)
  await ada.find('recording-pause').click()
  await ada.page.getByText('Paused', { exact: true }).waitFor()
  await ada.find('recording-pause').click()
  await recordedFor(ada, 4)
  await stopRecording(ada)
  await openLibrary(ada)
  const path = await downloaded(ada, 'download-webm')
  const { duration, streams } = await probe(path)
  expect(streams).toEqual(['audio opus', 'video vp8'])
  expect(duration).toBeGreaterThan(3)
  expect(await framesFrom(path, duration / 2)).toBeGreaterThan(3)
  expect((await tones(path, 1, [ADA.hertz]))[0]).toBeGreaterThan(HEARD)
})

test('a recording ends when the disk is full, says so, and keeps what there is', async () => {
  const ada = await stage.visit('a', 'Ada')
  await giveProps(ada.page, ADA)
  await ada.enter(stage.room())
  await ada.find('record').click()
  await recordedFor(ada, 3)
  const session = await ada.page.context().newCDPSession(ada.page)
  const usage = await ada.page.evaluate(async () => (await navigator.storage.estimate()).usage!)
  await session.send('Storage.overrideQuotaForOrigin', { origin: ada.edge.origin, quotaSize: usage + 60_000 })
  await ada.notice('recording-trouble').waitFor({ timeout: 30_000 })
  expect(await ada.notice('recording-trouble').innerText()).toContain('no more space')
  await ada.notice('recording-saved').waitFor()
  await expectGoodState(ada, 'recording-full', { lasting: ada.notice('recording-trouble') })
  await openLibrary(ada)
  const path = await downloaded(ada, 'download-webm')
  expect((await probe(path)).streams).toEqual(['audio opus', 'video vp8'])
  expect(await framesFrom(path, 1)).toBeGreaterThan(3)
})

test('the library can be read by everybody', async () => {
  const ada = await stage.visit('a', 'Ada')
  await prolong(ada, 10_000)
  await giveProps(ada.page, ADA)
  await ada.enter(stage.room())
  await ada.find('record').click()
  await recordedFor(ada, 2)
  await stopRecording(ada)
  await ada.tile('You').getByTestId('tile-menu').click()
  await ada.find('picture-tile').click()
  await ada.find('picture').waitFor()
  await ada.find('picture-keep').click()
  await expect.poll(() => ada.find('picture-keep').isDisabled(), SOON).toBe(true)
  await openLibrary(ada)
  await expect.poll(() => ada.find('library-item').count(), SOON).toBe(2)
  await expectGoodState(ada, 'library', { whole: true })
  await ada.find('library-menu').last().click()
  await ada.find('trim').click()
  await ada.find('trim-player').waitFor()
  await expectGoodState(ada, 'library-trim')
  await expectFocusKept(ada, 'library-menu')
  await ada.find('library-menu').first().click()
  await ada.find('delete').click()
  await ada.find('undo-delete').waitFor()
  await expectGoodState(ada, 'library-deleted', { lasting: ada.find('undo-delete') })
})
