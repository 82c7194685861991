import { expect, onTestFinished, test } from 'vitest'
import { Sampler } from '../harness/sampler'
import { useStage } from '../harness/stage'

const stage = useStage()

test('a relay is drained: the call moves to the other one while it still works, and does not notice when it stops', async () => {
  const fleet = await stage.mesh.startFleet(2)
  const healthy = () => stage.mesh.relayed!.metric('callmesh_edge_relays{region="own",state="healthy"}')
  await expect.poll(healthy, { timeout: 60_000 }).toBe(2)
  const [ada, bo] = await stage.call('?ice=relay', ['relayed', 'relayed'])
  const both = [[ada, 'Bo'], [bo, 'Ada']] as const
  const at = async () => (await Promise.all(both.map(([visitor, other]) => visitor.stats(other)))).map(({ pair }) => fleet.relays.find(({ urls }) => urls.includes(pair?.relayURL ?? '')))
  const [leaving] = await at()
  const other = fleet.relays.find((relay) => relay !== leaving)
  expect([leaving, other]).not.toContain(undefined)
  const watched = both.map(([visitor, other]) => new Sampler(visitor, other))
  onTestFinished(async () => void (await Promise.all(watched.map((sampler) => sampler.end()))))

  await fleet.drain(leaving!)
  await expect.poll(async () => (await at()).map((relay) => relay === other), { timeout: 60_000, message: 'both are at the other relay' }).toEqual([true, true])
  await leaving!.stop()
  await Promise.all([ada.sees('Bo', 60), bo.sees('Ada', 60), ada.hears('Bo'), bo.hears('Ada')])

  expect(await at()).toEqual([other, other])
  const found = await Promise.all(watched.map((sampler) => sampler.take()))
  for (const { noFrame, noSound } of found) expect(Math.max(noFrame, noSound), `pauses of ${noFrame} and ${noSound} ms`).toBeLessThan(2_000)
})
