// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeEdge, type FakeSocket } from '../../signal/signaltest/fakeEdge'
import { SignalClient } from '../../signal/client'
import { Ringing } from './ringing'
import type { CallRecord, RingNews } from './state'

const BO = { id: 'bo', name: 'Bo' }
const CY = { id: 'cy', name: 'Cy' }

let edge: FakeEdge
let signal: SignalClient
let ringing: Ringing
let socket: FakeSocket
let news: string[]
let records: CallRecord[]
let mid = 0

const settle = () => vi.advanceTimersByTimeAsync(0)
const state = () => ringing.snapshot()
const event = async (frame: object) => {
  socket.deliver({ mid: `s:${++mid}`, at: Date.now(), ...frame })
  await settle()
}
const ring = (call: string, from = BO, media = 'video') => event({ ev: 'ring', call, room: `room-${call}`, from, media, expiresAt: Date.now() + 30_000 })
const told = (call: string, state: string, by?: string) => event({ ev: 'call', call, state, by })
const outcomes = () => records.map(({ call, direction, outcome }) => `${direction} ${call} ${outcome}`)

async function rings(): Promise<void> {
  void ringing.call(BO, 'video')
  await settle()
  socket.ok('call', { call: 'c1', room: 'r1' })
  await settle()
}

beforeEach(async () => {
  vi.useFakeTimers()
  edge = new FakeEdge()
  signal = new SignalClient({ url: 'ws://x', token: async () => 't', openWebSocket: edge.openWebSocket, random: () => 0 })
  news = []
  records = []
  ringing = new Ringing({ signal, record: (entry) => records.push(entry) })
  ringing.onNews(({ kind, user }: RingNews) => news.push(`${kind} ${user.name}`))
  signal.start()
  await settle()
  socket = edge.greet()
  await settle()
})
afterEach(() => {
  ringing.close()
  signal.close()
  vi.useRealTimers()
})

describe('a call of ours', () => {
  it('rings, is accepted, and ends for both when we leave', async () => {
    await rings()
    expect(socket.last('call')).toMatchObject({ to: 'bo', media: 'video' })
    expect(state().outgoing).toMatchObject({ call: 'c1', state: 'ringing', to: BO })
    await told('c1', 'accepted', 'p')
    expect(state()).toMatchObject({ outgoing: null, current: { call: 'c1', room: 'r1', with: BO, media: 'video', over: null } })
    await vi.advanceTimersByTimeAsync(5_000)
    ringing.hangUp()
    await settle()
    expect(socket.last('hangup')).toMatchObject({ call: 'c1' })
    expect(state().current).toBeNull()
    expect(news).toEqual(['accepted Bo', 'ended Bo'])
    expect(records.at(-1)).toMatchObject({ call: 'c1', direction: 'out', outcome: 'answered', durationMs: 5_000 })
  })

  it.each([
    ['declined', 'declined'],
    ['busy', 'busy'],
    ['missed', 'unanswered'],
  ])('that is %s says so, and can be made again', async (said, shown) => {
    await rings()
    await told('c1', said)
    expect(state().outgoing).toMatchObject({ state: shown, to: BO })
    expect(news).toEqual([`${shown} Bo`])
    expect(outcomes()).toEqual([`out c1 ${shown}`])
    void ringing.call(BO, 'audio')
    await settle()
    expect(socket.of('call')).toHaveLength(2)
  })

  it.each([
    ['offline', 'offline', ['out own-0 offline']],
    ['unavailable', 'failed', []],
  ])('that is answered %s shows %s', async (code, shown, kept) => {
    vi.setSystemTime(0)
    void ringing.call(BO, 'audio')
    await settle()
    socket.error('call', code)
    await settle()
    expect(state().outgoing).toMatchObject({ state: shown, call: null })
    expect(outcomes()).toEqual(kept)
  })

  it('is hung up when it is given up, be it before or after the mesh has named it', async () => {
    await rings()
    ringing.cancel()
    await settle()
    expect(socket.last('hangup')).toMatchObject({ call: 'c1' })
    void ringing.call(CY, 'audio')
    await settle()
    ringing.cancel()
    expect(state().outgoing).toBeNull()
    socket.ok('call', { call: 'c2', room: 'r2' })
    await settle()
    expect(socket.last('hangup')).toMatchObject({ call: 'c2' })
    expect(state().outgoing).toBeNull()
  })

  it('ends by itself when nobody tells how it ended', async () => {
    await rings()
    await vi.advanceTimersByTimeAsync(45_000)
    expect(state().outgoing).toMatchObject({ state: 'unanswered' })
  })

  it('is one with theirs when both call at once', async () => {
    // Theirs stands from the start: the ok names it.
    void ringing.call(BO, 'audio')
    await settle()
    await ring('c9')
    expect(state().incoming).toEqual([])
    socket.ok('call', { call: 'c9', room: 'room-c9' })
    await settle()
    await told('c9', 'accepted', 'p')
    expect(state()).toMatchObject({ incoming: [], outgoing: null, current: { call: 'c9', room: 'room-c9', with: BO, media: 'audio' } })
  })

  it.each([[['cancelled c1', 'accepted c9']], [['accepted c9', 'cancelled c1']]])('gives way to theirs, in whatever order that is told: %j', async (order) => {
    await rings()
    await ring('c9')
    for (const [state = '', call = ''] of order.map((one) => one.split(' '))) await told(call, state)
    expect(state()).toMatchObject({ incoming: [], outgoing: null, current: { call: 'c9', room: 'room-c9', with: BO } })
    expect(news).toEqual(['accepted Bo'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(news).toEqual(['accepted Bo'])
  })

  it('gave way to theirs, which rings if nobody has accepted it for us', async () => {
    await rings()
    await ring('c9')
    await told('c1', 'cancelled')
    expect(state()).toMatchObject({ incoming: [], outgoing: { call: 'c1' } })
    await vi.advanceTimersByTimeAsync(3_000)
    expect(state()).toMatchObject({ incoming: [{ call: 'c9' }], outgoing: null })
    expect(news).toEqual([])
  })

  it('that we gave up shows nothing of us when theirs is accepted for us all the same', async () => {
    await rings()
    await ring('c9')
    ringing.cancel()
    await told('c9', 'accepted')
    expect(state()).toMatchObject({ outgoing: null, current: { call: 'c9', with: BO, media: 'audio' } })
  })

  it('cannot be made while another one goes on', async () => {
    await rings()
    await told('c1', 'accepted')
    void ringing.call(CY, 'audio')
    await settle()
    expect(socket.of('call')).toHaveLength(1)
  })
})

describe('a call to us', () => {
  it('is accepted with what we choose', async () => {
    await ring('c1')
    expect(state().incoming).toMatchObject([{ call: 'c1', from: BO, media: 'video', answering: false }])
    void ringing.accept('c1', 'audio')
    await settle()
    expect(state().incoming).toMatchObject([{ answering: true }])
    expect(socket.last('answer')).toMatchObject({ call: 'c1', accept: true })
    socket.ok('answer', { room: 'room-c1' })
    await settle()
    expect(state()).toMatchObject({ incoming: [], current: { call: 'c1', room: 'room-c1', media: 'audio', with: BO } })
  })

  it('is declined; while another goes on, because we are busy', async () => {
    await ring('c1')
    ringing.decline('c1')
    await settle()
    expect(socket.last('answer')).toMatchObject({ call: 'c1', accept: false, reason: 'declined' })
    await rings()
    await told('c1', 'accepted')
    await ring('c2', CY)
    ringing.decline('c2')
    await settle()
    expect(socket.last('answer')).toMatchObject({ call: 'c2', accept: false, reason: 'busy' })
    expect(state().current).toMatchObject({ call: 'c1' })
  })

  it('is declined as busy in a room that was entered by its link, too', async () => {
    ringing.setInRoom(true)
    await ring('c1')
    expect(state()).toMatchObject({ engaged: true, current: null })
    ringing.decline('c1')
    await settle()
    expect(socket.last('answer')).toMatchObject({ reason: 'busy' })
    ringing.setInRoom(false)
    expect(state().engaged).toBe(false)
  })

  it('takes the place of the call that goes on', async () => {
    await ring('c1')
    void ringing.accept('c1', 'video')
    await settle()
    socket.ok('answer', { room: 'room-c1' })
    await settle()
    await ring('c2', CY)
    void ringing.accept('c2', 'video')
    await settle()
    expect(socket.of('hangup'), 'not before the other one is sure').toEqual([])
    socket.ok('answer', { room: 'room-c2' })
    await settle()
    expect(socket.last('hangup')).toMatchObject({ call: 'c1' })
    expect(state().current).toMatchObject({ call: 'c2', with: CY })
  })

  it.each([
    ['taken', 'taken', 'in c1 taken'],
    ['cancelled', 'cancelled', 'in c1 missed'],
    ['missed', 'missed', 'in c1 missed'],
  ])('that is %s stops ringing, with a word', async (said, told_, kept) => {
    await ring('c1')
    await told('c1', said)
    expect(state().incoming).toEqual([])
    expect(news).toEqual([`${told_} Bo`])
    expect(outcomes()).toEqual([kept])
  })

  it('that another device answered first is taken, one that is over is cancelled, and what was not answered still rings', async () => {
    for (const [call, code] of [['c1', 'taken'], ['c2', 'gone'], ['c3', 'internal']] as const) {
      await ring(call)
      void ringing.accept(call, 'audio')
      await settle()
      socket.error('answer', code)
      await settle()
    }
    expect(news).toEqual(['taken Bo', 'cancelled Bo', 'unsent Bo'])
    expect(state().incoming).toMatchObject([{ call: 'c3', answering: false }])
  })

  it('rings once, however often the mesh says so, and not for ever', async () => {
    await ring('c1')
    await ring('c1')
    expect(state().incoming).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(45_000)
    expect(state().incoming).toEqual([])
    expect(outcomes()).toEqual(['in c1 missed'])
  })

  it('is one of several; more than anybody could look at are told that we are busy', async () => {
    for (let n = 1; n <= 8; n++) await ring(`c${n}`)
    expect(state().incoming.map(({ call }) => call)).toEqual(['c1', 'c2', 'c3', 'c4', 'c5', 'c6'])
    expect(socket.of('answer')).toMatchObject([{ call: 'c7', reason: 'busy' }, { call: 'c8', reason: 'busy' }])
  })
})

describe('the end', () => {
  it('by the other side is told, and costs no hangup', async () => {
    await rings()
    await told('c1', 'accepted')
    await told('c1', 'ended', 'p')
    expect(state().current).toMatchObject({ over: 'ended' })
    ringing.hangUp()
    await settle()
    expect(socket.of('hangup')).toEqual([])
    expect(news).toEqual(['accepted Bo', 'ended Bo'])
  })

  it('of a session ends what rang in it, and leaves the media of a call alone', async () => {
    await ring('c5', CY)
    await rings()
    socket.drop(4101)
    await vi.advanceTimersByTimeAsync(1_000)
    socket = edge.greet({ session: 'another' })
    await settle()
    expect(state()).toMatchObject({ incoming: [], outgoing: { state: 'failed' } })
    await ring('c5', CY)
    expect(state().incoming).toHaveLength(1)
  })

  it('of the session in a call keeps the call, of which the mesh knows nothing any more', async () => {
    await rings()
    await told('c1', 'accepted')
    socket.drop(4101)
    await vi.advanceTimersByTimeAsync(1_000)
    socket = edge.greet({ session: 'another' })
    await settle()
    expect(state().current).toMatchObject({ call: 'c1', over: 'lost' })
    ringing.hangUp()
    await settle()
    expect(socket.of('hangup')).toEqual([])
  })

  it('is asked for again when the line was away', async () => {
    await rings()
    await told('c1', 'accepted')
    ringing.hangUp()
    await settle()
    socket.drop(1006)
    await vi.advanceTimersByTimeAsync(1_000)
    socket = edge.greet({ resumed: true })
    await settle()
    expect(socket.last('hangup')).toMatchObject({ call: 'c1' })
  })
})

it('what rang while nobody was here is kept as missed', async () => {
  socket.drop(4101)
  await vi.advanceTimersByTimeAsync(1_000)
  edge.greet({ session: 'another', missed: [{ call: 'c7', from: BO, media: 'audio', at: 5 }] })
  expect(records).toEqual([{ call: 'c7', direction: 'in', user: BO, media: 'audio', at: 5, outcome: 'missed', durationMs: null }])
})
