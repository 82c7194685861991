import { describe, expect, it } from 'vitest'
import { Ladder } from './ladder'
import { cameraShare, planOf, rungFor, RUNGS, SOUND_BPS, tileHeight, topRung, type Demand } from './plan'
import { Processor } from './processor'

const HD = { width: 1280, height: 720, fps: 30 }
const demand = (part: Partial<Demand> = {}): Demand => ({
  peers: 1, camera: HD, screen: null, microphone: true, sharing: false, pixelsPerSecond: 1e9, ...part,
})
const LAST = RUNGS.length - 1

describe('the ladder of qualities', () => {
  it('has steps that a congestion controller can climb', () => {
    for (let i = 1; i < RUNGS.length; i++) expect(RUNGS[i - 1]!.bps / RUNGS[i]!.bps, `step ${i}`).toBeLessThanOrEqual(1.58)
  })

  it.each<[string, Partial<Demand>, number]>([
    ['one other', {}, 720],
    ['three others', { peers: 3 }, 540],
    ['five others', { peers: 5 }, 360],
    ['seven others', { peers: 7 }, 270],
    ['a shared screen', { sharing: true }, 180],
    ['two weak cores and one other', { pixelsPerSecond: 14e6 }, 540],
    ['two weak cores and seven others', { peers: 7, pixelsPerSecond: 14e6 }, 270],
    ['a small camera and two weak cores', { camera: { width: 320, height: 240, fps: 10 }, peers: 3, pixelsPerSecond: 14e6 }, 540],
    ['a processor that can do nothing', { pixelsPerSecond: 0 }, 120],
  ])('begins, with %s, at the lines that make sense', (_, part, height) => {
    expect(RUNGS[topRung(demand(part))]!.height).toBe(height)
  })

  it.each<[string, number | null, Partial<Demand>, number, number]>([
    ['all of a page with one other', 1_080, {}, 720, 720],
    ['as much as a page of before can have', 0xffff, { peers: 7 }, 270, 270],
    ['a tile between two rungs', 420, {}, 540, 420],
    ['a small tile', 180, {}, 180, 180],
    ['a tile as small as a stamp, which goes no slower for it', 60, {}, 180, 60],
    ['less than anybody can see', 1, {}, 180, 60],
    ['nothing', 0, {}, 120, 120],
    ['a large face beside a screen, which comes first', 720, { sharing: true }, 180, 180],
    ['a face in the strip beside a screen', 120, { sharing: true }, 180, 120],
    ['no word of it', null, {}, 720, 720],
    ['more than a weak processor can do', 720, { pixelsPerSecond: 14e6 }, 540, 540],
  ])('sends no more than is shown: %s', (_, lines, part, height, sent) => {
    const rung = topRung(demand(part), lines)
    expect(RUNGS[rung]!.height).toBe(height)
    expect(RUNGS[rung]!.fps).toBeGreaterThanOrEqual(lines === 0 ? 7 : 15)
    expect(HD.height / planOf(demand(part), rung, null, lines).camera!.scaleResolutionDownBy!).toBeCloseTo(sent, -0.5)
  })

  it('leaves the sound out of what the camera gets, and most to a shared screen', () => {
    expect(cameraShare(1_000_000, demand())).toBe(1_000_000 - SOUND_BPS)
    expect(cameraShare(1_000_000, demand({ screen: HD }))).toBe((1_000_000 - SOUND_BPS) / 4)
    expect(cameraShare(10_000, demand())).toBe(0)
    expect(cameraShare(null, demand())).toBeNull()
  })

  it.each([[null, 2, 2], [5e6, 2, 2], [600_000, 0, 3], [100_000, 0, LAST], [0, 0, LAST]])('for %s bits from rung %i is rung %i', (bps, top, rung) => {
    expect(rungFor(bps, top)).toBe(rung)
  })

  it('gives faces fewer lines the more there are', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8].map((people) => tileHeight(people, false))).toEqual([720, 720, 540, 540, 360, 360, 270, 270])
  })
})

describe('the plan for a link', () => {
  it('scales the camera to its rung and protects the sound', () => {
    const plan = planOf(demand(), 3, 900_000)
    expect(plan.camera).toEqual({
      maxBitrate: 550_000, maxFramerate: 24, scaleResolutionDownBy: 2, priority: 'low', degradation: 'balanced', codecs: ['AV1', 'VP9', 'H264', 'VP8'],
    })
    expect(plan.microphone).toEqual({ maxBitrate: SOUND_BPS, priority: 'high' })
    expect(plan.bps).toBe(550_000 + SOUND_BPS)
  })

  it('never blows a small camera up', () => {
    expect(planOf(demand({ camera: { width: 160, height: 120, fps: 5 } }), 0, null).camera?.scaleResolutionDownBy).toBe(1)
  })

  it('keeps a screen sharp and slows it down', () => {
    expect(planOf(demand({ screen: HD }), 6, null).screen).toMatchObject({ maxBitrate: 2_500_000, maxFramerate: 15, scaleResolutionDownBy: 1, degradation: 'maintain-resolution' })
    expect(planOf(demand({ screen: HD }), 6, 500_000).screen).toMatchObject({ maxBitrate: 339_000, maxFramerate: 5, scaleResolutionDownBy: 1 })
    expect(planOf(demand({ screen: HD }), 6, 50_000).screen?.maxBitrate).toBe(200_000)
  })

  it('sends nothing for what is off', () => {
    expect(planOf(demand({ camera: null, microphone: false }), 0, null)).toMatchObject({ camera: null, screen: null, bps: 0 })
  })
})

describe('where a link stands', () => {
  const after = (ladder: Ladder, bps: number | null, top: number, from: number, to: number) => {
    let rung = -1
    for (let at = from; at <= to; at += 2_000) rung = ladder.step(bps, top, at)
    return rung
  }

  it('does not believe the first estimates', () => {
    const ladder = new Ladder(0, 0)
    expect(after(ladder, 200_000, 0, 0, 6_000)).toBe(0)
    expect(ladder.step(200_000, 0, 8_000)).toBe(6)
  })

  it('goes down at once and up one by one', () => {
    const ladder = new Ladder(0, 0)
    after(ladder, 5e6, 0, 0, 20_000)
    expect(ladder.step(300_000, 0, 22_000)).toBe(5)
    expect(after(ladder, 5e6, 0, 24_000, 26_000)).toBe(5)
    expect(ladder.step(5e6, 0, 28_000)).toBe(4)
    expect(after(ladder, 5e6, 0, 30_000, 32_000)).toBe(4)
    expect(ladder.step(5e6, 0, 34_000)).toBe(3)
  })

  it('does not follow every wave of the estimate', () => {
    const ladder = new Ladder(3, 0)
    for (let at = 0; at < 60_000; at += 2_000) expect(ladder.step(at % 4_000 ? 430_000 : 600_000, 3, at)).toBe(3)
  })

  it('waits longer after a step that had to be taken back', () => {
    const ladder = new Ladder(0, 0)
    after(ladder, 400_000, 0, 0, 10_000)
    const low = ladder.step(250_000, 0, 12_000)
    // Up, and back within moments.
    expect(after(ladder, 400_000, 0, 14_000, 18_000)).toBe(low - 1)
    expect(ladder.step(150_000, 0, 20_000)).toBeGreaterThanOrEqual(low)
    const back = ladder.step(150_000, 0, 22_000)
    expect(after(ladder, 400_000, 0, 24_000, 30_000)).toBe(back)
    expect(after(ladder, 400_000, 0, 32_000, 36_000)).toBe(back - 1)
  })

  it('follows a lower top at once, and a higher one to where the network carried it', () => {
    const ladder = new Ladder(0, 0)
    expect(ladder.step(5e6, 6, 2_000)).toBe(6)
    // Of little that is sent, little is estimated; that is not believed at once.
    expect(after(ladder, 200_000, 6, 4_000, 60_000)).toBe(6)
    expect(ladder.step(200_000, 0, 62_000)).toBe(0)
    expect(after(ladder, 200_000, 0, 64_000, 68_000)).toBe(0)
    expect(ladder.step(200_000, 0, 70_000)).toBe(6)
    // The network is what holds it now, whatever is shown meanwhile.
    expect(ladder.step(200_000, 8, 72_000)).toBe(8)
    expect(ladder.step(200_000, 0, 74_000)).toBe(6)
  })

  it('is not climbed on what nobody knows, however often the others look away and back', () => {
    const ladder = new Ladder(0, 0)
    expect(after(ladder, 200_000, 0, 0, 10_000)).toBe(6)
    for (let at = 12_000; at < 120_000; at += 12_000) {
      expect(after(ladder, 200_000, 8, at, at + 2_000)).toBe(8)
      expect(after(ladder, 200_000, 0, at + 4_000, at + 10_000)).toBe(6)
    }
    expect(after(ladder, 5e6, 0, 120_000, 124_000)).toBe(5)
  })
})

describe('the processor', () => {
  it('is given less to do when it is at its end, and slowly more', () => {
    const processor = new Processor(2, 0)
    const full = processor.take(false, 0)
    const less = processor.take(true, 2_000)
    expect(less).toBeLessThan(full)
    expect(processor.take(false, 4_000)).toBe(less)
    expect(processor.take(false, 23_000)).toBeGreaterThan(less)
    for (let i = 0; i < 100; i++) processor.take(true, 24_000 + i)
    expect(processor.take(true, 30_000)).toBeGreaterThan(0)
    for (let i = 1; i < 100; i++) processor.take(false, 30_000 + i * 20_000)
    expect(processor.take(false, 9e6)).toBe(full)
  })
})
