import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import type { Visitor } from './visitor'

/** What a recording's clock shows, in seconds. */
export async function elapsed(visitor: Visitor): Promise<number> {
  const [minutes, seconds] = (await visitor.find('recording-time').innerText()).split(':').map(Number)
  return minutes! * 60 + seconds!
}

export async function recordedFor(visitor: Visitor, seconds: number): Promise<void> {
  await expect.poll(() => elapsed(visitor), { timeout: seconds * 1_000 + 30_000, interval: 100 }).toBeGreaterThanOrEqual(seconds)
}

export async function stopRecording(visitor: Visitor): Promise<void> {
  await visitor.find('recording-stop').click()
  await visitor.notice('recording-saved').waitFor({ timeout: 60_000 })
}

export async function openLibrary(visitor: Visitor): Promise<void> {
  await visitor.open('/library')
  await visitor.page.locator('[data-testid="library"][data-phase="open"]').waitFor()
}

/** Keeps what the tests of the calling file download. */
export function useDownloads() {
  let folder = ''
  let count = 0
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'callmesh-recordings-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** What an action in the menu of one of the library's items downloads, as a path. */
  return async ({ page }: Pick<Visitor, 'page'>, action: string, index = 0): Promise<string> => {
    await page.getByTestId('library-menu').nth(index).click()
    const [download] = await Promise.all([page.waitForEvent('download', { timeout: 60_000 }), page.getByTestId(action).click()])
    const path = join(folder, `${++count}-${download.suggestedFilename()}`)
    await download.saveAs(path)
    return path
  }
}
