// @vitest-environment node
// What a client does when its line is lost, moved or doubted. The plain cases are in client.test.ts.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Greeting } from './client'
import { SignalClient } from './client'
import { FakeEdge, HELLO } from './signaltest/fakeEdge'

let edge: FakeEdge
let client: SignalClient
let states: string[]
let greetings: Greeting['kind'][]

const post = (key: string) => client.request('post', { room: 'r', data: key, key })
const keys = (socket = edge.socket) => socket.of('post').map(({ key }) => key)
const settle = () => vi.advanceTimersByTimeAsync(0)
const message = (mid: string) => ({ ev: 'post', mid, at: 1, room: 'r', from: 'p', user: { id: 'bob', name: 'Bob' }, data: mid })

async function connect(limits: Partial<typeof HELLO.limits> = {}): Promise<void> {
  client.start()
  await settle()
  edge.greet({ limits: { ...HELLO.limits, ...limits } })
}

/** Loses the line and lets the client come back to where it has said hello. */
async function lose(code = 1006): Promise<void> {
  const before = edge.sockets.length
  edge.socket.drop(code)
  await vi.advanceTimersByTimeAsync(8_000)
  expect(edge.sockets).toHaveLength(before + 1)
  edge.socket.open()
}

beforeEach(() => {
  vi.useFakeTimers()
  edge = new FakeEdge()
  edge.answers.set('ping', () => ({}))
  client = new SignalClient({ url: 'wss://edge.test/v1/ws', token: async () => 'token', openWebSocket: edge.openWebSocket, random: () => 0.5 })
  states = []
  greetings = []
  client.onState((state) => states.push(state))
  client.onHello(({ kind }) => greetings.push(kind))
})
afterEach(() => {
  client.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('requests', () => {
  it('whose answer is lost again and again are repeated until one comes, in their order, before new ones', async () => {
    await connect()
    const outcomes = [post('k1'), post('k2')].map((p) => p.then(() => 'ok'))
    for (let round = 0; round < 3; round++) {
      await lose()
      edge.socket.ok('hello', { ...HELLO, resumed: true })
      expect(keys()).toEqual(['k1', 'k2'])
    }
    await lose()
    outcomes.push(post('k3').then(() => 'ok'))
    edge.socket.ok('hello', { ...HELLO, resumed: true })
    expect(keys()).toEqual(['k1', 'k2', 'k3'])
    for (const { id } of edge.socket.of('post')) edge.socket.deliver({ id, ok: { mid: 'a:1', at: 1 } })
    expect(await Promise.all(outcomes)).toEqual(['ok', 'ok', 'ok'])
    // An answer that came twice, or for nothing, is passed over.
    for (const id of [1, 2, 99]) edge.socket.deliver({ id, ok: {} })
    expect(client.state).toBe('open')
  })

  it('made while the socket is closing go out over the next alone', async () => {
    await connect()
    const { socket } = edge
    socket.readyState = 2
    const posted = post('k1')
    await settle()
    expect(socket.of('post')).toEqual([])
    await lose()
    edge.socket.ok('hello', { ...HELLO, resumed: true })
    await settle()
    expect(keys()).toEqual(['k1'])
    edge.socket.ok('post')
    await posted
  })

  it('are repeated after a gap as well, for the session is the same', async () => {
    await connect()
    void post('k1')
    await lose()
    edge.socket.ok('hello', HELLO)
    expect(greetings).toEqual(['new', 'gap'])
    expect(keys()).toEqual(['k1'])
    edge.socket.ok('post')
  })

  it('that were sent too long ago are not repeated: receivers may have forgotten their keys', async () => {
    await connect()
    const old = expect(post('old')).rejects.toMatchObject({ code: 'unavailable' })
    const update = client.request('update', { room: 'r', info: 1 })
    edge.socket.drop(1006)
    await vi.advanceTimersByTimeAsync(5_000)
    const waiting = post('waiting')
    vi.setSystemTime(Date.now() + 60_000)
    edge.greet({ resumed: true })
    await old
    // Harmless, and never sent before.
    expect(edge.socket.frames.map(({ op, key }) => [op, key]).slice(1)).toEqual([['update', undefined], ['post', 'waiting']])
    edge.socket.ok('update')
    edge.socket.ok('post')
    await Promise.all([update, waiting])
  })

  it('go out no faster than the edge allows, also when hundreds have waited', async () => {
    await connect({ rate: 50, burst: 100 })
    edge.socket.drop(1006)
    edge.answers.set('post', () => ({ mid: 'a:1', at: 1 }))
    const all = Promise.all(Array.from({ length: 300 }, (_, n) => post(`k${n}`)))
    await vi.advanceTimersByTimeAsync(1_000)
    edge.greet({ resumed: true, limits: { ...HELLO.limits, rate: 50, burst: 100 } })
    const counts: number[] = []
    for (let second = 0; second < 6; second++) {
      counts.push(keys().length)
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(counts).toEqual([80, 120, 160, 200, 240, 280])
    await all
    expect(keys()).toEqual(Array.from({ length: 300 }, (_, n) => `k${n}`))
    expect(client.state).toBe('open')
  })

  it('go out no faster than the edge allows in bytes, and a resume gives nothing back', async () => {
    const limits = { ...HELLO.limits, rate: 1_000, burst: 1_000, byteRate: 1_250, byteBurst: 2_500 }
    await connect(limits)
    edge.answers.set('post', () => ({ mid: 'a:1', at: 1 }))
    // Of some 600 bytes each, three at once and then five in three seconds.
    const large = (key: string) => client.request('post', { room: 'r', data: '€'.repeat(180), key })
    const all = Promise.all(Array.from({ length: 8 }, (_, n) => large(`k${n}`)))
    expect(keys()).toHaveLength(3)
    edge.socket.drop(1006)
    await vi.advanceTimersByTimeAsync(0)
    await vi.advanceTimersByTimeAsync(1_000)
    edge.greet({ resumed: true, limits })
    const before = keys().length
    expect(before).toBe(2)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(keys().length).toBeLessThanOrEqual(before + 4)
    await vi.advanceTimersByTimeAsync(4_000)
    await all
    expect(new Set(keys())).toEqual(new Set(Array.from({ length: 8 }, (_, n) => `k${n}`)))
  })

  it('slow down when the edge says so, and leave room for the heartbeat', async () => {
    await connect({ rate: 10, burst: 100 })
    const refused = expect(post('k0')).rejects.toMatchObject({ code: 'rate_limited' })
    edge.socket.error('post', 'rate_limited')
    await refused
    for (let n = 1; n <= 20; n++) void post(`k${n}`)
    expect(keys()).toHaveLength(1)
    client.wake()
    expect(edge.socket.of('ping')).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(4_000)
    expect(keys().length).toBe(21)
    for (const { id } of edge.socket.of('post')) edge.socket.deliver({ id, ok: {} })
  })

  it('are bounded in number while nobody answers them', async () => {
    await connect()
    edge.socket.drop(1006)
    const outcomes = Array.from({ length: 1_010 }, (_, n) => post(`k${n}`).then(() => 'ok', ({ code }: { code: string }) => code))
    await vi.advanceTimersByTimeAsync(1_000)
    edge.greet({ resumed: true })
    // Whether the line lives can be found out all the same.
    client.wake()
    expect(edge.socket.of('ping')).toHaveLength(1)
    edge.answers.set('post', () => ({}))
    edge.socket.drop(1006)
    await vi.advanceTimersByTimeAsync(1_000)
    edge.greet({ resumed: true })
    await vi.advanceTimersByTimeAsync(60_000)
    const counted = (await Promise.all(outcomes)).filter((outcome) => outcome === 'rate_limited')
    expect(counted).toHaveLength(10)
  })
})

describe('an edge that goes away', () => {
  const goaway = (reconnectAfterMs: number) => edge.socket.deliver({ ev: 'goaway', reason: 'draining', reconnectAfterMs })

  it('is left in its own time, and only when another has taken over', async () => {
    await connect()
    const [old] = edge.sockets
    goaway(3_000)
    await vi.advanceTimersByTimeAsync(2_900)
    expect(edge.sockets).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(200)
    expect(edge.sockets).toHaveLength(2)
    // What is asked until the hello goes to the old edge; what is asked after it waits for the answer.
    const outcomes = [post('k1')]
    expect(keys(old)).toEqual(['k1'])
    edge.socket.open()
    expect(edge.socket.last('hello').resume).toMatchObject({ session: HELLO.session })
    outcomes.push(post('k2'))
    expect(keys(old)).toEqual(['k1'])
    expect(old?.closedBy).toBeUndefined()
    edge.socket.ok('hello', { ...HELLO, resumed: true })
    expect(old?.closedBy).toBe(3000)
    expect(keys()).toEqual(['k1', 'k2'])
    for (const { id } of edge.socket.of('post')) edge.socket.deliver({ id, ok: {} })
    await Promise.all(outcomes)
    expect(states).toEqual(['open'])
    expect(greetings).toEqual(['new', 'resumed'])
  })

  it('goes on telling what happens until then, and nothing is told twice', async () => {
    await connect()
    const heard: unknown[] = []
    client.on('post', ({ data }) => heard.push(data))
    const [old] = edge.sockets
    old?.deliver(message('a:1'))
    goaway(0)
    await vi.advanceTimersByTimeAsync(10)
    edge.socket.open()
    old?.deliver(message('a:2'))
    edge.socket.ok('hello', { ...HELLO, resumed: true })
    for (const mid of ['a:2', 'a:3']) edge.socket.deliver(message(mid))
    old?.deliver(message('a:4'))
    expect(heard).toEqual(['a:1', 'a:2', 'a:3'])
  })

  it.each([4409, 4002])('may end the old connection with %i before the new one has its answer', async (code) => {
    await connect()
    const [old] = edge.sockets
    goaway(0)
    await vi.advanceTimersByTimeAsync(10)
    edge.socket.open()
    old?.drop(code)
    edge.socket.ok('hello', { ...HELLO, resumed: true })
    await vi.advanceTimersByTimeAsync(30_000)
    expect(edge.sockets).toHaveLength(2)
    expect(states).toEqual(['open'])
  })

  it('and with no other edge to go to is used as long as it lasts', async () => {
    await connect()
    const [old] = edge.sockets
    goaway(0)
    await vi.advanceTimersByTimeAsync(10)
    edge.socket.open()
    edge.socket.error('hello', 'unavailable')
    const answered = post('k1')
    expect(keys(old)).toEqual(['k1'])
    old?.ok('post')
    await answered
    expect(client.state).toBe('open')
    await vi.advanceTimersByTimeAsync(400)
    expect(edge.sockets).toHaveLength(3)
    old?.drop(4002)
    expect(client.state).toBe('reconnecting')
    edge.greet({ resumed: true })
    expect(client.state).toBe('open')
  })

  it.each([-5, 1e12, Number.NaN, 'soon', null])('cannot make us wait for ever, nor in a loop: reconnectAfterMs %j', async (odd) => {
    await connect()
    goaway(odd as number)
    await vi.advanceTimersByTimeAsync(60_100)
    expect(edge.sockets.length).toBeGreaterThan(1)
    expect(edge.sockets.length).toBeLessThan(20)
  })
})

describe('the line', () => {
  it('that another of our own hellos took over is resumed; one that somebody else took over is not', async () => {
    await connect()
    edge.socket.drop(1006)
    await vi.advanceTimersByTimeAsync(400)
    edge.socket.open()
    // The hello is out and the network gone; whatever edge has it may be slow, and be later than the next one.
    edge.socket.drop(1006)
    await vi.advanceTimersByTimeAsync(1_000)
    edge.greet({ resumed: true })
    edge.socket.drop(4409)
    expect(client.state).toBe('reconnecting')
    await vi.advanceTimersByTimeAsync(1_000)
    edge.greet({ resumed: true })
    edge.socket.drop(4409)
    expect(client.error?.code).toBe('elsewhere')
  })

  it('of a client that was closed and started anew is not given back to what it had asked for before', async () => {
    await connect()
    edge.socket.drop(1006)
    await vi.advanceTimersByTimeAsync(400)
    edge.socket.open()
    // Closed while a hello is out: that one was the old session's.
    client.close()
    client.start()
    await settle()
    edge.greet({ session: 'other', peer: 'peerb' })
    edge.socket.drop(4409)
    expect(client.error?.code).toBe('elsewhere')
  })

  it('is looked for at once when the network comes back, also where an attempt hangs in the old one', async () => {
    await connect()
    edge.socket.drop(1006)
    client.wake()
    await settle()
    expect(edge.sockets).toHaveLength(2)
    // One that has just begun is left alone.
    client.wake()
    await settle()
    expect(edge.sockets).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(3_000)
    client.wake()
    await settle()
    expect(edge.sockets).toHaveLength(3)
    expect(edge.sockets[1]?.closedBy).toBe(3000)
    // And if that fails, the next is not as far away as after a long outage.
    edge.socket.drop(1006)
    await vi.advanceTimersByTimeAsync(200)
    expect(edge.sockets).toHaveLength(4)
  })

  it('of a machine that slept for an hour is found dead, its session gone, and a new one begun', async () => {
    await connect()
    vi.setSystemTime(Date.now() + 3_600_000)
    edge.answers.delete('ping')
    client.wake()
    await vi.advanceTimersByTimeAsync(3_200)
    expect(edge.sockets).toHaveLength(2)
    edge.socket.open()
    edge.socket.error('hello', 'gone')
    await vi.advanceTimersByTimeAsync(400)
    edge.greet({ session: 'other', peer: 'peerb' })
    expect(edge.socket.last('hello')).not.toHaveProperty('resume')
    expect(greetings).toEqual(['new', 'replaced'])
  })

  it('is not taken for dead because the clock was set, forward or back', async () => {
    await connect()
    edge.answers.set('post', () => ({}))
    for (const hours of [5, -11]) {
      vi.setSystemTime(Date.now() + hours * 3_600_000)
      client.wake()
      void post(`k${hours}`)
      await vi.advanceTimersByTimeAsync(30_000)
    }
    expect(edge.sockets).toHaveLength(1)
    expect(keys()).toEqual(['k5', 'k-11'])
  })

  it('pings again only when it has an answer', async () => {
    await connect()
    edge.answers.delete('ping')
    await vi.advanceTimersByTimeAsync(14_000)
    expect(edge.socket.of('ping')).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(9_000)
    expect(edge.socket.of('ping')).toHaveLength(1)
    edge.socket.ok('ping')
    await vi.advanceTimersByTimeAsync(13_900)
    expect(edge.socket.of('ping')).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(200)
    expect(edge.socket.of('ping')).toHaveLength(2)
  })
})
