// A call outlives its servers: what is between the peers goes on whatever happens to edges and NATS, and what needs them goes on when they are back.
// The pages come from addresses that lead to whichever edge is ready, as behind a load balancer.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'
import { NOBODY_THERE } from '../harness/watch'

const stage = useStage()

let ada: Visitor
let bo: Visitor
let pair: [Visitor, Visitor]
/** Whether a page still has the connections to its peers that it had at first. */
let unbroken: (() => Promise<boolean>)[]

beforeEach(async () => {
  ;[ada, bo] = pair = await stage.call('', ['viaA', 'viaB'])
  await both((visitor) => visitor.openChat())
  unbroken = await both((visitor) => visitor.holdConnections())
})

// Whatever a test has stopped is there again for the next.
afterEach(async () => {
  const { mesh } = stage
  for (const edge of [mesh.a, mesh.b]) if (!(await edge.ready())) await edge.start()
})

function both<T>(act: (visitor: Visitor) => Promise<T>): Promise<T[]> {
  return Promise.all(pair.map(act))
}

async function mediaGoesOn(frames?: number): Promise<void> {
  await Promise.all([ada.sees('Bo', frames), bo.sees('Ada', frames), ada.hears('Bo'), bo.hears('Ada')])
}

async function back(): Promise<void> {
  await both((visitor) => visitor.notice('reconnecting').waitFor({ state: 'detached', timeout: 60_000 }))
  await expect.poll(() => both((visitor) => visitor.session()), { timeout: 30_000 }).toMatchObject([{ state: 'open' }, { state: 'open' }])
}

/** Everything that was said, by each once, on both pages. */
async function bothRead(...texts: string[]): Promise<void> {
  for (const visitor of pair) {
    await expect.poll(async () => (await visitor.reads()).sort(), { timeout: 60_000, message: `what ${visitor.name} reads` }).toEqual([...texts].sort())
    await expect.poll(() => visitor.page.locator('[data-testid="chat-line"]:not([data-state="sent"])').count()).toBe(0)
  }
}

/** They can negotiate: an ICE restart gives new credentials to both, over the same connections. */
async function restartSucceeds(): Promise<void> {
  const before = await ada.stats('Bo')
  await ada.page.evaluate(() => window.callmesh!.room.restartIce())
  await expect
    .poll(
      async () => {
        const [a, b] = await Promise.all([ada.stats('Bo'), bo.stats('Ada')])
        return [a.ufrag.local === b.ufrag.remote, a.ufrag.remote === b.ufrag.local, a.ufrag.local !== before.ufrag.local, a.ufrag.remote !== before.ufrag.remote]
      },
      { timeout: 30_000, message: 'both have new credentials, and of each other' },
    )
    .toEqual([true, true, true, true])
  await mediaGoesOn()
  expect(await Promise.all(unbroken.map((same) => same())), 'the connections are still the first ones').toEqual([true, true])
}

async function hangingUpWorks(): Promise<void> {
  await ada.leave()
  await bo.tile('Ada').waitFor({ state: 'detached' })
  await expect.poll(() => bo.page.evaluate(() => window.callmesh!.peerConnections().size)).toBe(0)
}

test('every edge and NATS are killed and one edge comes back: both resume there, and all goes on', { timeout: 180_000 }, async () => {
  const { mesh } = stage
  const sessions = await both((visitor) => visitor.session())
  for (const visitor of pair) visitor.watch.allow(...NOBODY_THERE)

  await Promise.all([mesh.a.kill(), mesh.b.kill(), mesh.killNATS()])
  await both((visitor) => visitor.notice('reconnecting').waitFor())
  await mediaGoesOn(30)
  await ada.say('Still here?')
  await bo.say('I see you')
  await both((visitor) => visitor.page.locator('[data-testid="chat-line"][data-state="sending"]').waitFor())
  await mediaGoesOn(30)

  await mesh.restartNATS()
  await mesh.b.start()
  await back()
  await expect.poll(() => both((visitor) => visitor.session()), { message: 'the sessions are the same, on one edge' }).toEqual(
    sessions.map((session) => ({ ...session, edge: expect.any(String) as string })),
  )
  const [a, b] = await both((visitor) => visitor.session())
  expect(a?.edge).toBe(b?.edge)
  await bothRead('Still here?', 'I see you')
  await ada.say('Where were we?')
  await bo.say('At the second point')
  await bothRead('Still here?', 'I see you', 'Where were we?', 'At the second point')

  await restartSucceeds()
  await hangingUpWorks()
})

test('NATS alone is killed, for a moment and for longer: what was written meanwhile arrives once', { timeout: 180_000 }, async () => {
  const { mesh } = stage
  const sessions = await both((visitor) => visitor.session())
  for (const visitor of pair) visitor.watch.allow(...NOBODY_THERE)

  await mesh.killNATS()
  await ada.say('one')
  await bo.say('two')
  await mediaGoesOn()
  await mesh.restartNATS()
  await bothRead('one', 'two')

  // Until the edges give up their sessions, since others might do better.
  await mesh.killNATS()
  await both((visitor) => visitor.notice('reconnecting').waitFor({ timeout: 40_000 }))
  await ada.say('three')
  await bo.say('four')
  await mediaGoesOn()
  await mesh.restartNATS()
  await back()
  await bothRead('one', 'two', 'three', 'four')
  // On either edge: whichever finds NATS first is the first that is ready, and the address leads there.
  await expect.poll(() => both((visitor) => visitor.session()), { message: 'the sessions are the same' }).toEqual(
    sessions.map((session) => ({ ...session, edge: expect.any(String) as string })),
  )

  await restartSucceeds()
  await hangingUpWorks()
})

test('an edge is told to stop: its session moves to the other, and nobody notices', { timeout: 120_000 }, async () => {
  const { mesh } = stage
  const sessions = await both((visitor) => visitor.session())
  expect(new Set(sessions.map(({ edge }) => edge)).size).toBe(2)
  const told = await both((visitor) => visitor.listen())

  const drained = mesh.a.drain()
  for (const text of ['one', 'two', 'three']) {
    await ada.say(text)
    await bo.say(`${text} too`)
  }
  await drained
  await bothRead('one', 'two', 'three', 'one too', 'two too', 'three too')
  const [a, b] = await both((visitor) => visitor.session())
  expect(a).toEqual({ ...sessions[0], edge: b?.edge })
  expect(b).toEqual(sessions[1])
  await mediaGoesOn()
  expect(await Promise.all(told.map((all) => all())), 'states of the line, notices and leaves').toEqual([[], []])

  await restartSucceeds()
  await hangingUpWorks()
})

test('who is away for longer than the grace comes back with a new session; until then media goes on', { timeout: 240_000 }, async () => {
  const [before] = await both((visitor) => visitor.session())
  ada.watch.allow(/ERR_INTERNET_DISCONNECTED/, ...NOBODY_THERE)
  const told = await bo.listen()
  await bo.say('before')
  await bothRead('before')

  await ada.setOffline(true)
  await ada.notice('reconnecting').waitFor()
  await expect.poll(() => told(), { timeout: 100_000, interval: 500, message: 'Ada has left the roster' }).toContain('left: lost')
  await mediaGoesOn()
  await ada.say('while away')

  await ada.setOffline(false)
  await expect.poll(() => ada.session().then(({ peer }) => peer), { timeout: 60_000 }).not.toBe(before?.peer)
  const [after] = await both((visitor) => visitor.session())
  expect(after?.session).not.toBe(before?.session)
  await expect.poll(() => bo.stats('Ada').then(({ peer }) => peer, () => ''), { timeout: 30_000 }).toBe(after?.peer)
  await expect.poll(() => bo.tile('Ada').count()).toBe(1)
  await bothRead('before', 'while away')

  // Media was renegotiated with the new peer, so from here on these are the connections.
  unbroken = await both((visitor) => visitor.holdConnections())
  await mediaGoesOn()
  await restartSucceeds()
  await hangingUpWorks()
})

test('a page that reads too slowly is cut off, and misses nothing', { timeout: 120_000 }, async () => {
  const { mesh } = stage
  const [before] = await both((visitor) => visitor.session())
  const slow = () => mesh.a.metric('callmesh_edge_slow_readers_total')
  const slowBefore = await slow()
  await ada.page.evaluate(() => {
    const heard: number[] = ((window as unknown as { heard: number[] }).heard = [])
    window.callmesh!.signal.on('post', ({ data }) => {
      const { n } = data as { n?: number }
      if (n !== undefined) heard.push(n)
    })
  })

  // More than the edge keeps for a reader and all buffers of the system on the way; one session may not send so much at once.
  const lin = await stage.visit('viaB', 'Lin')
  await lin.enter(new URL(ada.page.url()).pathname.slice('/r/'.length))
  await lin.sees('Ada')
  mesh.viaA.stall(true)
  const EACH = 60
  await Promise.all(
    [bo, lin].map(({ page }, sender) =>
      page.evaluate(
        async ([first, count]) => {
          const { signal, room } = window.callmesh!
          const ballast = 'x'.repeat(60_000)
          const post = (n: number) => signal.request('post', { room: room.snapshot().room, data: { type: 'ballast', n, ballast }, key: `ballast-${n}` })
          await Promise.all(Array.from({ length: count }, (_, n) => post(first + n)))
        },
        [sender * EACH, EACH] as const,
      ),
    ),
  )
  await expect.poll(slow, { timeout: 40_000 }).toBeGreaterThan(slowBefore)
  mesh.viaA.stall(false)

  // By each sender in order, and nothing twice.
  const heard = () => ada.page.evaluate(() => (window as unknown as { heard: number[] }).heard)
  await expect.poll(() => heard().then((all) => all.length), { timeout: 40_000 }).toBeGreaterThanOrEqual(2 * EACH)
  for (const sender of [0, 1]) {
    expect((await heard()).filter((n) => Math.floor(n / EACH) === sender)).toEqual(Array.from({ length: EACH }, (_, n) => sender * EACH + n))
  }
  await expect.poll(() => ada.session()).toEqual(before)
  await bo.say('Did you get all that?')
  await bothRead('Did you get all that?')
  await lin.leave()
  await both((visitor) => visitor.tile('Lin').waitFor({ state: 'detached' }))
  await restartSucceeds()
  await hangingUpWorks()
})
