// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SignalClient } from '../signal/client'
import { FakeEdge, HELLO } from '../signal/signaltest/fakeEdge'
import { FakeConnection } from './calltest/fakeConnection'
import { World } from './calltest/world'
import { RoomCall } from './room'
import type { Slot } from './state'

const ROOM = 'lobby'
const BOB = { peer: 'zzz', user: { id: 'bob', name: 'Bob' }, region: 'us', info: { slots: { microphone: true, screenSound: false } } }
const text = (id: string, words: string) => ({ type: 'text', id, text: words })

let edge: FakeEdge
let world: World
let signal: SignalClient
let room: RoomCall
let made: FakeConnection[]
/** Whether the browser gives no connection that is configured so. */
let refuses: (configuration: RTCConfiguration) => boolean

/** LocalMedia as far as a room uses it. */
const media = {
  tracks: { microphone: null, camera: null, screen: null, screenSound: null } as Record<Slot, MediaStreamTrack | null>,
  listeners: new Set<() => void>(),
  track: (slot: Slot) => media.tracks[slot],
  subscribe: (listener: () => void) => {
    media.listeners.add(listener)
    listener()
    return () => media.listeners.delete(listener)
  },
  set(slot: Slot, track: MediaStreamTrack | null) {
    media.tracks[slot] = track
    for (const listener of media.listeners) listener()
  },
}

const settle = () => vi.advanceTimersByTimeAsync(0)
const event = (ev: string, fields: object) => edge.socket.deliver({ ev, at: Date.now(), room: ROOM, ...fields })
const peers = () => room.snapshot().peers.map(({ peer }) => peer)
const lines = () => room.snapshot().chat.map(({ text, state, mine }) => [text, state, mine])

async function enter(already: object[] = [BOB]): Promise<void> {
  edge.answers.set('join', () => ({ peers: already }))
  signal.start()
  await settle()
  const joining = room.join()
  edge.greet()
  await joining
  await settle()
}

async function reconnect(hello: Partial<typeof HELLO>): Promise<void> {
  edge.socket.drop(1006)
  await vi.advanceTimersByTimeAsync(1_000)
  edge.greet(hello)
  await settle()
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('MediaStream', class {})
  edge = new FakeEdge()
  for (const op of ['ping', 'signal', 'update', 'leave']) edge.answers.set(op, () => ({}))
  edge.answers.set('history', () => ({ posts: [], more: false }))
  world = new World(1)
  made = []
  refuses = () => false
  signal = new SignalClient({ url: 'ws://edge.test', token: async () => 't', openWebSocket: edge.openWebSocket, random: () => 0.5 })
  room = new RoomCall({
    room: ROOM,
    signal,
    media: media as unknown as ConstructorParameters<typeof RoomCall>[0]['media'],
    connect: (configuration) => {
      if (refuses(configuration)) throw new DOMException('no connection like this', 'UnknownError')
      const pc = new FakeConnection(world)
      pc.configuration = configuration
      made.push(pc)
      return pc as unknown as RTCPeerConnection
    },
  })
})
afterEach(async () => {
  await room.leave()
  signal.close()
  await settle()
  // Whatever a call started ends with it.
  expect(vi.getTimerCount()).toBe(0)
  expect(media.listeners.size).toBe(0)
  media.tracks = { microphone: null, camera: null, screen: null, screenSound: null }
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('joining', () => {
  it('says what we send, and links with those who are there', async () => {
    media.set('camera', { id: 'cam' } as MediaStreamTrack)
    await enter()
    expect(edge.socket.last('join')).toMatchObject({ room: ROOM, info: { slots: { microphone: false, camera: true, screen: false } } })
    expect(room.snapshot()).toMatchObject({
      signal: 'open', joined: true, error: null, self: { peer: HELLO.peer, edge: HELLO.edge },
      peers: [{ peer: 'zzz', link: 'new', path: null, sends: { microphone: true, camera: false, screen: false } }],
    })
    // The smaller id is polite: it has nothing to offer, and says so.
    expect(edge.socket.last('signal')).toMatchObject({ to: 'zzz', data: { type: 'ready' } })
    await world.settle()
    expect(made[0]?.signalingState).toBe('stable')
  })

  it('shows the history of the room', async () => {
    const post = (id: string, at: number, user: object, words: string) => ({ mid: `m:${at}`, at, from: 'p', user, data: text(id, words) })
    edge.answers.set('history', () => ({
      posts: [post('1', 1, BOB.user, 'hello'), post('2', 2, HELLO.user, 'hi'), { ...post('3', 3, BOB.user, ''), data: { type: 'other' } }],
      more: false,
    }))
    await enter()
    expect(lines()).toEqual([['hello', 'sent', false], ['hi', 'sent', true]])
  })

  it('tells why it was refused', async () => {
    signal.start()
    await settle()
    const joining = expect(room.join()).rejects.toMatchObject({ code: 'room_full' })
    edge.greet()
    edge.socket.error('join', 'room_full')
    await joining
    expect(room.snapshot()).toMatchObject({ joined: false, error: { code: 'room_full' } })
  })

  it('is tried again when the mesh was not there', async () => {
    signal.start()
    await settle()
    const joining = room.join()
    edge.greet()
    edge.socket.error('join', 'unavailable')
    edge.answers.set('join', () => ({ peers: [] }))
    await vi.advanceTimersByTimeAsync(1_000)
    await joining
    expect(room.snapshot().joined).toBe(true)
  })

  it('can be done again after leaving', async () => {
    await enter()
    await room.leave()
    expect(made[0]?.signalingState).toBe('closed')
    expect(edge.socket.of('leave')).toHaveLength(1)
    expect(room.snapshot()).toMatchObject({ joined: false, peers: [] })
    await room.join()
    expect(peers()).toEqual(['zzz'])
  })
})

describe('the roster', () => {
  it('makes one link for a peer however often it is named', async () => {
    await enter()
    event('joined', { ...BOB, region: 'asia' })
    event('joined', { ...BOB, peer: HELLO.peer })
    event('joined', { ...BOB, room: 'elsewhere', peer: 'other' })
    expect(peers()).toEqual(['zzz'])
    expect(made).toHaveLength(1)
    expect(room.snapshot().peers[0]?.region).toBe('asia')
  })

  it('follows what peers say of themselves, and lets them go', async () => {
    await enter()
    event('updated', { peer: 'zzz', info: { slots: { screen: true } } })
    expect(room.snapshot().peers[0]?.sends).toEqual({ microphone: false, camera: false, screen: true, screenSound: false })
    event('left', { peer: 'zzz', reason: 'closed' })
    expect(peers()).toEqual([])
    expect(made[0]?.signalingState).toBe('closed')
    event('left', { peer: 'zzz', reason: 'closed' })
    event('updated', { peer: 'zzz', info: null })
    expect(peers()).toEqual([])
  })

  it('keeps a signal that overtakes the news of its sender', async () => {
    await enter([])
    const sdp = 'a=ice-ufrag:x\r\nm=audio\r\nm=video\r\nm=video'
    event('signal', { from: 'zzz', data: { link: 1, for: null, type: 'description', seq: 1, description: { type: 'offer', sdp } } })
    expect(peers()).toEqual([])
    event('joined', BOB)
    await settle()
    await world.settle()
    expect(edge.socket.of('signal').map(({ data }) => data)).toContainEqual(expect.objectContaining({ type: 'description', seq: 1 }))
    expect(made[0]?.ends().remote).toBe('x')
  })

  it('keeps no more of a stranger’s signals than a link needs, and those of others beside', async () => {
    await enter([])
    const slots = ['m=audio', 'm=video', 'm=video', 'm=audio']
    const offer = (from: string, seq: number, more = '') => {
      const sdp = [`a=ice-ufrag:${from}${seq}`, ...slots, more].join('\r\n')
      event('signal', { from, data: { link: 1, for: null, type: 'description', seq, description: { type: 'offer', sdp } } })
    }
    for (let seq = 1; seq <= 5; seq++) offer('zzz', seq, `a=x:${'x'.repeat(60_000)}`)
    offer('zzy', 1)
    event('joined', BOB)
    event('joined', { ...BOB, peer: 'zzy' })
    for (let turn = 0; turn < 10; turn++) {
      await settle()
      await world.settle()
    }
    expect(made.map((pc) => pc.ends().remote)).toEqual(['zzz2', 'zzy1'])
  })
})

describe('a browser that gives no connection', () => {
  const CY = { ...BOB, peer: 'zzy', user: { id: 'cy', name: 'Cy' } }

  it('costs the one whom it is for, who waits until there is one', async () => {
    let most = 1
    refuses = () => made.length >= most
    await enter([BOB, CY, { ...CY, peer: 'zzx' }])
    event('joined', CY)
    expect(peers()).toEqual(['zzz'])
    await vi.advanceTimersByTimeAsync(20_000)
    expect(peers()).toEqual(['zzz'])
    most = 3
    await vi.advanceTimersByTimeAsync(5_000)
    expect(peers()).toEqual(['zzz', 'zzy', 'zzx'])
  })

  it('in place of one that can’t be mended is asked again, and the others go on meanwhile', async () => {
    await enter([BOB, CY])
    made[1]?.become('connected')
    edge.answers.set('ping', () => ({}))
    refuses = () => true
    // Three restarts in vain, and the connection is doubted.
    await vi.advanceTimersByTimeAsync(120_000)
    expect(made).toHaveLength(2)
    expect(room.snapshot().peers).toMatchObject([{ peer: 'zzz', link: 'connecting' }, { peer: 'zzy', link: 'connected' }])
    room.restartIce()
    refuses = () => false
    await vi.advanceTimersByTimeAsync(6_000)
    expect(made).toHaveLength(3)
    await world.settle()
    expect(made[2]?.signalingState).not.toBe('closed')
  })
})

describe('a lost line', () => {
  it('leaves media alone', async () => {
    await enter()
    made[0]?.become('connected')
    edge.socket.drop(1006)
    await settle()
    expect(room.snapshot()).toMatchObject({ signal: 'reconnecting', joined: true, peers: [{ peer: 'zzz', link: 'connected' }] })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(made).toHaveLength(1)
    expect(made[0]?.signalingState).not.toBe('closed')
  })

  it('and an edge that does not know a peer yet cost nobody a link whose media goes on', async () => {
    await enter()
    made[0]?.become('connected')
    await reconnect({ resumed: true, rooms: [{ room: ROOM, peers: [] }] })
    edge.answers.set('ping', () => ({}))
    await vi.advanceTimersByTimeAsync(120_000)
    expect(peers()).toEqual(['zzz'])
    made[0]?.become('failed')
    await vi.advanceTimersByTimeAsync(31_000)
    expect(peers()).toEqual([])
  })

  it('and a peer that comes back within the grace stays', async () => {
    await enter()
    await reconnect({ resumed: true, rooms: [{ room: ROOM, peers: [] }] })
    await vi.advanceTimersByTimeAsync(10_000)
    event('joined', BOB)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(peers()).toEqual(['zzz'])
  })

  it('that could not be resumed means joining again, with fresh links', async () => {
    await enter()
    await world.settle()
    await reconnect({ session: 'other', peer: 'yyy' })
    expect(edge.socket.of('join')).toHaveLength(1)
    expect(room.snapshot()).toMatchObject({ joined: true, self: { peer: 'yyy' }, peers: [{ peer: 'zzz' }] })
    expect(made.map((pc) => pc.signalingState === 'closed')).toEqual([true, false])
  })

  it('with a gap means reading the history again', async () => {
    await enter()
    await reconnect({ rooms: [{ room: ROOM, peers: [BOB] }] })
    expect(edge.socket.of('history')).toHaveLength(1)
    expect(made).toHaveLength(1)
  })

  it('with a gap means negotiating anew, for what was said meanwhile is lost', async () => {
    await enter([{ ...BOB, peer: 'aaa' }])
    await world.settle()
    const offers = () => edge.sockets.flatMap((s) => s.of('signal')).filter(({ data }) => (data as { type: string }).type === 'description').length
    const before = offers()
    expect(before).toBeGreaterThan(0)
    await reconnect({ resumed: true, rooms: [{ room: ROOM, peers: [{ ...BOB, peer: 'aaa' }] }] })
    await world.settle()
    expect(offers()).toBe(before)
    await reconnect({ rooms: [{ room: ROOM, peers: [{ ...BOB, peer: 'aaa' }] }] })
    await world.settle()
    expect(offers()).toBe(before + 1)
    expect(made).toHaveLength(1)
  })

  it('of another costs nobody the media that goes on, until that ends too', async () => {
    await enter()
    edge.answers.set('ping', () => ({}))
    made[0]?.become('connected')
    event('left', { peer: 'zzz', reason: 'lost' })
    await vi.advanceTimersByTimeAsync(120_000)
    expect(room.snapshot().peers).toMatchObject([{ peer: 'zzz', link: 'connected' }])
    made[0]?.become('disconnected')
    await vi.advanceTimersByTimeAsync(6_000)
    expect(peers()).toEqual([])
    expect(made[0]?.signalingState).toBe('closed')
  })

  it('of another is over when the same user comes with a new session', async () => {
    await enter()
    made[0]?.become('connected')
    event('left', { peer: 'zzz', reason: 'lost' })
    event('joined', { ...BOB, peer: 'other', user: { id: 'eve', name: 'Eve' } })
    expect(peers()).toEqual(['zzz', 'other'])
    event('joined', { ...BOB, peer: 'zzy' })
    expect(peers()).toEqual(['other', 'zzy'])
    expect(made[0]?.signalingState).toBe('closed')
  })

  it('of another whose media had ended too, or who went by itself, leaves nothing behind', async () => {
    await enter([BOB, { ...BOB, peer: 'zzy' }])
    made[1]?.become('connected')
    event('left', { peer: 'zzz', reason: 'lost' })
    event('left', { peer: 'zzy', reason: 'leave' })
    expect(peers()).toEqual([])
  })

  it('for good is told', async () => {
    await enter()
    edge.socket.drop(4409)
    expect(room.snapshot()).toMatchObject({ signal: 'closed', joined: false, error: { code: 'elsewhere' } })
  })
})

describe('media', () => {
  it('goes to all links, and the room is told the latest only', async () => {
    await enter()
    made[0]?.setRemoteDescription({ type: 'offer', sdp: '' }).catch(() => undefined)
    edge.answers.delete('update')
    const track = { id: 'mic' } as MediaStreamTrack
    media.set('microphone', track)
    media.set('microphone', null)
    media.set('camera', track)
    media.set('microphone', track)
    await settle()
    expect(edge.socket.of('update')).toHaveLength(1)
    edge.answers.set('update', () => ({}))
    edge.socket.ok('update')
    await settle()
    expect(edge.socket.of('update')).toHaveLength(2)
    expect(edge.socket.last('update').info).toEqual({ slots: { microphone: true, camera: true, screen: false, screenSound: false } })
    expect(room.snapshot().sends).toEqual({ microphone: true, camera: true, screen: false, screenSound: false })
  })
})

describe('chat', () => {
  it('posts with the line as its key, and shows it all along', async () => {
    await enter()
    const sending = room.sendText('  hello ')
    await settle()
    expect(lines()).toEqual([['hello', 'sending', true]])
    const post = edge.socket.last('post')
    expect(post).toMatchObject({ room: ROOM, keep: true, data: { type: 'text', text: 'hello', id: post.key } })
    edge.socket.ok('post', { mid: 'm:9', at: Date.now() + 5 })
    await sending
    expect(room.snapshot().chat).toMatchObject([{ mid: 'm:9', state: 'sent', mine: true }])
  })

  it('shows a line once, however often it comes', async () => {
    await enter()
    event('post', { mid: 'm:1', from: 'zzz', user: BOB.user, data: text('x', 'hey') })
    event('post', { mid: 'n:1', from: 'zzz', user: BOB.user, data: text('x', 'hey') })
    event('post', { mid: 'm:2', from: 'other', user: { id: 'eve', name: 'Eve' }, data: text('x', 'another line of that id') })
    expect(lines().map(([words]) => words)).toEqual(['hey', 'another line of that id'])
  })

  it('fails where it is refused, and can be sent again', async () => {
    await enter()
    const sending = room.sendText('hello')
    await settle()
    edge.socket.error('post', 'too_large')
    await sending
    const [line] = room.snapshot().chat
    expect(line?.state).toBe('failed')
    edge.answers.set('post', () => ({ mid: 'm:1', at: 1 }))
    await room.retryText(line?.id ?? '')
    expect(lines()).toEqual([['hello', 'sent', true]])
    expect(edge.socket.of('post').map(({ key }) => key)).toEqual([line?.id, line?.id])
  })

  it('keeps the order of lines, also when one has to be sent again', async () => {
    await enter()
    const sending = ['one', 'two', 'three'].map((words) => room.sendText(words))
    await settle()
    expect(edge.socket.of('post')).toHaveLength(1)
    edge.socket.error('post', 'unavailable')
    edge.answers.set('post', () => ({ mid: 'm:1', at: Date.now() }))
    await vi.advanceTimersByTimeAsync(10_000)
    await Promise.all(sending)
    expect(edge.socket.of('post').map(({ data }) => (data as { text: string }).text)).toEqual(['one', 'one', 'two', 'three'])
  })

  it('is not given up while the mesh may yet come back, and is in the end', async () => {
    await enter()
    edge.answers.set('ping', () => ({}))
    const sending = room.sendText('hello')
    for (let second = 0; second < 40; second++) {
      await vi.advanceTimersByTimeAsync(1_000)
      for (const { id } of edge.socket.of('post')) edge.socket.deliver({ id, error: { code: 'unavailable', message: '' } })
    }
    expect(lines()).toEqual([['hello', 'sending', true]])
    for (let second = 0; second < 30; second++) {
      await vi.advanceTimersByTimeAsync(1_000)
      for (const { id } of edge.socket.of('post')) edge.socket.deliver({ id, error: { code: 'unavailable', message: '' } })
    }
    await sending
    expect(lines()).toEqual([['hello', 'failed', true]])
  })

  it('survives a session that was replaced, with the same key', async () => {
    await enter()
    const sending = room.sendText('hello')
    await settle()
    const { key } = edge.socket.last('post')
    edge.answers.set('post', () => ({ mid: 'm:1', at: 1 }))
    await reconnect({ session: 'other', peer: 'yyy' })
    await vi.advanceTimersByTimeAsync(5_000)
    await sending
    expect(edge.socket.last('post').key).toBe(key)
    expect(lines()).toEqual([['hello', 'sent', true]])
  })
})

describe('relays', () => {
  it('are given to new links, and fresh ones to all before they expire', async () => {
    const servers = (name: string) => [{ urls: [`turn:${name}.test`], username: 'u', credential: 'c' }]
    edge.answers.set('join', () => ({ peers: [BOB] }))
    signal.start()
    await settle()
    const joining = room.join()
    edge.greet({ iceServers: servers('one'), iceTtl: 100 })
    await joining
    expect(made[0]?.configuration.iceServers).toEqual(servers('one'))
    edge.answers.set('ice', () => ({ iceServers: servers('two'), iceTtl: 100 }))
    await vi.advanceTimersByTimeAsync(81_000)
    expect(edge.socket.of('ice')).toHaveLength(1)
    expect(made[0]?.configuration.iceServers).toEqual(servers('two'))
  })

  it('that leave are left while they still work', async () => {
    const servers = (name: string) => [{ urls: [`turn:${name}.test`], username: 'u', credential: 'c' }]
    edge.answers.set('join', () => ({ peers: [BOB] }))
    signal.start()
    await settle()
    const joining = room.join()
    edge.greet({ iceServers: servers('one'), iceTtl: 1_000 })
    await joining
    const [pc] = made as [FakeConnection]
    pc.getStats = () =>
      Promise.resolve(new Map<string, unknown>([
        ['P', { type: 'candidate-pair', nominated: true, state: 'succeeded', localCandidateId: 'L' }],
        ['L', { candidateType: 'relay', url: 'turn:one.test' }],
      ]))
    pc.become('connected')
    const said = edge.socket.of('signal').length
    edge.socket.deliver({ ev: 'ice', iceServers: servers('two'), iceTtl: 1_000 })
    expect(pc.configuration.iceServers).toEqual(servers('two'))
    expect(edge.socket.of('signal')).toHaveLength(said)
    await vi.advanceTimersByTimeAsync(2_100)
    // Nobody has answered yet, so that this is all that a restart can do.
    expect(edge.socket.of('signal')).toHaveLength(said + 1)
    await room.leave()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(edge.sockets.flatMap((socket) => socket.of('signal'))).toHaveLength(said + 1)
  })

  it('that the browser refuses keep nobody from the others, nor from fresh ones', async () => {
    const servers = (name: string) => [{ urls: [`turn:${name}.test`], username: 'u', credential: 'c' }]
    edge.answers.set('join', () => ({ peers: [BOB, { ...BOB, peer: 'zzy' }] }))
    refuses = ({ iceServers = [] }) => iceServers.length > 0
    signal.start()
    await settle()
    const joining = room.join()
    edge.greet({ iceServers: servers('one'), iceTtl: 100 })
    await joining
    expect(made.map(({ configuration }) => configuration.iceServers)).toEqual([[], []])
    made[0]!.setConfiguration = () => {
      throw new DOMException('no such server', 'SyntaxError')
    }
    edge.answers.set('ice', () => ({ iceServers: servers('two'), iceTtl: 100 }))
    await vi.advanceTimersByTimeAsync(81_000)
    expect(made[1]?.configuration.iceServers).toEqual(servers('two'))
    await vi.advanceTimersByTimeAsync(81_000)
    expect(edge.sockets.flatMap((socket) => socket.of('ice'))).toHaveLength(2)
  })
})
