import { fileURLToPath, URL } from 'node:url'
import { createServer, type ViteDevServer } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useStage } from '../harness/stage'
import { Visitor } from '../harness/visitor'

const stage = useStage()
let server: ViteDevServer

// As a site of its own: it has the library's sources, and passes the protocol on to an edge.
beforeAll(async () => {
  const edge = stage.mesh.a.origin
  server = await createServer({
    root: fileURLToPath(new URL('../..', import.meta.url)),
    configFile: false,
    logLevel: 'error',
    // The example depends on nothing but the library; the rest of the sources is not its business.
    optimizeDeps: { noDiscovery: true },
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null, proxy: { '/v1': { target: edge, ws: true, changeOrigin: true, headers: { origin: edge } } } },
  })
  await server.listen()
})
afterAll(() => server.close())

test('a page of another site, in sixty lines, is in a call with a visitor of ours', async () => {
  const room = stage.room()
  const address = server.httpServer?.address()
  if (!address || typeof address === 'string') throw new Error('the example is not served')
  const eve = await Visitor.arrive(await stage.browser({}), { name: 'the example', origin: `http://127.0.0.1:${address.port}` }, 'Eve')
  const bo = await stage.visit('b', 'Bo')
  await bo.enter(room)
  await eve.open('/example/index.html')
  await eve.page.getByLabel('Your name').fill('Eve')
  await eve.page.getByLabel('Room').fill(room)
  await eve.page.getByRole('button', { name: 'Join' }).click()
  await eve.page.getByText(`You are in ${room}.`).waitFor()

  await bo.sees('Eve')
  await bo.hears('Eve')
  await eve.page.getByText('Bo', { exact: true }).waitFor()
  const shown = () => eve.page.locator('video').evaluate((video: HTMLVideoElement) => video.getVideoPlaybackQuality().totalVideoFrames)
  const start = await shown()
  await expect.poll(shown, { timeout: 30_000 }).toBeGreaterThan(start + 10)
  await bo.leave()
  await eve.page.locator('video').waitFor({ state: 'detached' })
  expect(eve.watch.complaints()).toEqual([])
})
