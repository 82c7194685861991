import { fileURLToPath, URL } from 'node:url'
import { createServer, type ViteDevServer } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { beepsOf, flashesOf, giveClapper, syncOf } from '../harness/clapper'
import { probe } from '../harness/mediaFile'
import { useScales } from '../harness/memory'
import { openLibrary, recordedFor, stopRecording, useDownloads } from '../harness/recordings'
import { useStage } from '../harness/stage'
import { Visitor } from '../harness/visitor'

const stage = useStage()
const downloaded = useDownloads()
/** ms by which picture and sound may be apart. */
const APART = 40
const MINUTES = 20
let server: ViteDevServer

beforeAll(async () => {
  server = await createServer({
    root: fileURLToPath(new URL('../..', import.meta.url)),
    configFile: false,
    logLevel: 'error',
    optimizeDeps: { noDiscovery: true },
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null },
  })
  await server.listen()
})
afterAll(() => server.close())

test('a recording of 20 minutes, made as fast as it can be, stays in sync and in bounded memory', async () => {
  const address = server.httpServer?.address()
  if (!address || typeof address === 'string') throw new Error('the page is not served')
  const { page } = await Visitor.arrive(await stage.browser({}), { name: 'the sources', origin: `http://127.0.0.1:${address.port}` }, 'Eve')
  await page.goto(`http://127.0.0.1:${address.port}/e2e/synthetic.html`)
  await page.waitForFunction(() => typeof window.end === 'function', undefined, { timeout: 60_000 })
  const weigh = await useScales(page)
  const feed = (minutes: number) => page.evaluate((seconds) => window.feed(seconds), 60 * minutes)
  await feed(2)
  const before = await weigh()
  const most = await feed(MINUTES - 2)
  const after = await weigh()
  const [download] = await Promise.all([page.waitForEvent('download', { timeout: 60_000 }), page.evaluate(() => window.end())])
  const path = await download.path()

  const [flashes, { beeps, end }] = await Promise.all([flashesOf(path), beepsOf(path)])
  expect([flashes.length, beeps.length]).toEqual([6 * MINUTES, 6 * MINUTES])
  const apart = flashes.map((at, n) => 1000 * (at - beeps[n]!.at))
  console.log(
    `recording-long | ${(end / 60).toFixed(1)} min | picture behind sound ${Math.min(...apart).toFixed(1)} to ${Math.max(...apart).toFixed(1)} ms | bound ${APART} ms`,
    `| waiting at most ${JSON.stringify(most)} | heap ${before.heap.toFixed(1)} to ${after.heap.toFixed(1)} MiB, process ${before.process.toFixed(0)} to ${after.process.toFixed(0)} MiB`,
  )
  expect((await probe(path)).streams).toEqual(['audio opus', 'video vp8'])
  flashes.forEach((at, n) => {
    expect(Math.abs(apart[n]!), `flash and beep at ${at} s`).toBeLessThan(APART)
    expect(Math.abs(at - (5 + 10 * n)), `the flash at ${at} s is where it was put`).toBeLessThan(APART / 1000)
  })
  expect(most.disk, 'bytes that wait for the disk').toBeLessThan(8 << 20)
  expect(after.heap - before.heap, 'MiB by which the heap grew').toBeLessThan(10)
  expect(after.process - before.process, 'MiB by which the process grew').toBeLessThan(80)
})

test('a recording by the true clock does not drift', async () => {
  const ada = await stage.visit('a', 'Ada')
  await giveClapper(ada.page)
  await ada.enter(stage.room())
  await ada.find('record').click()
  await recordedFor(ada, 45)
  await stopRecording(ada)
  await openLibrary(ada)
  const { first, last, minutes } = await syncOf(await downloaded(ada, 'download-webm'))
  console.log(`recording-real | ${(60 * minutes).toFixed(0)} s | picture behind sound, median of the first third ${first.toFixed(1)} ms, of the last ${last.toFixed(1)} ms`)
  expect(60 * minutes).toBeGreaterThan(35)
  expect(Math.abs(last - first), 'ms of drift').toBeLessThan(APART)
})
