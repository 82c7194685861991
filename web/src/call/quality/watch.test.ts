// @vitest-environment node
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { RoomSnapshot } from '../state'
import { QualityWatch } from './watch'

const CAMERA = { muted: false, getSettings: () => ({ width: 1280, height: 720, frameRate: 30 }) } as unknown as MediaStreamTrack

/** A connected peer that shows so many lines of our camera. */
class Bo {
  lines: number | null = null
  readonly heights: number[] = []
  private readonly listeners = new Set<(peer: string) => void>()
  private readonly parameters = { encodings: [{}], codecs: [] } as unknown as RTCRtpSendParameters
  private readonly sender = {
    getParameters: vi.fn(() => structuredClone(this.parameters)),
    setParameters: async ({ encodings }: RTCRtpSendParameters) => void this.heights.push(Math.round(720 / encodings[0]!.scaleResolutionDownBy!)),
  }
  readonly pc = {
    connectionState: 'connected',
    getStats: vi.fn(() => Promise.resolve(new Map())),
    getTransceivers: () => [undefined, { mid: '1', sender: this.sender }],
  } as unknown as RTCPeerConnection
  readonly showing = {
    linesAt: () => this.lines,
    onAsked: (listener: (peer: string) => void) => {
      this.listeners.add(listener)
      return () => this.listeners.delete(listener)
    },
  }

  shows(lines: number): void {
    this.lines = lines
    for (const listener of this.listeners) listener('bo')
  }

  stumbles(): void {
    this.sender.getParameters.mockImplementationOnce(() => {
      throw new DOMException('not now', 'InvalidStateError')
    })
  }
}

let bo: Bo
let watch: QualityWatch
beforeEach(() => {
  vi.useFakeTimers()
  bo = new Bo()
  const room = { peers: [{ peer: 'bo', user: { id: 'bo', name: 'Bo' }, path: null, sends: {} }], sends: {} } as unknown as RoomSnapshot
  watch = new QualityWatch({
    call: { peerConnections: () => new Map([['bo', bo.pc]]), snapshot: () => room, showing: bo.showing },
    track: (slot) => (slot === 'camera' ? CAMERA : null),
    cores: 8,
  })
})
afterEach(() => {
  watch.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

it('sends a peer what it shows without waiting for a reading, however often it changes its mind', async () => {
  for (let turn = 0; turn < 100; turn++) bo.shows(turn % 2 ? 180 : 720)
  await vi.advanceTimersByTimeAsync(500)
  expect(bo.heights).toEqual([180])
})

it('goes on when a browser could not be told once', async () => {
  bo.stumbles()
  bo.shows(180)
  await vi.advanceTimersByTimeAsync(500)
  expect(bo.heights).toEqual([])
  bo.shows(360)
  await vi.advanceTimersByTimeAsync(500)
  expect(bo.heights).toEqual([360])
})

it('goes on after a connection was closed in the middle of a reading, which some browsers then never settle', async () => {
  vi.mocked(bo.pc.getStats).mockReturnValueOnce(new Promise(() => undefined))
  await vi.advanceTimersByTimeAsync(30_000)
  expect(vi.mocked(bo.pc.getStats).mock.calls.length).toBeGreaterThan(5)
})

it('asks nothing of anybody after its end', async () => {
  bo.shows(180)
  watch.stop()
  bo.shows(360)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(bo.heights).toEqual([])
})
