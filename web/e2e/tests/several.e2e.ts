import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestBrowser } from '../harness/browser'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'
import { testFrames, writeY4M } from '../harness/y4m'

const stage = useStage()
// Six connections, each with codecs at both ends, on few cores: so small and slow a picture.
const SIZE = { width: 160, height: 120 }
let dir = ''
const camera = () => join(dir, 'small.y4m')

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'callmesh-small-'))
  await writeY4M(camera(), SIZE, 5, testFrames(SIZE, 10))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** Waits until everybody decodes everybody's pictures. */
const allSee = (visitors: Visitor[]) =>
  Promise.all(visitors.flatMap((one) => visitors.filter((other) => other !== one).map((other) => one.sees(other.name, 5))))

const links = (visitor: Visitor) =>
  visitor.page.evaluate(() => [...window.callmesh!.peerConnections().values()].filter(({ connectionState }) => connectionState === 'connected').length)

/** Waits until each has so many connections that stand. */
const linked = (visitors: Visitor[], count: number) => expect.poll(() => Promise.all(visitors.map(links))).toEqual(visitors.map(() => count))

async function arrive(browser: TestBrowser, at: 'a' | 'b', name: string): Promise<Visitor> {
  return stage.visit(at, name, {}, browser)
}

test('four see one another, one of them by a relay; one leaves, one reloads, and those who stay go on', async () => {
  const browser = await stage.browser({ camera: camera() })
  const room = stage.room()
  const ada = await arrive(browser, 'a', 'Ada')
  const bo = await arrive(browser, 'b', 'Bo')
  const cy = await arrive(browser, 'a', 'Cy')
  const di = await arrive(browser, 'b', 'Di')
  await ada.enter(room)
  await bo.enter(room)
  await cy.enter(room)
  await di.enter(room, '?ice=relay')
  await allSee([ada, bo, cy, di])
  await linked([ada, bo, cy, di], 3)
  // Which path was found first depends on whose candidates were there first; the best takes its place.
  const pair = (visitor: Visitor, name: string) => visitor.stats(name).then((stats) => stats.pair)
  for (const visitor of [ada, bo, cy]) await expect.poll(() => pair(visitor, 'Di')).toMatchObject({ remote: 'relay' })
  await expect.poll(() => pair(ada, 'Bo')).toMatchObject({ local: expect.not.stringMatching('relay') as string })

  // With three others a face is nowhere large, and every sender knows.
  const heldDown = () =>
    ada.page.evaluate(() => [...window.callmesh!.peerConnections().values()].map((pc) => pc.getTransceivers()[1]!.sender.getParameters().encodings[0]?.maxBitrate ?? 0))
  // 0 stands for a sender that knows of no bound yet.
  await expect.poll(async () => (await heldDown()).filter((rate) => rate > 0 && rate <= 850_000), { timeout: 30_000 }).toHaveLength(3)

  await cy.leave()
  for (const visitor of [ada, bo, di]) await visitor.tile('Cy').waitFor({ state: 'detached' })
  await allSee([ada, bo, di])
  await linked([ada, bo, di], 2)

  const kept = await ada.page.evaluateHandle(() => {
    const { room, peerConnections } = window.callmesh!
    return peerConnections().get(room.snapshot().peers.find(({ user }) => user.name === 'Di')!.peer)
  })
  const { peer: before } = await ada.stats('Bo')
  await bo.page.reload()
  for (const { page } of [ada, di]) await page.locator(`[data-testid="tile"][data-peer="${before}"]`).waitFor({ state: 'detached' })
  await bo.join()
  await allSee([ada, bo, di])
  await linked([ada, bo, di], 2)
  const untouched = await ada.page.evaluate((before) => [...window.callmesh!.peerConnections().values()].includes(before!), kept)
  expect(untouched, 'what Ada and Di had between them').toBe(true)
})
