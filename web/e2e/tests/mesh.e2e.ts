// What is sent follows the number of people: the codec, and the size of the pictures.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'
import { testFrames, writeY4M } from '../harness/y4m'

const stage = useStage()
const SOON = { timeout: 40_000 }
let dir = ''
const camera = () => join(dir, 'small.y4m')

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'callmesh-mesh-'))
  const size = { width: 160, height: 120 }
  await writeY4M(camera(), size, 5, testFrames(size, 10))
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
