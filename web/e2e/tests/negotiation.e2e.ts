import { expect, test } from 'vitest'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'

const stage = useStage()

/** Waits until a round of negotiation is over: both sides are at rest, and describe the same new credentials of each other. */
async function settled(ada: Visitor, bo: Visitor, before: { local: string; remote: string }): Promise<void> {
  await expect
    .poll(
      async () => {
        const [a, b] = await Promise.all([ada.stats('Bo'), bo.stats('Ada')])
        return {
          signaling: [a.signaling, b.signaling],
          connection: [a.connection, b.connection],
          agree: a.ufrag.local === b.ufrag.remote && a.ufrag.remote === b.ufrag.local,
          anew: a.ufrag.local !== before.local && a.ufrag.remote !== before.remote,
        }
      },
      { timeout: 30_000, interval: 50, message: 'the negotiation' },
    )
    .toEqual({ signaling: ['stable', 'stable'], connection: ['connected', 'connected'], agree: true, anew: true })
}

/** From now on, counts offers that come in while an own one is open. */
async function countCollisions(visitor: Visitor): Promise<() => Promise<number>> {
  await visitor.page.evaluate(() => {
    const counted = window as unknown as { collisions: number }
    counted.collisions = 0
    window.callmesh!.signal.on('signal', ({ from, data }) => {
      const { type, description } = data as { type: string; description?: RTCSessionDescriptionInit }
      const open = window.callmesh!.peerConnections().get(from)?.signalingState === 'have-local-offer'
      if (type === 'description' && description?.type === 'offer' && open) counted.collisions++
    })
  })
  return () => visitor.page.evaluate(() => (window as unknown as { collisions: number }).collisions)
}

/** Looks for another path, at a given time of this machine's clock. */
function restartAt(visitor: Visitor, at: number): Promise<void> {
  return visitor.page.evaluate(async (at) => {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - Date.now() - 5)))
    // Timers of two pages differ by more than an offer takes.
    while (Date.now() < at);
    window.callmesh!.room.restartIce()
  }, at)
}

test('offers that collide are resolved, twenty times over', { timeout: 240_000 }, async () => {
  const [ada, bo] = await stage.call()
  const collisions = await Promise.all([countCollisions(ada), countCollisions(bo)])
  const { peer } = await ada.stats('Bo')
  const connections = await Promise.all([ada, bo].map((visitor) => visitor.holdConnections()))

  // Each side sees the other's offer cross its own. On a busy machine one page may be late, and offers miss each other: then there are more rounds.
  const collided = async () => Math.max(...(await Promise.all(collisions.map((count) => count()))))
  for (let round = 0; round < 20 || (round < 50 && (await collided()) < 10); round++) {
    const before = (await ada.stats('Bo')).ufrag
    const at = Date.now() + 150
    await Promise.all([restartAt(ada, at), restartAt(bo, at)])
    await settled(ada, bo, before)
    await Promise.all([ada.sees('Bo', 3), bo.sees('Ada', 3)])
  }

  expect(await collided(), 'collisions').toBeGreaterThanOrEqual(10)
  expect((await ada.stats('Bo')).peer).toBe(peer)
  expect(await Promise.all(connections.map((same) => same())), 'the connections are still the first ones').toEqual([true, true])
})

/** Loses the next answer on its way out; the returned function tells whether one was. */
async function loseAnAnswer(visitor: Visitor): Promise<() => Promise<boolean>> {
  const lost = await visitor.page.evaluateHandle(() => {
    const { signal } = window.callmesh!
    const lost = { one: false }
    const request = signal.request.bind(signal)
    signal.request = ((op: string, fields: { data?: { description?: RTCSessionDescriptionInit } }, ...rest: never[]) => {
      if (lost.one || op !== 'signal' || fields.data?.description?.type !== 'answer') return request(op as never, fields as never, ...rest)
      lost.one = true
      return Promise.resolve({})
    }) as typeof signal.request
    return lost
  })
  return () => lost.evaluate(({ one }) => one)
}

test('an answer is lost, and each side then repeats an offer that the other does not take', async () => {
  const [ada, bo] = await stage.call()
  const [adaId, boId] = await Promise.all([ada.session(), bo.session()].map((session) => session.then(({ peer }) => peer)))
  const [polite, impolite] = adaId! < boId! ? [ada, bo] : [bo, ada]
  const before = (await ada.stats('Bo')).ufrag
  const lost = await loseAnAnswer(polite)
  const restart = ({ page }: Visitor) => page.evaluate(() => window.callmesh!.room.restartIce())
  await restart(impolite)
  await expect.poll(lost).toBe(true)
  await restart(polite)
  await expect.poll(() => polite.stats(impolite.name).then(({ signaling }) => signaling)).toBe('have-local-offer')
  await restart(impolite)
  await settled(ada, bo, before)
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])
})

test('both share their screens at the same moment', async () => {
  const [ada, bo] = await stage.call()
  await Promise.all([ada.find('screen').click(), bo.find('screen').click()])
  await Promise.all([ada.find('screen-video').waitFor(), bo.find('screen-video').waitFor()])
  for (const [visitor, other] of [[ada, 'Bo'], [bo, 'Ada']] as const) {
    await expect.poll(() => visitor.stats(other).then(({ screenFrames }) => screenFrames), { timeout: 20_000 }).toBeGreaterThan(3)
    await expect.poll(() => visitor.stats(other).then(({ signaling }) => signaling)).toBe('stable')
  }
})

test('an ICE restart from either side gives new credentials to both, and media goes on', async () => {
  const [ada, bo] = await stage.call()
  const connections = await Promise.all([ada, bo].map((visitor) => visitor.holdConnections()))

  for (const visitor of [ada, bo]) {
    const before = await ada.stats('Bo')
    const seen = await bo.stats('Ada')
    await visitor.page.evaluate(() => window.callmesh!.room.restartIce())
    await settled(ada, bo, before.ufrag)
    await Promise.all([ada.sees('Bo'), bo.sees('Ada'), ada.hears('Bo'), bo.hears('Ada')])
    // The same tracks go on counting: nothing was begun anew.
    expect((await ada.stats('Bo')).cameraFrames).toBeGreaterThan(before.cameraFrames)
    expect((await bo.stats('Ada')).cameraFrames).toBeGreaterThan(seen.cameraFrames)
  }
  expect(await Promise.all(connections.map((same) => same())), 'the connections are still the first ones').toEqual([true, true])
})
