import { beforeEach, describe, expect, it } from 'vitest'
import { ScreenAhead, type HeldScreen } from './screenAhead'

class FakeTrack extends EventTarget {
  readyState: MediaStreamTrackState = 'live'
  readonly kind: string

  constructor(kind: string) {
    super()
    this.kind = kind
  }

  stop(): void {
    this.readyState = 'ended'
  }

  /** As by the browser's own "stop sharing". */
  endByItself(): void {
    this.stop()
    this.dispatchEvent(new Event('ended'))
  }
}

let given: FakeTrack[]
let answer: () => Promise<MediaStream>
let told: HeldScreen[]
const devices = { getDisplayMedia: () => answer() }
const open = () => new ScreenAhead({ devices, changed: (state) => told.push(state) })

beforeEach(() => {
  given = []
  told = []
  answer = async () => {
    const tracks = [new FakeTrack('video'), new FakeTrack('audio')]
    given.push(...tracks)
    return { getTracks: () => tracks, getVideoTracks: () => tracks.filter(({ kind }) => kind === 'video') } as unknown as MediaStream
  }
})

const states = () => given.map(({ readyState }) => readyState)

describe('a screen chosen ahead', () => {
  it('goes on until it is taken, and is the taker’s from then on', async () => {
    const ahead = open()
    expect(await ahead.choose()).toBeNull()
    expect(ahead.take()?.getTracks()).toEqual(given)
    ahead.drop()
    expect(states()).toEqual(['live', 'live'])
    expect(ahead.take(), 'twice').toBeNull()
    expect(told).toEqual(['chosen', 'none'])
  })

  it('is let go of with its sound when the call comes to nothing, and when another is chosen', async () => {
    const ahead = open()
    await ahead.choose()
    ahead.drop()
    expect(states()).toEqual(['ended', 'ended'])
    await ahead.choose()
    await ahead.choose()
    expect(states()).toEqual(['ended', 'ended', 'ended', 'ended', 'live', 'live'])
  })

  it('that the reader takes back is told, and given to nobody', async () => {
    const ahead = open()
    await ahead.choose()
    given[0]!.endByItself()
    expect(told).toEqual(['chosen', 'ended'])
    expect(ahead.take()).toBeNull()
    expect(states(), 'its sound').toEqual(['ended', 'ended'])
  })

  it('that is not given tells why, and what was held stays', async () => {
    const ahead = open()
    await ahead.choose()
    answer = () => Promise.reject(new DOMException('Permission denied by system', 'NotAllowedError'))
    expect(await ahead.choose()).toBe('denied_by_system')
    expect(ahead.state).toBe('chosen')
    expect(await new ScreenAhead({ devices: undefined, changed: () => undefined }).choose()).toBe('unsupported')
  })
})
