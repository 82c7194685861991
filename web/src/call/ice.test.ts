// @vitest-environment node
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { SignalClient } from '../signal/client'
import { FakeEdge } from '../signal/signaltest/fakeEdge'
import { IceServers } from './ice'

const relay = (name: string) => ({ urls: [`turn:${name}?transport=udp`, `turn:${name}?transport=tcp`], username: name, credential: 'c', region: name })
const urlsOf = (servers: RTCIceServer[]) => servers.flatMap(({ urls }) => urls)
const one = relay('one')
const two = relay('two')
const three = relay('three')

let edge: FakeEdge
let ice: IceServers
let configured: RTCIceServer[]
let left: number

const tell = (...iceServers: object[]) => edge.socket.deliver({ ev: 'ice', iceServers, iceTtl: 100 })

beforeEach(async () => {
  vi.useFakeTimers()
  edge = new FakeEdge()
  edge.answers.set('ping', () => ({}))
  const signal = new SignalClient({ url: 'ws://edge.test', token: async () => 't', openWebSocket: edge.openWebSocket, random: () => 0.5 })
  left = 0
  ice = new IceServers(signal, { changed: (servers) => (configured = servers), left: () => left++ })
  signal.start()
  await vi.advanceTimersByTimeAsync(0)
  edge.greet({ iceServers: [one, two], iceTtl: 100 })
})

afterEach(() => {
  ice.stop()
  vi.useRealTimers()
})

it('takes what the edge tells unasked, and knows which relays have left', () => {
  expect([left, ice.hasLeft('turn:one?transport=udp')]).toEqual([0, false])
  tell(two)
  expect(ice.current).toEqual([two])
  expect(left).toBe(1)
  expect(['one', 'two'].map((name) => ice.hasLeft(`turn:${name}?transport=udp`))).toEqual([true, false])
  // The way is still shown right for as long as it is used.
  expect(ice.regionOf('turn:one?transport=tcp')).toBe('one')
  tell(two)
  tell(two, one)
  expect(left).toBe(1)
  expect(ice.hasLeft('turn:one?transport=udp')).toBe(false)
})

it('knows a relay by what the browser calls it, however short a URL it was given by', () => {
  const short = { urls: ['turn:short.test', 'turns:short.test'], username: 'short', credential: 'c', region: 'short' }
  tell(short)
  for (const gone of [false, true]) {
    if (gone) tell(two)
    for (const url of ['turn:short.test:3478?transport=udp', 'turns:short.test:5349?transport=tcp']) expect([ice.hasLeft(url), ice.regionOf(url)]).toEqual([gone, 'short'])
  }
  expect(urlsOf(configured)).toEqual([...two.urls, ...short.urls])
})

it('never has a connection that there is know of fewer relays than before: the new ones first, those that left behind them', () => {
  tell(two)
  expect(urlsOf(configured)).toEqual([...two.urls, ...one.urls])
  tell(three)
  expect(urlsOf(configured)).toEqual([...three.urls, ...two.urls])
  expect(configured.at(-1)).toEqual({ urls: ['turn:two?transport=tcp'], username: 'two', credential: 'c' })
  tell(three, one)
  expect(configured).toEqual([three, one])
})

it('where there is no other relay, none has left', () => {
  tell()
  tell({ urls: ['stun:s'], username: '', credential: '' })
  expect([left, ice.hasLeft('turn:one?transport=udp')]).toEqual([0, false])
})

it('asks for fresh credentials in the time of those that it was told', async () => {
  await vi.advanceTimersByTimeAsync(70_000)
  tell(two)
  await vi.advanceTimersByTimeAsync(70_000)
  expect(edge.socket.of('ice')).toHaveLength(0)
  await vi.advanceTimersByTimeAsync(11_000)
  expect(edge.socket.of('ice')).toHaveLength(1)
})
