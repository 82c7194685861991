// What is sent follows the number of people, the codec and the size of the pictures; and there is a most that one call takes.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestBrowser } from '../harness/browser'
import { useStage } from '../harness/stage'
import { inflows, type Inflow } from '../harness/stats'
import type { Visitor } from '../harness/visitor'
import { testFrames, writeY4M } from '../harness/y4m'

const stage = useStage()
const SOON = { timeout: 40_000 }
/** All together keep few cores busy. */
const LATE = { timeout: 60_000, interval: 1_000 }
let dir = ''
const camera = () => join(dir, 'small.y4m')
/** Has more lines than eight people are sent. */
const larger = () => join(dir, 'larger.y4m')

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'callmesh-mesh-'))
  const [small, large] = [{ width: 160, height: 120 }, { width: 480, height: 360 }]
  await writeY4M(camera(), small, 5, testFrames(small, 10))
  await writeY4M(larger(), large, 2, testFrames(large, 8))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** What a visitor's camera is encoded with now, towards each of the others; by what the encoder says, not by what it was told. */
const codecsOf = ({ page }: Visitor) =>
  page.evaluate(async () => {
    const all = await Promise.all(
      [...window.callmesh!.peerConnections().values()].map(async (pc) => {
        const stats = (await pc.getTransceivers()[1]?.sender.getStats()) as Map<string, { type: string; codecId?: string; mimeType?: string }> | undefined
        const sent = [...(stats?.values() ?? [])].find(({ type }) => type === 'outbound-rtp')
        return stats?.get(sent?.codecId ?? '')?.mimeType?.replace('video/', '') ?? ''
      }),
    )
    return all.sort()
  })

const allSee = (visitors: Visitor[]) =>
  Promise.all(visitors.flatMap((one) => visitors.filter((other) => other !== one).map((other) => one.sees(other.name, 5))))

test('to one other goes the better codec, to several one that is cheap, and nobody’s pictures stop', async () => {
  const browser = await stage.browser({ camera: camera() })
  const room = stage.room()
  const [ada, bo, cy, di] = await Promise.all((['Ada', 'Bo', 'Cy', 'Di'] as const).map((name, i) => stage.visit(i % 2 ? 'b' : 'a', name, {}, browser)))
  // Not every build of Chromium has H.264.
  const cheap = await ada!.page.evaluate(() => (RTCRtpSender.getCapabilities('video')!.codecs.some(({ mimeType }) => mimeType === 'video/H264') ? 'H264' : 'VP8'))
  await Promise.all([ada!.enter(room), bo!.enter(room)])
  await expect.poll(() => Promise.all([ada!, bo!].map(codecsOf)), SOON).toEqual([['AV1'], ['AV1']])
  await allSee([ada!, bo!])

  await cy!.enter(room)
  await expect.poll(() => Promise.all([ada!, bo!, cy!].map(codecsOf)), SOON).toEqual([[cheap, cheap], [cheap, cheap], [cheap, cheap]])
  await allSee([ada!, bo!, cy!])

  await di!.enter(room)
  await expect.poll(() => codecsOf(di!), SOON).toEqual([cheap, cheap, cheap])
  await expect.poll(() => codecsOf(ada!), SOON).toEqual([cheap, cheap, cheap])
  await allSee([ada!, bo!, cy!, di!])

  await Promise.all([cy!.leave(), di!.leave()])
  await expect.poll(() => Promise.all([ada!, bo!].map(codecsOf)), SOON).toEqual([['AV1'], ['AV1']])
  await allSee([ada!, bo!])
})

/** Those with a microphone: sound costs more than small pictures, and eight people’s pages are a lot for few cores. */
const VOICES = ['Ada', 'Bo']

const SMALL = { width: 360, height: 270 }

/** Somebody with a small window, and a microphone only if they are to be heard; as patient as it takes among so many. */
async function squeezeIn(at: 'a' | 'b', name: string, browser: TestBrowser): Promise<Visitor> {
  const visitor = await stage.visit(at, name, { viewport: SMALL }, browser)
  visitor.page.setDefaultTimeout(60_000)
  if (VOICES.includes(name)) return visitor
  await visitor.page.addInitScript(() => {
    const devices = navigator.mediaDevices
    const open = devices.getUserMedia.bind(devices)
    devices.getUserMedia = (asked) => (asked?.audio ? Promise.reject(new DOMException('there is none', 'NotFoundError')) : open(asked))
  })
  return visitor
}

/** Tells whom a visitor has seen and heard since the first call: of whom more pictures are decoded and more sound than silence. */
function perceived(visitor: Visitor): () => Promise<{ seen: string[]; heard: string[] }> {
  const from = new Map<string, { frames: number; energy: number }>()
  return async () => {
    const flows = await inflows(visitor.page)
    for (const { name, frames, energy } of flows) {
      const before = from.get(name)
      // A connection that takes the place of another counts anew.
      if (!before || frames < before.frames || energy < before.energy) from.set(name, { frames, energy })
    }
    const names = (rises: (now: Inflow, before: { frames: number; energy: number }) => boolean) =>
      flows.filter((now) => rises(now, from.get(now.name)!)).map(({ name }) => name).sort()
    return { seen: names((now, before) => now.frames - before.frames >= 5), heard: names((now, before) => now.energy - before.energy > 1e-4) }
  }
}

/** Waits until each sees all others, and hears those who speak. */
async function allPerceive(visitors: Visitor[]): Promise<void> {
  const tells = visitors.map(perceived)
  const names = visitors.map(({ name }) => name).sort()
  const others = (of: string[], { name }: Visitor) => of.filter((one) => one !== name)
  const all = visitors.map((visitor) => ({ seen: others(names, visitor), heard: others(VOICES, visitor) }))
  await expect.poll(() => Promise.all(tells.map((tell) => tell())), LATE).toEqual(all)
}

test('eight are in one call, each sees and hears each; a ninth is told that it is full, and takes the place of one who leaves', async () => {
  const browser = await stage.browser({ camera: larger() })
  const room = stage.room()
  const names = ['Ada', 'Bo', 'Cy', 'Di', 'Eve', 'Fay', 'Gus', 'Hal']
  const eight: Visitor[] = []
  for (const [i, name] of names.entries()) {
    const visitor = await squeezeIn(i % 2 ? 'b' : 'a', name, browser)
    await visitor.enter(room)
    eight.push(visitor)
  }
  await allPerceive(eight)
  // The small windows’ tiles have some 60 lines each. Whoever does not know that sends 270, and before there are eight, all 360 of its camera.
  const lines = ({ page }: Visitor) => inflows(page).then((flows) => flows.map(({ lines }) => lines))
  const small = (count: number) => count > 0 && count <= 120
  await expect.poll(async () => (await Promise.all(eight.map(lines))).flat().filter(small).length, LATE).toBe(56)
  // A larger window is sent more, and its owner alone; as many as anybody of eight is sent. What a busy machine makes of a network may hold some back.
  const [ada, ...others] = eight as [Visitor, ...Visitor[]]
  await ada.page.setViewportSize({ width: 1280, height: 900 })
  await expect.poll(async () => (await lines(ada)).filter((count) => count > 180 && count <= 270).length, LATE).toBeGreaterThanOrEqual(4)
  expect((await Promise.all(others.map(lines))).flat().filter(small).length).toBe(49)
  await ada.page.setViewportSize(SMALL)
  await expect.poll(async () => (await lines(ada)).filter(small).length, LATE).toBe(7)

  const ivy = await squeezeIn('b', 'Ivy', browser)
  await ivy.open(`/r/${room}`)
  await ivy.find('name').fill(ivy.name)
  await ivy.find('join').click()
  for (const [language, words] of [['en', 'The room is full'], ['zh', '房间已满']] as const) {
    await ivy.page.locator('select:has(option[value="zh"])').selectOption(language)
    await ivy.page.getByRole('heading', { name: words }).waitFor()
  }
  // Nobody’s links are other than before, nor has the mesh kept a place for who was turned away.
  const connected = () =>
    Promise.all(
      eight.map(({ page }) => page.evaluate(() => [...window.callmesh!.peerConnections().values()].filter(({ connectionState }) => connectionState === 'connected').length)),
    )
  await expect.poll(connected, LATE).toEqual(eight.map(() => 7))

  const hal = eight.pop()!
  await hal.leave()
  await Promise.all(eight.map((visitor) => visitor.tile('Hal').waitFor({ state: 'detached' })))
  await ivy.find('again').click()
  await ivy.join()
  await allPerceive([...eight, ivy])
}, 220_000)
