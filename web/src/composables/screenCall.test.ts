import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Ringing } from '@/call/ringing/ringing'
import { SignalClient } from '@/signal/client'
import { FakeEdge, type FakeSocket } from '@/signal/signaltest/fakeEdge'
import type { Media } from '@/wire/wire.gen'

const session = vi.hoisted(() => ({ value: null as unknown }))
vi.mock('./useSession', () => ({ session }))

const BO = { id: 'bo', name: 'Bo' }
let signal: SignalClient
let ringing: Ringing
let socket: FakeSocket
let screen: { readyState: string; stop(): void; addEventListener(): void }
let screenCall: typeof import('./screenCall')
let mid = 0

const settle = () => vi.advanceTimersByTimeAsync(0)
const event = async (frame: object) => {
  socket.deliver({ mid: `s:${++mid}`, at: Date.now(), ...frame })
  await settle()
}
const ring = (call: string, media: Media) => event({ ev: 'ring', call, room: `room-${call}`, from: BO, media, expiresAt: Date.now() + 30_000 })
const told = (call: string, state: string) => event({ ev: 'call', call, state })

beforeEach(async () => {
  vi.useFakeTimers()
  screen = { readyState: 'live', stop: () => (screen.readyState = 'ended'), addEventListener: () => undefined }
  const stream = { getTracks: () => [screen], getVideoTracks: () => [screen] }
  vi.stubGlobal('navigator', { mediaDevices: { getDisplayMedia: async () => stream } })
  vi.resetModules()
  screenCall = await import('./screenCall')
  const edge = new FakeEdge()
  signal = new SignalClient({ url: 'ws://x', token: async () => 't', openWebSocket: edge.openWebSocket, random: () => 0 })
  ringing = new Ringing({ signal, record: () => undefined })
  session.value = { ringing }
  // As the page does it.
  ringing.subscribe((now) => screenCall.settleScreen(now))
  signal.start()
  await settle()
  socket = edge.greet()
  await settle()
  void screenCall.placeCall(BO, 'screen')
  await settle()
})
afterEach(() => {
  ringing.close()
  signal.close()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

it.each([
  ['cancelled c1', 'accepted c9'],
  ['accepted c9', 'cancelled c1'],
])('a screen is shown in the call that the other’s became, as %s comes before %s', async (...order) => {
  socket.ok('call', { call: 'c1', room: 'r1' })
  await settle()
  await ring('c9', 'audio')
  for (const [state = '', call = ''] of order.map((one) => one.split(' '))) await told(call, state)
  expect(ringing.snapshot().current).toMatchObject({ call: 'c9', media: 'screen' })
  expect(screen.readyState).toBe('live')
  expect(screenCall.takeScreen()?.getVideoTracks()).toEqual([screen])
})

it('a screen is shown in the other’s call where that stands from the start', async () => {
  await ring('c9', 'audio')
  socket.ok('call', { call: 'c9', room: 'room-c9' })
  await settle()
  await told('c9', 'accepted')
  expect(ringing.snapshot().current).toMatchObject({ call: 'c9', media: 'screen' })
  expect(screenCall.takeScreen()).not.toBeNull()
})

it('a screen is let go of when our call gave way in vain', async () => {
  socket.ok('call', { call: 'c1', room: 'r1' })
  await settle()
  await ring('c9', 'audio')
  await told('c1', 'cancelled')
  await vi.advanceTimersByTimeAsync(3_000)
  expect(screen.readyState).toBe('ended')
})
