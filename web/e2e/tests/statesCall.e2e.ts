// A call of two and of four, as it looks, with everything that can stand over and beside it; and what is left of it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectFocusKept } from '../harness/focus'
import { prolong } from '../harness/lasting'
import { recordedFor, stopRecording } from '../harness/recordings'
import { useStage } from '../harness/stage'
import { expectGoodState } from '../harness/state'
import type { Visitor } from '../harness/visitor'
import { testFrames, writeY4M } from '../harness/y4m'

const stage = useStage()
// Software codecs for six connections: a small and slow picture.
const SIZE = { width: 160, height: 120 }
let dir = ''

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'callmesh-states-'))
  await writeY4M(join(dir, 'small.y4m'), SIZE, 5, testFrames(SIZE, 10))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** As long as a name may be. */
const LONG = 'Maximiliane von Württemberg-Hohenzollern'
const REPORT = '报告-第二版-最终稿-真的是最终稿-请看这一份.pdf'

function file({ page }: Visitor, name: string) {
  return page.locator(`[data-testid="file"][data-file="${name}"]`)
}

async function choose(visitor: Visitor, name: string, bytes: number): Promise<void> {
  await visitor.find('chat-files').setInputFiles({ name, mimeType: 'application/pdf', buffer: Buffer.alloc(bytes, 1) })
}

async function offer(visitor: Visitor, name: string, bytes: number): Promise<void> {
  await choose(visitor, name, bytes)
  await visitor.find('file-send').click()
  await file(visitor, name).first().waitFor()
}

async function openMenu(visitor: Visitor): Promise<void> {
  await visitor.find('more').click()
  await visitor.find('settings').waitFor()
}

async function openTileMenu(visitor: Visitor, name: string): Promise<void> {
  await visitor.tile(name).getByTestId('tile-menu').click()
  await visitor.find('picture-tile').waitFor()
}

test('a call of two and of four, its menus, panels, dialogs and notices, and what is left of it', { timeout: 300_000 }, async () => {
  const browser = await stage.browser({ camera: join(dir, 'small.y4m') })
  const [ada, ming, max, eve] = (await Promise.all(
    ['Ada', '王小明', LONG, 'Eve'].map((name, at) => stage.visit(at % 2 ? 'b' : 'a', name, {}, browser)),
  )) as [Visitor, Visitor, Visitor, Visitor]
  await prolong(ming, 12_000)
  const room = stage.room()
  await Promise.all([ada.enter(room), ming.enter(room)])
  await Promise.all([ada.sees(ming.name), ming.sees(ada.name)])
  await ada.find('badge').waitFor()
  await expectGoodState(ada, 'call-two', { sideways: true })

  // Raised, muted, without a camera.
  await Promise.all([max.enter(room), eve.enter(room)])
  await Promise.all([max, eve].map(({ name }) => ada.sees(name, 3)))
  await ming.page.keyboard.press('h')
  await max.find('microphone').click()
  await eve.find('camera').click()
  await ada.notice('hands').waitFor()
  await ada.tile('Eve').getByTestId('remote-video').waitFor({ state: 'detached' })
  await ada.tile(LONG).getByText('Microphone off').waitFor({ state: 'attached' })
  await expectGoodState(ada, 'call-four', { sideways: true })
  await expectGoodState(ada, 'call-menu', { open: () => openMenu(ada) })
  await expectGoodState(ada, 'tile-menu', { open: () => openTileMenu(ada, ming.name) })
  await openTileMenu(ada, ming.name)
  await ada.find('safety').click()
  await ada.find('safety-code').locator('li').nth(5).waitFor({ timeout: 60_000 })
  await expectGoodState(ada, 'safety')
  await expectFocusKept(ada, 'tile-menu')
  await openTileMenu(ada, ming.name)
  await ada.find('picture-tile').click()
  await ada.find('picture').waitFor()
  await expectGoodState(ada, 'picture')
  await expectFocusKept(ada, 'tile-menu')
  await openMenu(ada)
  await ada.find('settings').click()
  await ada.page.getByRole('dialog').waitFor()
  await expectGoodState(ada, 'settings')
  await expectFocusKept(ada, 'more')
  await ada.find('react').click()
  await ada.find('reactions').waitFor()
  await expectGoodState(ada, 'reactions')
  await ada.find('reactions').getByRole('button').last().click()

  // The chat, with files in every state.
  await ming.find('microphone').click()
  await ming.openChat()
  await ming.say('早上好！这是昨天说的文档 https://example.org/plan?v=2 ，先看第二节。')
  await offer(ming, REPORT, 900_000)
  await offer(ming, 'small.pdf', 2_000)
  await ada.openChat()
  await ada.say(`Thanks! ${'https://example.org/'.padEnd(120, 'long/')}`)
  await file(ada, REPORT).getByTestId('file-accept').waitFor()
  await file(ada, 'small.pdf').getByTestId('file-accept').click()
  await expect.poll(() => file(ada, 'small.pdf').getAttribute('data-state')).toBe('done')
  await choose(ada, 'holiday.pdf', 3_000)
  await ada.find('file-send').waitFor()
  await expectGoodState(ada, 'chat-draft')
  await ada.find('file-send').click()
  await file(ada, 'holiday.pdf').first().waitFor()
  await expectGoodState(ada, 'chat', { sideways: true })
  await ada.find('chat-emoji').click()
  await expectGoodState(ada, 'chat-emoji')
  await ada.find('panel-close').click()
  for (const panel of ['effects', 'quality']) {
    await openMenu(ada)
    await ada.find(panel).click()
    if (panel === 'quality') await ada.page.locator('[data-plot="rtt"] canvas').first().waitFor()
    else await ada.find('effects-status').waitFor({ state: 'attached' })
    await expectGoodState(ada, panel)
    await ada.find('panel-close').click()
  }

  // On a phone it would lie over what is looked at.
  await ming.find('panel-close').click()
  await ming.find('record').click()
  await recordedFor(ming, 2)
  await expectGoodState(ming, 'recording')
  await ada.page.locator('[data-notice^="recording-"]').waitFor()
  await expectGoodState(ada, 'recorded-by-another', { lasting: ada.page.locator('[data-notice^="recording-"]') })
  await stopRecording(ming)
  await expectGoodState(ming, 'recording-saved', { lasting: ming.notice('recording-saved') })
  await ming.notice('recording-saved').getByRole('button').last().click()

  await ming.find('screen').click()
  await ada.find('screen-video').waitFor()
  await ming.notice('sharing').waitFor()
  await expectGoodState(ada, 'screen', { sideways: true })
  await expectGoodState(ming, 'screen-sharing')
  await ming.find('screen').click()
  await ada.find('screen-video').waitFor({ state: 'detached' })
  await ada.page.keyboard.press('l')
  await ada.page.locator('[data-arrangement="spot"]').waitFor()
  // What there is to say of a connection has room in a small tile, too.
  await ada.tile(LONG).getByTestId('badge').click()
  await expectGoodState(ada, 'speaker')

  ada.watch.allow(/ERR_INTERNET_DISCONNECTED/)
  await ada.setOffline(true)
  await ada.notice('reconnecting').waitFor()
  await expectGoodState(ada, 'line-lost', { lasting: ada.notice('reconnecting') })
  await ada.setOffline(false)
  await ada.notice('reconnecting').waitFor({ state: 'detached', timeout: 60_000 })
  await ada.leave()
  await expectGoodState(ada, 'card', { whole: true })
  await ming.leave()
  await ming.find('card-recorded').waitFor()
  await expectGoodState(ming, 'card-recorded', { whole: true })
  await ming.find('card-recordings').click()
  await ming.find('library-item').waitFor()
  await ming.find('library-open').first().click()
  await ming.find('player').waitFor()
  await expectGoodState(ming, 'library-player')
  await ming.page.keyboard.press('Escape')
  await ming.find('library-menu').first().click()
  await ming.find('rename').click()
  await ming.find('library-dialog').waitFor()
  await expectGoodState(ming, 'library-rename')
})
