// @vitest-environment node
// What is left over from a link that has ended must not reach the one that took its place. Message by message, with nothing drawn by chance;
// whatever order things can happen in is tried in peerlink.test.ts.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeConnection } from './calltest/fakeConnection'
import { flush, World } from './calltest/world'
import type { Body, DescriptionMessage, LinkMessage } from './messages'
import { PeerLink } from './peerlink'
import { SLOTS } from './state'

const SLOTS_SDP = 'm=audio\r\nm=video\r\nm=video\r\nm=audio\r\nm=application'

let world: World
let link: PeerLink
let made: FakeConnection[]
let sent: LinkMessage[]
/** How often what was not sent yet was dropped. */
let forgotten: number

function start(polite: boolean): void {
  link = new PeerLink({
    polite,
    signalUp: true,
    offers: SLOTS,
    channel: { take: () => undefined, changed: () => undefined },
    connect: () => {
      const pc = new FakeConnection(world)
      made.push(pc)
      return pc as unknown as RTCPeerConnection
    },
    send: (message) => sent.push(message),
    forget: () => forgotten++,
    changed: () => undefined,
  })
}

/** What the other side sends from a link of its own, for one of ours. */
async function hear(from: number, to: number | null, body: Body): Promise<void> {
  const done = link.handle({ ...body, link: from, for: to })
  await world.settle()
  await done
}

const offer = (seq: number, ufrag: string): Body => ({
  type: 'description', seq, description: { type: 'offer', sdp: `a=ice-ufrag:${ufrag}\r\n${SLOTS_SDP}` },
})
const answer = (seq: number, ufrag: string): Body => ({
  type: 'description', seq, description: { type: 'answer', sdp: `a=ice-ufrag:${ufrag}\r\n${SLOTS_SDP}` },
})
const candidate = (usernameFragment: string, name = 'c'): Body => ({
  type: 'candidates', candidates: [{ candidate: `${name} of ${usernameFragment}`, usernameFragment, sdpMid: '0' }],
})
/** As some browsers send them. */
const unnamed = (name: string): Body => ({ type: 'candidates', candidates: [{ candidate: name, sdpMid: '0' }] })
const last = () => made.at(-1)!
const descriptions = (type: string) => sent.filter((m): m is LinkMessage & DescriptionMessage => m.type === 'description' && m.description.type === type)
const mine = () => sent.at(-1)!.link

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('MediaStream', class {})
  world = new World(1)
  made = []
  sent = []
  forgotten = 0
})
afterEach(() => {
  link.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('a peer that comes back under the same id', () => {
  it('gets a fresh connection, and nothing that was meant for its old one', async () => {
    start(true)
    await hear(10, mine(), offer(1, 'old'))
    const [first] = made
    expect(descriptions('answer')).toHaveLength(1)
    await hear(11, null, offer(1, 'new'))
    expect(made).toHaveLength(2)
    expect(first?.signalingState).toBe('closed')
    expect(forgotten).toBe(1)
    expect(last().ends().remote).toBe('new')
    expect(descriptions('answer').at(-1)).toMatchObject({ for: 11, seq: 1 })
    expect(descriptions('answer').at(-1)?.link).not.toBe(descriptions('answer')[0]?.link)
  })

  it('is not undone by what its old link still had under way', async () => {
    start(true)
    const before = mine()
    await hear(10, before, offer(1, 'old'))
    await hear(11, null, offer(1, 'new'))
    const count = sent.length
    for (const late of [offer(2, 'late'), candidate('old'), { type: 'ready' } as const]) await hear(10, before, late)
    await hear(10, mine(), offer(3, 'later'))
    expect(made).toHaveLength(2)
    expect(last().ends().remote).toBe('new')
    expect(last().added).toEqual([])
    expect(sent).toHaveLength(count)
  })

  it('and that is impolite to us keeps its offer: ours was for its predecessor', async () => {
    start(false)
    await world.settle()
    await hear(20, null, { type: 'ready' })
    await hear(20, mine(), answer(1, 'old'))
    expect(made[0]?.signalingState).toBe('stable')
    await hear(21, null, { type: 'ready' })
    await world.settle()
    expect(made).toHaveLength(2)
    expect(descriptions('offer').at(-1)).toMatchObject({ seq: 1, link: mine() })
    // The old link's answer may come at last; it is for a connection that is gone.
    await hear(20, descriptions('offer')[0]!.link, answer(1, 'old'))
    expect(last().signalingState).toBe('have-local-offer')
    await hear(21, mine(), answer(1, 'new'))
    expect(last().signalingState).toBe('stable')
    expect(last().ends().remote).toBe('new')
  })

  it('answers the connection that it was offered, not the one that we have begun since', async () => {
    start(false)
    await world.settle()
    await hear(20, mine(), answer(1, 'one'))
    const given = mine()
    // A path, but no handshake over it: only another connection can help.
    last().become('failed', 'connected')
    await world.settle()
    expect(made).toHaveLength(2)
    expect(descriptions('offer').at(-1)).toMatchObject({ seq: 1, for: null })
    await hear(20, given, answer(1, 'one'))
    expect(last().signalingState).toBe('have-local-offer')
    await hear(20, mine(), answer(1, 'two'))
    expect(last().ends().remote).toBe('two')
  })

  it('hears what comes for its new connection, even if the old one was closed in the middle of something', async () => {
    start(true)
    await hear(10, mine(), offer(1, 'one'))
    const begun = vi.spyOn(last(), 'setRemoteDescription')
    // Never finished.
    void link.handle({ ...offer(2, 'half'), link: 10, for: mine() })
    await flush()
    expect(begun).toHaveBeenCalledOnce()
    last().become('failed', 'connected')
    expect(made).toHaveLength(2)
    await hear(11, mine(), offer(1, 'two'))
    expect(last().ends().remote).toBe('two')
    expect(descriptions('answer').at(-1)).toMatchObject({ link: mine(), for: 11 })
  })

  it('with an answer to the connection that was just given up ends that one alone', async () => {
    start(false)
    await world.settle()
    await hear(20, mine(), answer(1, 'one'))
    const old = mine()
    await hear(21, old, answer(2, 'two'))
    await world.settle()
    expect(made).toHaveLength(2)
    expect(last().signalingState).toBe('have-local-offer')
    expect(last().ends().remote).toBeNull()
  })
})

describe('candidates', () => {
  it('that came before their description are tried with it, those of an ended link are not', async () => {
    start(true)
    for (const early of [candidate('old', 'early'), unnamed('early and old')]) await hear(10, null, early)
    for (const early of [candidate('new', 'early'), unnamed('early and new')]) await hear(11, null, early)
    expect(made).toHaveLength(1)
    await hear(11, mine(), offer(1, 'new'))
    await hear(10, mine(), unnamed('late and old'))
    expect(last().added.map(({ candidate }) => candidate)).toEqual(['early of new', 'early and new'])
  })

  it('of an older negotiation on the same link are dropped, those of the present one taken', async () => {
    start(true)
    await hear(10, mine(), offer(1, 'one'))
    await hear(10, mine(), candidate('one', 'first'))
    await hear(10, mine(), offer(2, 'two'))
    const tried = vi.spyOn(last(), 'addIceCandidate')
    for (const late of [candidate('one', 'late'), candidate('two', 'first')]) await hear(10, mine(), late)
    expect(tried, 'not even tried: browsers differ in what they make of it').toHaveBeenCalledOnce()
    expect(last().added.map(({ candidate }) => candidate)).toEqual(['first of one', 'first of two'])
  })

  it('of an offer that lost a collision are dropped', async () => {
    start(false)
    await world.settle()
    await hear(20, null, { type: 'ready' })
    await hear(20, mine(), answer(1, 'agreed'))
    link.restart()
    link.renegotiate()
    await world.settle()
    expect(last().signalingState).toBe('have-local-offer')
    await hear(20, mine(), offer(1, 'ignored'))
    await hear(20, mine(), candidate('ignored'))
    expect(last().added).toEqual([])
    expect(last().ends().remote).toBe('agreed')
  })

  it('that arrive after the link has ended change nothing', async () => {
    start(true)
    await hear(10, mine(), offer(1, 'one'))
    link.close()
    const count = sent.length
    await hear(10, mine(), candidate('one'))
    await hear(11, null, offer(1, 'new'))
    expect(made).toHaveLength(1)
    expect(sent).toHaveLength(count)
  })
})

describe('descriptions', () => {
  it('that are repeated are answered again, with the same answer, and taken once', async () => {
    start(true)
    await hear(10, mine(), offer(1, 'one'))
    await hear(10, mine(), offer(1, 'one'))
    const [first, second] = descriptions('answer')
    expect(second?.description.sdp, 'the same, with the candidates found since').toContain(first?.description.sdp)
    await hear(10, mine(), offer(2, 'two'))
    // The older offer once more: its answer would be a wrong one.
    await hear(10, mine(), offer(1, 'one'))
    expect(descriptions('answer')).toHaveLength(3)
    expect(last().ends().remote).toBe('two')
  })

  it('that answer an earlier offer are not taken for the answer to the present one', async () => {
    start(false)
    await world.settle()
    await hear(20, mine(), answer(1, 'one'))
    link.restart()
    link.renegotiate()
    await world.settle()
    await hear(20, mine(), answer(1, 'one'))
    expect(last().signalingState).toBe('have-local-offer')
    await hear(20, mine(), answer(2, 'two'))
    expect(last().ends().remote).toBe('two')
  })
})

describe('a stranger', () => {
  it('cannot make us begin connections without end', async () => {
    start(true)
    for (let n = 1; n <= 60; n++) await hear(n, null, offer(1, `u${n}`))
    expect(made.length).toBeLessThanOrEqual(17)
    vi.advanceTimersByTime(61_000)
    await hear(100, null, offer(1, 'u100'))
    expect(last().ends().remote).toBe('u100')
  })

  it('cannot pile up work', async () => {
    start(true)
    for (let n = 0; n < 5_000; n++) void link.handle({ ...offer(n + 1, `u${n}`), link: 10, for: null })
    await world.settle(5_000)
    await flush()
    expect(descriptions('answer').length).toBeLessThanOrEqual(256)
    await hear(10, mine(), offer(9_000, 'after'))
    expect(last().ends().remote).toBe('after')
  })
})
