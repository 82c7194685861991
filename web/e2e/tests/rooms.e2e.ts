import { expect, test } from 'vitest'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'

const stage = useStage()

/** Opens a room from the start page and enters it; returns its path. */
async function make(visitor: Visitor): Promise<string> {
  await visitor.open('/')
  await visitor.find('name').fill(visitor.name)
  await visitor.find('new-room').click()
  await visitor.find('join').click()
  await visitor.find('call').waitFor()
  return new URL(visitor.page.url()).pathname
}

async function knock(visitor: Visitor, path: string): Promise<void> {
  await visitor.open(path)
  await visitor.find('name').fill(visitor.name)
  await visitor.find('join').click()
  await visitor.find('knock').click()
}

const state = (visitor: Visitor) => visitor.find('knock-card').getAttribute('data-state')

test('who made a room locks it, and lets in who knocks, at another edge, or not', async () => {
  const [ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo')])
  const path = await make(ada)
  expect(path).toMatch(/^\/r\/m-[a-z2-7]{26}$/)
  await ada.find('more').click()
  await ada.find('lock').click()
  await ada.notice('locked').waitFor()

  await knock(bo, path)
  await ada.page.getByText('Bo asks to be let in').waitFor()
  await expect.poll(() => state(bo)).toBe('waiting')
  await ada.page.getByRole('button', { name: 'Refuse' }).click()
  await expect.poll(() => state(bo)).toBe('refused')

  await bo.find('knock').click()
  await ada.page.getByRole('button', { name: 'Let in' }).click()
  await bo.find('call').waitFor()
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])

  // Whoever is in needs no leave to stay, and no moderator's menu.
  await bo.find('more').click()
  await bo.find('settings').waitFor()
  expect(await bo.find('lock').count()).toBe(0)
})

test('who is removed is told, hears nobody any more, and is kept out', async () => {
  const [ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo')])
  const path = await make(ada)
  await bo.open(path)
  await bo.join()
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])

  await ada.tile('Bo').hover()
  await ada.tile('Bo').getByTestId('tile-menu').click()
  await ada.find('kick').click()
  await ada.find('kick-confirm').click()
  await bo.page.getByText('A moderator has removed you from the room').waitFor()
  await ada.tile('Bo').waitFor({ state: 'detached' })
  await expect.poll(() => ada.page.evaluate(() => window.callmesh!.peerConnections().size)).toBe(0)

  // Neither a reload nor knocking helps.
  await bo.open(path)
  await bo.find('join').click()
  await bo.find('knock').click()
  await expect.poll(() => state(bo)).toBe('barred')
})

test('a room without a moderator in it goes on being asked, and opens when one comes', async () => {
  const [ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo')])
  const path = await make(ada)
  await ada.find('more').click()
  await ada.find('lock').click()
  await ada.notice('locked').waitFor()
  await ada.leave()
  await knock(bo, path)
  await expect.poll(() => state(bo)).toBe('nobody')

  // Its maker comes back into the locked room, and opens it for all.
  await ada.find('again').click()
  await ada.find('join').click()
  await ada.notice('locked').waitFor()
  await ada.find('more').click()
  await ada.find('lock').click()
  await ada.notice('locked').waitFor({ state: 'detached' })
  await bo.find('call').waitFor({ timeout: 30_000 })
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])
})
