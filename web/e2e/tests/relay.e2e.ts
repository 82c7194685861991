import { expect, test } from 'vitest'
import { expectTrueBadge } from '../harness/badge'
import { RELAY_ONLY, relayedAtBothEnds } from '../harness/relayed'
import { expectReported } from '../harness/reported'
import { useStage } from '../harness/stage'

const stage = useStage()

test('where no direct path may be used, the call goes through the embedded relays, says so, and gives them back', async () => {
  const [ada, bo] = await stage.call(RELAY_ONLY)

  for (const [visitor, other] of [[ada, 'Bo'], [bo, 'Ada']] as const) {
    await relayedAtBothEnds(visitor, other)
    await expectTrueBadge(visitor, other)
    expect(await visitor.tile(other).getByTestId('badge').getAttribute('data-kind')).toBe('relay')
  }
  await Promise.all([ada.hears('Bo'), bo.hears('Ada')])

  await expectReported(stage.mesh, 'relay')

  for (const edge of [stage.mesh.a, stage.mesh.b]) {
    expect(await edge.metric('callmesh_turnd_allocations'), `allocations of edge ${edge.name}`).toBeGreaterThanOrEqual(1)
    const relayed = await edge.metric('callmesh_turnd_bytes_total')
    await expect.poll(() => edge.metric('callmesh_turnd_bytes_total'), { timeout: 10_000 }).toBeGreaterThan(relayed + 10_000)
  }

  await ada.page.evaluate(() => window.callmesh!.room.restartIce())
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])
  await Promise.all([expectTrueBadge(ada, 'Bo'), expectTrueBadge(bo, 'Ada')])

  // What the relays gave is given back at once when the call is over.
  await Promise.all([ada.leave(), bo.leave()])
  for (const edge of [stage.mesh.a, stage.mesh.b]) await expect.poll(() => edge.metric('callmesh_turnd_allocations'), { timeout: 20_000 }).toBe(0)
})

test('who may only use relays reaches who may use any path, and both badges say relay', async () => {
  const room = stage.room()
  const [ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo')])
  await Promise.all([ada.enter(room, RELAY_ONLY), bo.enter(room)])
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])

  expect((await ada.stats('Bo')).pair?.local).toBe('relay')
  for (const [visitor, other] of [[ada, 'Bo'], [bo, 'Ada']] as const) await expectTrueBadge(visitor, other)
})

test('one program alone, as make run starts it, relays between two who have only its relay', async () => {
  const { alone } = stage.mesh
  await alone.start()
  const room = stage.room()
  const [ada, bo] = await Promise.all([stage.visit('alone', 'Ada'), stage.visit('alone', 'Bo')])
  await Promise.all([ada.enter(room, RELAY_ONLY), bo.enter(room, RELAY_ONLY)])
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])

  await relayedAtBothEnds(ada, 'Bo')
  // The edge says where its relay stands, and the badge passes it on.
  await expect.poll(() => ada.tile('Bo').getByTestId('badge').textContent()).toContain('test')
  expect(await alone.metric('callmesh_turnd_allocations')).toBeGreaterThanOrEqual(2)
})
