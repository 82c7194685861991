import { expect, test } from 'vitest'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'
import { NOBODY_THERE } from '../harness/watch'

const stage = useStage()

async function pausedAt(visitor: Visitor): Promise<void> {
  await visitor.notice('reconnecting').waitFor()
}

async function backAt(visitor: Visitor): Promise<void> {
  await visitor.notice('reconnecting').waitFor({ state: 'detached', timeout: 40_000 })
}

test('an edge is killed in mid-call: media goes on, and when it is back nothing was lost', async () => {
  const [ada, bo] = await stage.call()
  await Promise.all([ada.openChat(), bo.openChat()])
  const connections = await Promise.all([ada, bo].map((visitor) => visitor.holdConnections()))
  ada.watch.allow(...NOBODY_THERE)

  await stage.mesh.a.kill()
  await pausedAt(ada)
  await Promise.all([ada.sees('Bo', 30), bo.sees('Ada', 30), ada.hears('Bo'), bo.hears('Ada')])
  expect(await bo.notice('reconnecting').count(), 'the other edge is not concerned').toBe(0)

  // Written while the one cannot hear and the other cannot speak.
  await bo.say('Are you there?')
  await bo.page.locator('[data-testid="chat-line"][data-state="sent"]').waitFor()
  await ada.say('Still here')
  await ada.page.locator('[data-testid="chat-line"][data-state="sending"]').waitFor()

  await stage.mesh.a.start()
  await backAt(ada)
  for (const visitor of [ada, bo]) await expect.poll(async () => (await visitor.reads()).sort()).toEqual(['Are you there?', 'Still here'])
  await bo.say('Welcome back')
  await expect.poll(async () => (await ada.reads()).at(-1)).toBe('Welcome back')

  // They can negotiate again.
  const { ufrag } = await ada.stats('Bo')
  await ada.page.evaluate(() => window.callmesh!.room.restartIce())
  await expect.poll(() => bo.stats('Ada').then((now) => now.ufrag.remote), { timeout: 30_000 }).not.toBe(ufrag.local)
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])
  expect(await Promise.all(connections.map((same) => same())), 'the connections are still the first ones').toEqual([true, true])
})

test('a page is loaded again: the other sees the old peer leave and the new one come', async () => {
  const [ada, bo] = await stage.call()
  const { peer: before } = await bo.stats('Ada')

  await ada.page.reload()
  await bo.find('tile').and(bo.page.locator(`[data-peer="${before}"]`)).waitFor({ state: 'detached' })
  await ada.join()
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])
  expect((await bo.stats('Ada')).peer).not.toBe(before)
  await expect.poll(() => bo.tile('Ada').count()).toBe(1)
})
