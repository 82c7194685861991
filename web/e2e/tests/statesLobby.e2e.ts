// What stands around calls, as it looks: the start, the lobby with everything that can be the matter, and rooms that one may not enter.
import { expect, test } from 'vitest'
import { expectFocusKept } from '../harness/focus'
import { useStage } from '../harness/stage'
import { expectGoodState } from '../harness/state'
import type { Visitor } from '../harness/visitor'

const stage = useStage()

/** Before the page is opened: what its devices answer; without a name of an error, nothing. */
async function troubleWith({ page }: Visitor, error: string | null): Promise<void> {
  await page.addInitScript((error) => {
    const state = error === 'NotAllowedError' ? 'denied' : 'prompt'
    navigator.permissions.query = () => Promise.resolve(Object.assign(new EventTarget(), { state, name: '', onchange: null }) as PermissionStatus)
    navigator.mediaDevices.getUserMedia = () => (error === null ? new Promise(() => undefined) : Promise.reject(new DOMException('as this test has it', error)))
  }, error)
}

/** From now on the edge refuses to let a visitor join any room, for a reason. */
async function refuseJoins({ page }: Visitor, code: string): Promise<void> {
  await page.routeWebSocket('**/v1/ws', (socket) => {
    const edge = socket.connectToServer()
    socket.onMessage((message) => {
      const { id, op } = JSON.parse(String(message)) as { id: number; op: string }
      if (op === 'join') socket.send(JSON.stringify({ id, error: { code, message: 'as this test has it' } }))
      else edge.send(message)
    })
  })
}

test('the start, filled in wrong, and offered to be installed; the library without anything in it', async () => {
  const ada = await stage.visit('a', 'Ada')
  await ada.open('/')
  await ada.find('new-room').click()
  await ada.find('room').fill('https://elsewhere.example/r/tea')
  await ada.find('join-room').click()
  await ada.page.getByRole('alert').first().waitFor()
  await ada.page.evaluate(() => dispatchEvent(Object.assign(new Event('beforeinstallprompt', { cancelable: true }), { prompt: () => Promise.resolve() })))
  await ada.find('install').waitFor()
  await expectGoodState(ada, 'start-wrong', { whole: true })
  await ada.open('/library')
  await ada.find('library-empty').waitFor()
  await expectGoodState(ada, 'library-empty')
})

test('the lobby: waiting for leave, without devices, with busy ones, in a browser that has none; joining; a room that is full', async () => {
  for (const [error, problem] of [[null, 'asking'], ['NotFoundError', 'missing'], ['NotReadableError', 'busy'], ['NotAllowedError', 'denied']] as const) {
    const ada = await stage.visit('a', 'Ada')
    await troubleWith(ada, error)
    await ada.open('/r/tea-at-five')
    await ada.page.locator(`[data-problem="${problem}"]`).waitFor()
    await expectGoodState(ada, `lobby-${problem}`, { whole: true })
    if (problem !== 'missing') continue
    await ada.find('open-check').click()
    await ada.page.locator('[data-testid="check-network"]:not([data-state="running"])').waitFor()
    await expectGoodState(ada, 'check-missing')
    await expectFocusKept(ada, 'open-check')
  }
  const old = await stage.visit('a', 'Ada')
  await old.page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'mediaDevices', { value: undefined }))
  await old.open('/r/tea-at-five')
  await old.page.locator('[data-problem="unsupported"]').waitFor()
  await expectGoodState(old, 'lobby-unsupported', { whole: true })

  const bo = await stage.visit('a', 'Bo')
  await bo.page.routeWebSocket('**/v1/ws', () => undefined)
  await bo.open('/r/tea-at-five')
  await bo.find('name').fill('Bo')
  await bo.find('lobby-effects').click()
  await bo.page.getByRole('dialog').waitFor()
  await expectGoodState(bo, 'lobby-effects')
  await expectFocusKept(bo, 'lobby-effects')
  await bo.find('join').click()
  await bo.page.locator('[data-notice="unreachable"]').waitFor()
  await expectGoodState(bo, 'joining', { whole: true, lasting: bo.page.locator('[data-notice="unreachable"]') })

  const cy = await stage.visit('a', 'Cy')
  await refuseJoins(cy, 'room_full')
  await cy.open('/r/tea-at-five')
  await cy.find('name').fill('Cy')
  await cy.find('join').click()
  await cy.find('again').waitFor()
  await expectGoodState(cy, 'room-full')
})

test('a locked room: before it, waiting, refused, with nobody there to ask, and removed from it', async () => {
  const [ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', '王小明')])
  await ada.open('/')
  await ada.find('name').fill(ada.name)
  await ada.find('new-room').click()
  await ada.find('join').click()
  await ada.find('call').waitFor()
  await expectGoodState(ada, 'alone')
  await ada.find('more').click()
  await ada.find('lock').click()
  await ada.notice('locked').waitFor()
  const card = (state: string) => bo.page.locator(`[data-testid="knock-card"][data-state="${state}"]`).waitFor()

  await bo.open(new URL(ada.page.url()).pathname)
  await bo.find('name').fill(bo.name)
  await bo.find('join').click()
  await card('shut')
  await expectGoodState(bo, 'room-shut')
  await bo.find('knock').click()
  await card('waiting')
  await expectGoodState(bo, 'room-waiting', { lasting: bo.page.locator('[data-testid="knock-card"][data-state="waiting"]') })
  await ada.page.locator('[data-act^="knock-"]').waitFor()
  await expectGoodState(ada, 'knocked', { lasting: ada.page.locator('[data-act^="knock-"]') })
  await ada.page.locator('[data-otherwise^="knock-"]').click()
  await card('refused')
  await expectGoodState(bo, 'room-refused')
  await bo.find('knock').click()
  await ada.page.locator('[data-act^="knock-"]').click()
  await bo.find('call').waitFor()

  await ada.tile(bo.name).hover()
  await ada.tile(bo.name).getByTestId('tile-menu').click()
  await ada.find('kick').click()
  await expectGoodState(ada, 'kick')
  await expectFocusKept(ada, 'tile-menu')
  await ada.tile(bo.name).getByTestId('tile-menu').click()
  await ada.find('kick').click()
  await ada.find('kick-confirm').click()
  await bo.find('again').waitFor()
  await expectGoodState(bo, 'kicked')
  await bo.find('again').click()
  await bo.find('join').click()
  await bo.find('knock').click()
  await card('barred')
  await expectGoodState(bo, 'room-barred')

  const cy = await stage.visit('b', 'Cy')
  await ada.leave()
  await expectGoodState(ada, 'left')
  await cy.open(new URL(ada.page.url()).pathname)
  await cy.find('name').fill(cy.name)
  await cy.find('join').click()
  await cy.find('knock').click()
  await expect.poll(() => cy.find('knock-card').getAttribute('data-state'), { timeout: 30_000 }).toBe('nobody')
  await expectGoodState(cy, 'room-nobody')
})
