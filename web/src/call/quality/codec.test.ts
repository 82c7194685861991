import { describe, expect, it } from 'vitest'
import { codecAmong, codecsFor, Encoders } from './codec'

const codec = (name: string, sdpFmtpLine?: string): RTCRtpCodec => ({ mimeType: `video/${name}`, clockRate: 90_000, ...(sdpFmtpLine && { sdpFmtpLine }) })
const HD = 1280 * 720 * 30
const SMALL = 480 * 270 * 15
const CORES = (count: number) => count * 14e6

describe('the codecs for a picture', () => {
  it.each<[string, number, number, number, string[]]>([
    ['one other and eight cores', 1, CORES(8), HD, ['VP9', 'H264', 'VP8']],
    ['one other and two cores', 1, CORES(2), HD, ['H264', 'VP8']],
    ['one other, two cores, and a network for a small picture', 1, CORES(2), SMALL, ['AV1', 'VP9', 'H264', 'VP8']],
    ['one other, and a processor at its end', 1, 2e6, SMALL, ['H264', 'VP8']],
    ['two others, and all the cores in the world', 2, 1e12, SMALL, ['H264', 'VP8']],
    ['seven others', 7, CORES(2), SMALL, ['H264', 'VP8']],
  ])('are, with %s', (_, peers, pixelsPerSecond, pixels, codecs) => {
    expect(codecsFor({ peers, pixelsPerSecond }, pixels)).toEqual(codecs)
  })

  it('are never one that this browser can’t do', () => {
    expect(codecsFor({ peers: 7, pixelsPerSecond: 1e9, unfit: new Set(['H264']) }, SMALL)).toEqual(['VP8'])
  })
})

describe('the codec among those negotiated', () => {
  const rtx = codec('rtx', 'apt=96')
  const high = codec('H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640032')
  const whole = codec('H264', 'level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f')
  const usual = codec('H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f')
  const deep = codec('VP9', 'profile-id=2')
  const vp9 = codec('VP9', 'profile-id=0')

  it('is the first of the wanted', () => {
    expect(codecAmong([codec('VP8'), rtx, deep, vp9], ['AV1', 'VP9', 'VP8'])).toBe(vp9)
    expect(codecAmong([rtx, high, whole, usual], ['H264', 'VP8'])).toBe(usual)
    expect(codecAmong([rtx, high], ['H264'])).toBe(high)
    expect(codecAmong([codec('vp8')], ['VP8'])).toMatchObject({ mimeType: 'video/vp8' })
  })

  it('is the browser’s to choose if there is none of them', () => {
    expect(codecAmong([rtx, codec('H265')], ['VP9', 'VP8'])).toBeUndefined()
    expect(codecAmong([], ['VP8'])).toBeUndefined()
  })
})

describe('encoders', () => {
  const take = (encoders: Encoders, sender: object, goes: boolean[], codec: 'H264' | 'VP8' = 'H264') => goes.forEach((one) => encoders.take(sender, codec, one))

  it('that give no pictures for long are not used again', () => {
    const encoders = new Encoders()
    take(encoders, {}, Array<boolean>(5).fill(false))
    expect([...encoders.unfit]).toEqual(['H264'])
  })

  it('that only stumble are', () => {
    const encoders = new Encoders()
    take(encoders, encoders, [false, false, true, ...Array<boolean>(9).fill(false)])
    // Each sender has a count of its own, and so has each codec.
    const other = {}
    take(encoders, other, [false, false, false, false])
    take(encoders, {}, [false])
    take(encoders, other, [false], 'VP8')
    take(encoders, other, [false, false, false, false])
    expect(encoders.unfit.size).toBe(0)
  })

  it('leave VP8, to which there is no other', () => {
    const encoders = new Encoders()
    take(encoders, {}, Array<boolean>(9).fill(false), 'VP8')
    expect(encoders.unfit.size).toBe(0)
  })
})
