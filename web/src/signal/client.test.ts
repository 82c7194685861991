// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Greeting } from './client'
import { SignalClient } from './client'
import { WireError } from './errors'
import { FakeEdge, HELLO, tokenUntil } from './signaltest/fakeEdge'

let edge: FakeEdge
let client: SignalClient
let greetings: Greeting['kind'][]
let tokens: { fresh: boolean }[]

/** Lets promises settle without moving the clock. */
const settle = () => vi.advanceTimersByTimeAsync(0)

async function start(token: (need: { fresh: boolean }) => Promise<string> = async () => 'token'): Promise<void> {
  tokens = []
  client = new SignalClient({
    url: 'wss://edge.test/v1/ws',
    token: (need) => {
      tokens.push(need)
      return token(need)
    },
    openWebSocket: edge.openWebSocket,
    random: () => 0.5,
  })
  greetings = []
  client.onHello(({ kind }) => greetings.push(kind))
  client.start()
  await settle()
}

/** Loses the connection with a code and lets the client come back to where it says hello. */
async function loseAndReopen(code: number): Promise<void> {
  const before = edge.sockets.length
  edge.socket.drop(code)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(edge.sockets).toHaveLength(before + 1)
  edge.socket.open()
}

beforeEach(() => {
  vi.useFakeTimers()
  edge = new FakeEdge()
})
afterEach(() => {
  client.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('hello', () => {
  it('is the first frame, over the subprotocol, with the token', async () => {
    await start()
    expect(client.state).toBe('connecting')
    edge.socket.open()
    expect(edge.socket.protocol).toBe('callmesh.v1')
    expect(edge.socket.frames).toEqual([{ id: 0, op: 'hello', token: 'token' }])
    edge.socket.ok('hello', HELLO)
    expect(client.state).toBe('open')
    expect(client.hello?.peer).toBe(HELLO.peer)
    expect(greetings).toEqual(['new'])
  })

  it('is given as long as an edge may take to read back what was missed, and then tried on another connection', async () => {
    await start()
    edge.socket.open()
    await vi.advanceTimersByTimeAsync(16_000)
    expect(edge.sockets).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(edge.sockets).toHaveLength(2)
    expect(edge.sockets[0]?.closedBy).toBe(3000)
  })

  it('waits for a host that swallows packets no longer than 10 s', async () => {
    await start()
    await vi.advanceTimersByTimeAsync(11_000)
    expect(edge.sockets).toHaveLength(2)
  })

  it('goes on when the token could not be had, or does not come', async () => {
    let answer: () => Promise<string> = () => Promise.reject(new Error('offline'))
    await start(() => answer())
    expect(edge.sockets).toHaveLength(0)
    answer = () => new Promise(() => undefined)
    await vi.advanceTimersByTimeAsync(1_000)
    answer = () => Promise.resolve('token')
    await vi.advanceTimersByTimeAsync(8_000)
    expect(edge.sockets).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(4_000)
    expect(edge.sockets).toHaveLength(1)
  })

  it.each(['bad_token', 'forbidden'] as const)('stops when there is no token for us: %s', async (code) => {
    await start(() => Promise.reject(new WireError(code, 'no')))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(tokens).toHaveLength(1)
    expect(client.error?.code).toBe(code)
  })
})

describe('resume', () => {
  it('sends session, the newest key, and the highest number of each source', async () => {
    await start()
    edge.greet()
    const joined = client.request('join', { room: 'r' })
    edge.socket.ok('join', { peers: [], key: 'key-2' })
    await joined
    for (const mid of ['a:1', 'b:7', 'a:2']) edge.socket.deliver({ ev: 'left', mid, at: 1, room: 'r', peer: 'p', reason: 'leave' })
    await loseAndReopen(1006)
    expect(client.state).toBe('reconnecting')
    expect(edge.socket.last('hello').resume).toEqual({ session: HELLO.session, key: 'key-2', seen: { a: 2, b: 7 } })
    edge.socket.ok('hello', { ...HELLO, key: 'key-3', resumed: true })
    expect(greetings).toEqual(['new', 'resumed'])
    await loseAndReopen(4001)
    expect(edge.socket.last('hello').resume).toMatchObject({ key: 'key-3' })
  })

  it('tells listeners of the hello before what was missed', async () => {
    await start()
    edge.greet()
    const order: string[] = []
    client.onHello(({ kind }) => order.push(kind))
    client.on('left', ({ peer }) => order.push(peer))
    await loseAndReopen(1006)
    edge.socket.ok('hello', { ...HELLO, resumed: true })
    edge.socket.deliver({ ev: 'left', mid: 'a:1', at: 1, room: 'r', peer: 'p', reason: 'lost' })
    expect(order).toEqual(['resumed', 'p'])
  })

  it('says gap when the session is the same but events are missing', async () => {
    await start()
    edge.greet()
    await loseAndReopen(1006)
    edge.socket.ok('hello', HELLO)
    expect(greetings).toEqual(['new', 'gap'])
  })

  it('of a session that is gone becomes a new hello, and forgets what was seen', async () => {
    await start()
    edge.greet()
    edge.socket.deliver({ ev: 'left', mid: 'a:5', at: 1, room: 'r', peer: 'p', reason: 'leave' })
    await loseAndReopen(1006)
    edge.socket.error('hello', 'gone')
    edge.sockets[1]?.drop(4101)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(edge.sockets).toHaveLength(3)
    edge.greet({ session: 'other', peer: 'peerb' })
    expect(edge.socket.last('hello')).not.toHaveProperty('resume')
    expect(greetings).toEqual(['new', 'replaced'])
    await loseAndReopen(1006)
    expect(edge.socket.last('hello').resume).toEqual({ session: 'other', key: 'key-1', seen: {} })
  })

  it('drops what was had before and must not come twice, and lets roster events repeat', async () => {
    await start()
    edge.greet()
    const heard: string[] = []
    for (const ev of ['signal', 'post', 'joined', 'ring', 'call'] as const) client.on(ev, () => heard.push(ev))
    const user = { id: 'bob', name: 'Bob' }
    const frames = [
      { ev: 'signal', mid: 'a:1', at: 1, room: 'r', from: 'p', data: 1 },
      { ev: 'post', mid: 'a:2', at: 1, room: 'r', from: 'p', user, data: 1 },
      { ev: 'joined', mid: 'a:3', at: 1, room: 'r', peer: 'p', user, region: 'eu', info: null },
      { ev: 'ring', mid: 'b:1', at: 1, call: 'c', room: 'r', from: user, media: 'audio', expiresAt: 2 },
      { ev: 'call', mid: 'b:2', at: 1, call: 'c', state: 'taken' },
    ]
    for (const frame of [...frames, ...frames]) edge.socket.deliver(frame)
    expect(heard).toEqual(['signal', 'post', 'joined', 'ring', 'call', 'joined'])
  })
})

describe('requests', () => {
  it('are answered by id, in whatever order', async () => {
    await start()
    edge.greet()
    const first = client.request('signal', { room: 'r', to: 'p', data: 1, key: 'k' })
    const second = client.request('post', { room: 'r', data: 2, key: 'l' })
    edge.socket.ok('post', { mid: 'a:1', at: 5 })
    expect(await second).toEqual({ mid: 'a:1', at: 5 })
    edge.socket.error('signal', 'no_such_peer')
    await expect(first).rejects.toMatchObject({ name: 'WireError', code: 'no_such_peer' })
  })

  it('made before the connection is there wait for it', async () => {
    await start()
    const joined = client.request('join', { room: 'r' })
    edge.greet()
    edge.socket.ok('join', { peers: [] })
    expect(await joined).toEqual({ peers: [] })
  })

  it('without an answer for 10 s fail with unavailable', async () => {
    await start()
    edge.greet()
    const failed = expect(client.request('post', { room: 'r', data: 1, key: 'k' })).rejects.toMatchObject({ code: 'unavailable' })
    await vi.advanceTimersByTimeAsync(10_000)
    await failed
  })

  it('under way at a loss are repeated in order after a resume if that is harmless, and fail if not', async () => {
    await start()
    edge.greet()
    const outcomes: string[] = []
    const note = (name: string, promise: Promise<unknown>) =>
      promise.then(() => outcomes.push(name), (error: { code: string }) => outcomes.push(`${name} ${error.code}`))
    void note('keyed', client.request('signal', { room: 'r', to: 'p', data: 1, key: 'k1' }))
    void note('unkeyed', client.request('signal', { room: 'r', to: 'p', data: 2 }))
    void note('call', client.request('call', { to: 'bob', media: 'audio' }))
    void note('update', client.request('update', { room: 'r', info: {} }))
    void note('post', client.request('post', { room: 'r', data: 3, key: 'k3' }))
    await loseAndReopen(1006)
    expect(outcomes).toEqual(['unkeyed unavailable', 'call unavailable'])
    void note('later', client.request('post', { room: 'r', data: 4, key: 'k4' }))
    expect(edge.socket.frames.map(({ op }) => op)).toEqual(['hello'])
    edge.socket.ok('hello', { ...HELLO, resumed: true })
    expect(edge.socket.frames.slice(1).map(({ op, key }) => [op, key])).toEqual([
      ['signal', 'k1'], ['update', undefined], ['post', 'k3'], ['post', 'k4'],
    ])
    for (const { id } of edge.socket.frames.slice(1)) edge.socket.deliver({ id, ok: {} })
    await settle()
    expect(outcomes.slice(2)).toEqual(['keyed', 'update', 'post', 'later'])
  })

  it('of a session that was replaced fail with unavailable', async () => {
    await start()
    edge.greet()
    const failed = expect(client.request('post', { room: 'r', data: 1, key: 'k' })).rejects.toMatchObject({ code: 'unavailable' })
    await loseAndReopen(4101)
    edge.socket.ok('hello', { ...HELLO, session: 'other' })
    await failed
    expect(edge.socket.of('post')).toEqual([])
  })

  it('larger than a frame are refused here, since the edge would end the session', async () => {
    await start()
    edge.greet({ limits: { ...HELLO.limits, frameBytes: 100 } })
    await expect(client.request('post', { room: 'r', data: 'é'.repeat(40) })).rejects.toMatchObject({ code: 'too_large' })
    expect(edge.socket.of('post')).toEqual([])
  })

  it('after the end are refused', async () => {
    await start()
    edge.greet()
    client.close()
    expect(edge.socket.closedBy).toBe(1000)
    await expect(client.request('ice', {})).rejects.toMatchObject({ code: 'gone' })
  })
})

describe('the end of a connection', () => {
  it.each([1000, 1001, 1006, 1011, 4001, 4002, 4003])('with %i is resumed', async (code) => {
    await start()
    edge.greet()
    await loseAndReopen(code)
    expect(edge.socket.last('hello')).toHaveProperty('resume')
  })

  it.each([4101, 4102])('with %i leads to a new hello', async (code) => {
    await start()
    edge.greet()
    await loseAndReopen(code)
    expect(edge.socket.last('hello')).not.toHaveProperty('resume')
    expect(tokens.at(-1)).toEqual({ fresh: code === 4102 })
    expect(client.state).toBe('reconnecting')
  })

  it('by an expired token asks for a fresh one once, though it then takes several attempts to bring it', async () => {
    await start()
    edge.greet()
    edge.socket.drop(4102)
    await vi.advanceTimersByTimeAsync(1_000)
    edge.socket.drop(1006)
    await vi.advanceTimersByTimeAsync(1_000)
    edge.greet({ session: 'other' })
    expect(tokens).toEqual([{ fresh: false }, { fresh: true }, { fresh: false }])
  })

  it.each([[4400, 'protocol'], [4403, 'forbidden'], [4408, 'protocol'], [4409, 'elsewhere'], [4413, 'too_large'], [4429, 'rate_limited']])(
    'with %i is final: %s',
    async (code, error) => {
      await start()
      edge.greet()
      edge.socket.drop(code)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(edge.sockets).toHaveLength(1)
      expect(client.state).toBe('closed')
      expect(client.error?.code).toBe(error)
    },
  )

  it('by a refused token asks for another one, once', async () => {
    const given = ['old', 'new', 'newer']
    await start(async () => given.shift() ?? '')
    edge.socket.open()
    edge.socket.drop(4401)
    await vi.advanceTimersByTimeAsync(1_000)
    edge.socket.open()
    expect(tokens).toEqual([{ fresh: false }, { fresh: true }])
    expect(edge.socket.last('hello').token).toBe('new')
    edge.socket.drop(4401)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(edge.sockets).toHaveLength(2)
    expect(client.error?.code).toBe('bad_token')
  })

  it('by a refused token is final if there is no other token', async () => {
    await start()
    edge.socket.open()
    edge.socket.error('hello', 'unauthorized')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(edge.sockets).toHaveLength(1)
    expect(client.error?.code).toBe('bad_token')
  })

  it('by a refused resume brings another token of the same user first, then goes without the session', async () => {
    const user = HELLO.user.id
    const given = ['old', 'old', 'new', 'new']
    await start(async () => given.shift() ?? 'new')
    edge.greet()
    await loseAndReopen(1006)
    edge.socket.error('hello', 'unauthorized')
    await vi.advanceTimersByTimeAsync(1_000)
    edge.socket.open()
    expect(edge.socket.last('hello')).toMatchObject({ token: 'new', resume: { session: HELLO.session } })
    edge.socket.error('hello', 'unauthorized')
    await vi.advanceTimersByTimeAsync(1_000)
    edge.greet({ session: 'other' })
    expect(edge.socket.last('hello')).toMatchObject({ token: 'new' })
    expect(edge.socket.last('hello')).not.toHaveProperty('resume')
    expect(tokens).toEqual([{ fresh: false }, { fresh: false, user }, { fresh: true, user }, { fresh: false }])
    expect(client.state).toBe('open')
  })

  it('by a refused resume where there is no other token of that user goes without the session at once', async () => {
    await start()
    edge.greet()
    await loseAndReopen(1006)
    edge.socket.error('hello', 'unauthorized')
    await vi.advanceTimersByTimeAsync(1_000)
    edge.greet({ session: 'other' })
    expect(edge.sockets).toHaveLength(3)
    expect(edge.socket.last('hello')).not.toHaveProperty('resume')
    expect(client.state).toBe('open')
  })

  it('again and again is met with longer and longer pauses, and a good connection ends that', async () => {
    await start()
    const pauses: number[] = []
    const lose = async () => {
      const from = Date.now()
      const before = edge.sockets.length
      edge.socket.drop(1006)
      while (edge.sockets.length === before) await vi.advanceTimersByTimeAsync(10)
      pauses.push(Date.now() - from)
    }
    for (let i = 0; i < 7; i++) await lose()
    expect(pauses).toEqual([200, 400, 800, 1600, 3200, 4000, 4000])
    edge.greet()
    await vi.advanceTimersByTimeAsync(6_000)
    pauses.length = 0
    await lose()
    expect(pauses).toEqual([200])
  })
})

describe('while it lasts', () => {
  it('pings within the heartbeat, and gives up a connection that does not answer', async () => {
    await start()
    edge.greet()
    await vi.advanceTimersByTimeAsync(14_000)
    expect(edge.socket.of('ping')).toHaveLength(1)
    edge.socket.ok('ping', { key: 'key-9' })
    await vi.advanceTimersByTimeAsync(14_000)
    expect(edge.socket.of('ping')).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(11_000)
    expect(edge.sockets).toHaveLength(2)
    edge.socket.open()
    expect(edge.socket.last('hello').resume).toMatchObject({ key: 'key-9' })
  })

  it('wakes: an idle line is tried at once, and a dead one replaced soon', async () => {
    await start()
    edge.greet()
    client.wake()
    expect(edge.socket.of('ping')).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(4_000)
    expect(edge.sockets).toHaveLength(2)
    edge.socket.drop(1006)
    client.wake()
    await settle()
    expect(edge.sockets).toHaveLength(3)
  })

  it('brings a new token before the old one expires', async () => {
    const first = tokenUntil(Date.now() + 600_000, 'a')
    const second = tokenUntil(Date.now() + 1_200_000, 'b')
    await start(async ({ fresh }) => (fresh ? second : first))
    edge.greet()
    edge.answers.set('ping', () => ({}))
    await vi.advanceTimersByTimeAsync(530_000)
    expect(edge.socket.of('refresh')).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(15_000)
    expect(edge.socket.last('refresh').token).toBe(second)
    edge.socket.ok('refresh', { expiresAt: Date.now() + 1_200_000 })
    const asked = tokens.length
    await vi.advanceTimersByTimeAsync(1_000_000)
    expect(tokens).toHaveLength(asked)
    await vi.advanceTimersByTimeAsync(200_000)
    expect(tokens.at(-1)).toEqual({ fresh: true, user: HELLO.user.id })
    // The same once more is no news to the edge.
    expect(edge.socket.of('refresh')).toHaveLength(1)
  })

  it('takes garbage for a broken line', async () => {
    await start()
    edge.greet()
    edge.socket.raw('{"ev":')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(edge.sockets).toHaveLength(2)
  })
})
