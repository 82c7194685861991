// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hasUdp, probeRelay } from './relayProbe'

type Handler = ((event: unknown) => void) | null

/** As much of a connection as a probe touches; the test plays the relay. */
class FakeConnection {
  static made: FakeConnection[] = []
  onicecandidate: Handler = null
  onicecandidateerror: Handler = null
  onicegatheringstatechange: Handler = null
  iceGatheringState = 'gathering'
  localDescription = {}
  closed = false
  readonly configuration: RTCConfiguration
  readonly channel = { onopen: null as Handler, onmessage: null as Handler, send: (data: string) => this.peer().channel.onmessage?.({ data }) }

  constructor(configuration: RTCConfiguration) {
    this.configuration = configuration
    FakeConnection.made.push(this)
  }

  peer(): FakeConnection {
    return FakeConnection.made.find((other) => other !== this)!
  }

  createDataChannel = () => this.channel
  setLocalDescription = () => Promise.resolve()
  setRemoteDescription = () => Promise.resolve()
  addIceCandidate = () => Promise.resolve()
  close(): void {
    this.closed = true
  }

  candidate(text: string): void {
    this.onicecandidate?.({ candidate: { candidate: text } })
  }

  complete(): void {
    this.iceGatheringState = 'complete'
    this.onicegatheringstatechange?.({})
    this.onicecandidate?.({ candidate: null })
  }
}

const connect = (configuration: RTCConfiguration) => new FakeConnection(configuration) as unknown as RTCPeerConnection
const here = () => FakeConnection.made[0]!
const server = { urls: 'turn:r?transport=udp', username: 'u', credential: 'c' }

beforeEach(() => {
  FakeConnection.made = []
  vi.useFakeTimers()
})
afterEach(() => vi.useRealTimers())

describe('a probe of a relay', () => {
  it('may use nothing but this relay, and lets go of everything', async () => {
    const probe = probeRelay(server, 5_000, connect)
    await vi.advanceTimersByTimeAsync(1)
    for (const { configuration } of FakeConnection.made) expect(configuration).toEqual({ iceServers: [server], iceTransportPolicy: 'relay' })
    here().channel.onopen?.({})
    const outcome = await probe
    expect(outcome.state).toBe('reached')
    expect(FakeConnection.made.map(({ closed }) => closed)).toEqual([true, true])
  })

  it('that hears nothing ends in time', async () => {
    const probe = probeRelay(server, 5_000, connect)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await probe).toEqual({ state: 'unanswered' })
    expect(FakeConnection.made.every(({ closed }) => closed)).toBe(true)
  })

  it('that ends its search without an address need not wait', async () => {
    const probe = probeRelay(server, 5_000, connect)
    here().onicecandidateerror?.({ errorCode: 701 })
    here().complete()
    expect(await probe).toEqual({ state: 'unanswered' })
  })

  it('tells a refusal from silence', async () => {
    const probe = probeRelay(server, 5_000, connect)
    here().onicecandidateerror?.({ errorCode: 401 })
    here().complete()
    expect(await probe).toEqual({ state: 'refused' })
  })

  it('tells an address that carries nothing', async () => {
    const probe = probeRelay(server, 5_000, connect)
    here().candidate('candidate:1 1 udp 1 192.0.2.1 5000 typ relay')
    here().complete()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await probe).toEqual({ state: 'silent' })
  })
})

it('a browser has UDP if it finds any address for it', async () => {
  const found = hasUdp(2_000, connect)
  here().candidate('candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active')
  here().candidate('candidate:2 1 UDP 1 192.0.2.1 5000 typ host')
  expect(await found).toBe(true)
  FakeConnection.made = []
  const none = hasUdp(2_000, connect)
  here().complete()
  expect(await none).toBe(false)
})
