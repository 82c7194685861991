import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { probe } from '../harness/mediaFile'
import { renderers } from '../harness/memory'
import { openLibrary, recordedFor, stopRecording, useDownloads } from '../harness/recordings'
import { useStage } from '../harness/stage'

const stage = useStage()
const downloaded = useDownloads()
const SOON = { timeout: 30_000 }

/** How many files the library, or another folder, has on the disk. */
const files = (page: Page, name = 'library') =>
  page.evaluate(async (name) => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(name)
    let count = 0
    for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) count += Number(name !== '')
    return count
  }, name)

async function libraryIn(page: Page, origin: string): Promise<void> {
  await page.goto(`${origin}/library`)
  await page.locator('[data-testid="library"][data-phase="open"]').waitFor()
}

/** Deletes the newest. Its deletion can be taken back when this resolves. */
async function deleteFirst(page: Page): Promise<void> {
  await page.getByTestId('library-menu').first().click()
  await page.getByTestId('delete').click()
  await page.getByTestId('undo-delete').waitFor()
}

test('what is deleted can be brought back for some seconds, and then its bytes are gone, whatever becomes of the page', async () => {
  const ada = await stage.visit('a', 'Ada')
  const { origin } = ada.edge
  await ada.page.addInitScript(() => {
    // Other tabs are looked at while there is still time to undo, on machines that may be busy.
    const later = window.setTimeout.bind(window)
    window.setTimeout = ((act: () => void, ms: number, ...rest: unknown[]) => later(act, ms === 10_000 ? 20_000 : ms, ...rest)) as typeof window.setTimeout
  })
  await ada.enter(stage.room())
  for (const what of ['record-voices', 'record-voices', 'record-voices', 'record']) {
    if (what !== 'record') await ada.find('more').click()
    await ada.find(what).click()
    await recordedFor(ada, 1)
    await stopRecording(ada)
  }
  await openLibrary(ada)
  const context = ada.page.context()
  const items = ada.find('library-item')
  await expect.poll(() => items.count(), SOON).toBe(4)
  const id = await items.first().getAttribute('data-id')
  expect(await files(ada.page)).toBe(4)

  await deleteFirst(ada.page)
  await expect.poll(() => items.count(), SOON).toBe(3)
  await expect.poll(() => ada.page.evaluate(() => document.activeElement?.tagName), SOON).toBe('H1')
  expect(await files(ada.page), 'files while it can be brought back').toBe(4)
  await ada.find('undo-delete').click()
  await expect.poll(() => items.first().getAttribute('data-id'), SOON).toBe(id)
  await ada.find('deleted').waitFor({ state: 'detached' })
  expect((await probe(await downloaded(ada, 'download-webm'))).streams).toEqual(['audio opus', 'video vp8'])

  // The other tab, which could bring nothing back, keeps its hands off what this one can.
  const other = await context.newPage()
  await libraryIn(other, origin)
  await deleteFirst(ada.page)
  await expect.poll(() => other.getByTestId('library-item').count(), SOON).toBe(3)
  expect(await other.getByTestId('undo-delete').count()).toBe(0)
  await ada.find('undo-delete').click()
  await expect.poll(() => other.getByTestId('library-item').count(), SOON).toBe(4)
  await downloaded(ada, 'download-mp4')
  expect(await files(ada.page, 'exports')).toBe(1)
  await deleteFirst(ada.page)
  await ada.find('deleted').waitFor({ state: 'detached', timeout: 60_000 })
  await expect.poll(() => files(other), { ...SOON, message: 'files when the time is over' }).toBe(3)
  await expect.poll(() => files(other, 'exports'), { ...SOON, message: 'what was made of it to be downloaded' }).toBe(0)

  // The tab is closed, and no other page sees to the library.
  await other.goto(`${origin}/`)
  await deleteFirst(ada.page)
  await ada.page.close()
  await expect.poll(() => files(other), { ...SOON, message: 'files when the tab is closed' }).toBe(2)

  // Another page of the same document comes in its place.
  await libraryIn(other, origin)
  await deleteFirst(other)
  await other.getByTestId('people-link').click()
  await expect.poll(() => files(other), { ...SOON, message: 'files when the library is left' }).toBe(1)

  ada.watch.allow(/the page crashed/)
  // The tab dies, and can do nothing any more: the next library does.
  const last = await context.newPage()
  await libraryIn(last, origin)
  await deleteFirst(last)
  await other.close()
  const crash = last.waitForEvent('crash')
  for (const pid of await renderers(last)) process.kill(pid, 'SIGKILL')
  await crash
  const next = await context.newPage()
  await libraryIn(next, origin)
  await next.getByTestId('library-empty').waitFor()
  await expect.poll(() => files(next), { ...SOON, message: 'files when the tab has died' }).toBe(0)
})
