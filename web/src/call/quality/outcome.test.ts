// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Outcome } from '../../wire/wire.gen'
import { watchOutcome } from './outcome'

type States = Partial<Pick<RTCPeerConnection, 'connectionState' | 'iceConnectionState' | 'iceGatheringState'>> & { local?: string; remote?: string }

/** What is read of a connection, moved by hand. */
class Connection extends EventTarget {
  connectionState: RTCPeerConnectionState = 'new'
  iceConnectionState: RTCIceConnectionState = 'new'
  iceGatheringState: RTCIceGatheringState = 'new'
  localDescription: { sdp: string } | null = null
  remoteDescription: { sdp: string } | null = null
  stats = new Map<string, unknown>()

  getStats = () => Promise.resolve(this.stats)

  become({ local, remote, ...states }: States): void {
    Object.assign(this, states)
    if (local !== undefined) this.localDescription = { sdp: local }
    if (remote !== undefined) this.remoteDescription = { sdp: remote }
    this.dispatchEvent(new Event(states.connectionState ? 'connectionstatechange' : 'signalingstatechange'))
  }
}

let pc: Connection
let told: Outcome[]
let stop: () => void

beforeEach(() => {
  vi.useFakeTimers()
  pc = new Connection()
  told = []
  stop = watchOutcome(pc as unknown as RTCPeerConnection, { tell: (outcome) => told.push(outcome), regionOf: () => 'eu-west' })
})
afterEach(() => {
  stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const described = { local: 'a=candidate:1', remote: 'x' }

describe('the outcome of a connection', () => {
  it('is its path and the time from the first description, told once', async () => {
    await vi.advanceTimersByTimeAsync(5_000)
    pc.become(described)
    await vi.advanceTimersByTimeAsync(250)
    pc.stats = new Map<string, unknown>([
      ['T', { type: 'transport', selectedCandidatePairId: 'P' }],
      ['P', { type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R', currentRoundTripTime: 0.038 }],
      ['L', { candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls', url: 'turns:r' }],
      ['R', { candidateType: 'host', protocol: 'udp' }],
    ])
    pc.become({ connectionState: 'connected' })
    await vi.advanceTimersByTimeAsync(0)
    expect(told).toEqual([{ result: 'connected', ms: 250, path: 'relay', protocol: 'tls', relayRegion: 'eu-west', rttMs: 38 }])
    pc.become({ connectionState: 'failed' })
    pc.become({ connectionState: 'connected' })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(told).toHaveLength(1)
  })

  it.each<[string, States, Partial<Outcome>]>([
    ['nothing came across', { local: 'a=candidate:1' }, { result: 'no_signalling', step: 'signal' }],
    ['nothing was gathered', { local: 'x', remote: 'y', iceGatheringState: 'complete' }, { result: 'no_candidates', step: 'gather' }],
    ['no pair answered', { ...described, iceConnectionState: 'checking' }, { result: 'failed', step: 'check' }],
    ['the handshake did not end', { ...described, iceConnectionState: 'connected' }, { result: 'failed', step: 'dtls' }],
  ])('is a failure at the step where %s', async (_, states, outcome) => {
    pc.become(states)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(told).toEqual([expect.objectContaining(outcome)])
  })

  it('is told at once when the browser gives up', () => {
    pc.become(described)
    pc.become({ connectionState: 'failed', iceConnectionState: 'failed' })
    expect(told).toEqual([expect.objectContaining({ result: 'failed', step: 'check' })])
  })

  it('is nothing for one that was closed before it came to anything', async () => {
    pc.become(described)
    stop()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(told).toEqual([])
  })
})
