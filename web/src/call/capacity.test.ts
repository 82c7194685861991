// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WireError } from '../signal/errors'
import type { JoinOk } from '../wire/wire.gen'
import { FakeConnection } from './calltest/fakeConnection'
import { World } from './calltest/world'
import { MOST_PEOPLE, whereThereIsRoom } from './capacity'
import { infoOf, NO_STATUS } from './info'
import { Roster } from './roster'
import { forEachSlot } from './state'

const INFO = infoOf(forEachSlot(() => false), NO_STATUS)
const peer = (n: number, user = `user ${n}`) => ({ peer: `p${n}`, user: { id: user, name: user }, region: 'eu', info: INFO })
const peers = (count: number) => Array.from({ length: count }, (_, n) => peer(n))

describe('a room', () => {
  const left = vi.fn(() => Promise.resolve())
  const door = (there: () => JoinOk['peers']) => whereThereIsRoom({ join: async () => ({ peers: there() }) as JoinOk, leave: left, user: () => 'user 0' })
  beforeEach(() => left.mockClear())

  it('takes in as many as can be in a call', async () => {
    expect((await door(() => peers(MOST_PEOPLE - 1))(INFO)).peers).toHaveLength(7)
    expect(left).not.toHaveBeenCalled()
  })

  it('that is full is left again, and said to be full', async () => {
    await expect(door(() => peers(MOST_PEOPLE))(INFO)).rejects.toEqual(new WireError('room_full', '8 people are in the call, which is the limit'))
    expect(left).toHaveBeenCalledOnce()
  })

  it('does not count what we were before we lost our session, but another device of ours', async () => {
    let count = 1
    const enter = door(() => peers(count))
    await enter(INFO)
    count = MOST_PEOPLE
    await enter(INFO)
    await expect(door(() => peers(MOST_PEOPLE))(INFO)).rejects.toMatchObject({ code: 'room_full' })
  })
})

describe('the links of those who are in a full room', () => {
  let made: FakeConnection[]
  let roster: Roster
  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('MediaStream', class {})
    made = []
    const world = new World(1)
    roster = new Roster({
      member: () => ({
        self: 'me',
        signalUp: true,
        connect: () => {
          const pc = new FakeConnection(world)
          made.push(pc)
          return pc as unknown as RTCPeerConnection
        },
        channel: { take: () => undefined, changed: () => undefined },
        deliver: () => Promise.resolve(),
      }),
      track: () => null,
      graceMs: () => 30_000,
      changed: () => undefined,
    })
    for (const one of peers(7)) roster.admit(one)
  })
  afterEach(() => {
    roster.clear()
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })
  const names = () => roster.views().map(({ peer }) => peer)

  it('are not made with who comes beyond, until there is a place', () => {
    roster.admit(peer(8))
    roster.admit(peer(9))
    roster.update('p8', { ...INFO, hand: true })
    expect(made).toHaveLength(7)
    roster.remove('p3')
    expect(names()).toEqual(['p0', 'p1', 'p2', 'p4', 'p5', 'p6', 'p8'])
    expect(roster.views().at(-1)?.status.hand).toBe(true)
  })

  it('are not made with who has gone again meanwhile', () => {
    roster.admit(peer(8))
    roster.remove('p8')
    roster.admit(peer(9))
    roster.reconcile(peers(7))
    roster.remove('p3')
    expect(names()).toEqual(['p0', 'p1', 'p2', 'p4', 'p5', 'p6'])
  })

  it('leave a place to another where only media goes on with somebody whom the mesh has lost', () => {
    made[2]!.become('connected')
    roster.admit(peer(8))
    roster.lose('p2')
    expect(names()).toEqual(['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p8'])
  })

  it('are given up for the same user’s new session', () => {
    made[2]!.become('connected')
    roster.lose('p2')
    roster.admit(peer(8, 'user 2'))
    expect(names()).toEqual(['p0', 'p1', 'p3', 'p4', 'p5', 'p6', 'p8'])
  })
})
