// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SignalClient } from '../../signal/client'
import { FakeEdge } from '../../signal/signaltest/fakeEdge'
import { Knock, type KnockState } from './knock'
import { isMade, madeRoom, newSecret } from './made'
import { RoomRights } from './rights'

const ROOM = 'm-apqpxqny3ictedxg6fjvjfbeeq'
const SECRET = 'correct horse battery staple'
const CY = { peer: 'cy', user: { id: 'u-cy', name: 'Cy' } }

let edge: FakeEdge
let signal: SignalClient
const event = (ev: string, fields: object = {}) => edge.socket.deliver({ ev, at: 1, room: ROOM, ...fields })
const settle = () => vi.advanceTimersByTimeAsync(0)

beforeEach(async () => {
  vi.useFakeTimers()
  edge = new FakeEdge()
  edge.answers.set('ping', () => ({}))
  signal = new SignalClient({ url: 'ws://edge.test', token: async () => 't', openWebSocket: edge.openWebSocket, random: () => 0.5 })
  signal.start()
  await settle()
  edge.greet()
})
afterEach(() => {
  signal.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('a room that its maker moderates', () => {
  it('has the id that the mesh makes of the secret', async () => {
    expect(await madeRoom(SECRET)).toBe(ROOM)
    const room = await madeRoom(newSecret())
    expect(isMade(room)).toBe(true)
    expect(newSecret()).toMatch(/^[a-z2-7]{32}$/)
    expect(['m-', `${ROOM}a`, 'kxm4-q7wd-9bnh', ROOM.toUpperCase()].some(isMade)).toBe(false)
  })

  it('is entered with the secret shown first, and still if that is refused', async () => {
    edge.answers.set('moderate', () => ({}))
    edge.answers.set('join', () => ({ peers: [], moderator: true, locked: true }))
    const rights = new RoomRights({ room: ROOM, signal, secret: SECRET, kicked: () => undefined })
    await rights.join({ slots: {} })
    expect(edge.socket.last('moderate')).toMatchObject({ room: ROOM, secret: SECRET })
    expect(rights.snapshot()).toEqual({ moderator: true, locked: true, knocking: [] })

    edge.answers.delete('moderate')
    edge.answers.set('join', () => ({ peers: [] }))
    const again = rights.join({})
    await settle()
    edge.socket.error('moderate', 'forbidden')
    await again
    expect(rights.snapshot()).toMatchObject({ moderator: false, locked: false })
  })

  it('shows no secret where there is none, and a pass where there is one', async () => {
    edge.answers.set('join', () => ({ peers: [] }))
    await new RoomRights({ room: ROOM, signal, pass: 'p', kicked: () => undefined }).join(null)
    expect(edge.socket.of('moderate')).toEqual([])
    expect(edge.socket.last('join')).toMatchObject({ room: ROOM, pass: 'p' })
  })
})

describe('whoever knocks', () => {
  let rights: RoomRights
  let end: () => void
  const kicked = vi.fn()
  beforeEach(() => {
    rights = new RoomRights({ room: ROOM, signal, kicked })
    end = rights.follow()
  })
  afterEach(() => end())

  it('is shown once, by the latest name, until nobody answered for a minute', async () => {
    event('knock', CY)
    event('knock', { ...CY, room: 'another' })
    await vi.advanceTimersByTimeAsync(40_000)
    event('knock', { ...CY, user: { id: 'u-cy', name: 'Cyd' } })
    await vi.advanceTimersByTimeAsync(40_000)
    expect(rights.snapshot().knocking).toEqual([{ peer: 'cy', user: { id: 'u-cy', name: 'Cyd' } }])
    await vi.advanceTimersByTimeAsync(20_000)
    expect(rights.snapshot().knocking).toEqual([])
  })

  it('is bounded in number', () => {
    for (let i = 0; i < 100; i++) event('knock', { ...CY, peer: `p${i}` })
    expect(rights.snapshot().knocking).toHaveLength(20)
  })

  it('is answered, and comes back if the answer could not be given', async () => {
    event('knock', CY)
    const admitted = rights.admit('cy', true)
    expect(rights.snapshot().knocking).toEqual([])
    edge.socket.error('admit', 'unavailable')
    await expect(admitted).rejects.toMatchObject({ code: 'unavailable' })
    expect(rights.snapshot().knocking).toHaveLength(1)
    const refused = rights.admit('cy', false)
    edge.socket.ok('admit')
    await refused
    expect(edge.socket.last('admit')).toMatchObject({ room: ROOM, peer: 'cy', accept: false })
    expect(rights.snapshot().knocking).toEqual([])
  })

  it('need not wait when the room is opened', () => {
    event('locked', { locked: true })
    event('knock', CY)
    expect(rights.snapshot()).toMatchObject({ locked: true, knocking: [CY] })
    event('locked', { locked: false })
    expect(rights.snapshot()).toMatchObject({ locked: false, knocking: [] })
  })

  it('hears when it is we who must go', () => {
    event('kicked', { room: 'another', until: 1 })
    expect(kicked).not.toHaveBeenCalled()
    event('kicked', { until: 77 })
    expect(kicked).toHaveBeenCalledWith(77)
  })
})

describe('our own knock', () => {
  const states: [KnockState, string?][] = []
  let knock: Knock
  beforeEach(() => {
    states.length = 0
    knock = new Knock({ room: ROOM, signal, changed: (...now) => states.push(now) })
  })
  afterEach(() => knock.close())

  it('is repeated until it is answered, and brings the pass', async () => {
    edge.socket.ok('knock', { expiresAt: 1 })
    await vi.advanceTimersByTimeAsync(20_000)
    expect(edge.socket.of('knock')).toHaveLength(2)
    event('admitted', { room: 'another', accept: true, pass: 'x' })
    event('admitted', { accept: true, pass: 'p' })
    expect(states).toEqual([['asking', undefined].slice(0, 1), ['waiting'], ['admitted', 'p']])
    edge.socket.ok('knock', { expiresAt: 1 })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(edge.socket.of('knock')).toHaveLength(2)
  })

  it('goes on while nobody is there', async () => {
    edge.socket.error('knock', 'offline')
    await settle()
    expect(states.at(-1)?.[0]).toBe('nobody')
    await vi.advanceTimersByTimeAsync(10_000)
    edge.socket.ok('knock', { expiresAt: 1 })
    await settle()
    expect(states.at(-1)?.[0]).toBe('waiting')
    event('admitted', { accept: false })
    expect(states.at(-1)?.[0]).toBe('refused')
  })

  it.each([['bad_request', 'open'], ['forbidden', 'barred']])('that is answered with %s is %s', async (code, state) => {
    edge.socket.error('knock', code)
    await settle()
    expect(states.at(-1)?.[0]).toBe(state)
  })

  it('is given up after five failures', async () => {
    for (let i = 0; i < 5; i++) {
      edge.socket.error('knock', 'unavailable')
      await vi.advanceTimersByTimeAsync(10_000)
    }
    expect(states.at(-1)?.[0]).toBe('failed')
    expect(edge.socket.of('knock')).toHaveLength(5)
  })
})
