// The client library as `make library` packs it, on a page of another site than the edge's, which the edge allows.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath, URL } from 'node:url'
import { promisify } from 'node:util'
import type { JSHandle } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LocalMedia } from '../../src/client'
import { useStage } from '../harness/stage'
import { Visitor } from '../harness/visitor'

const stage = useStage()
const web = fileURLToPath(new URL('../..', import.meta.url))
const TYPES: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html' }
let server: Server
let site = ''

/** The policy that the library's README asks for, for this edge, and what the example's own inline script and style need beside. */
async function policy(edge: string): Promise<string> {
  const told = /^ {4}(connect-src .*)$/m.exec(await readFile(join(web, 'README.md'), 'utf8'))?.[1] ?? ''
  const here = told.replace('https://edge.example.org', edge).replace('wss://edge.example.org', edge.replace('http', 'ws'))
  return `default-src 'self'; style-src 'unsafe-inline'; ${here.replace('script-src', "script-src 'unsafe-inline'")}`
}

beforeAll(async () => {
  await promisify(execFile)('npm', ['run', 'library'], { cwd: web })
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site')
    const serve = async () => {
      const own = pathname.startsWith('/callmesh/') ? join('dist-lib', pathname.slice('/callmesh'.length)) : pathname === '/favicon.svg' ? 'public/favicon.svg' : 'example/index.html'
      const bytes = await readFile(join(web, own))
      response.setHeader('Content-Security-Policy', await policy(stage.mesh.alone.origin))
      response.setHeader('Content-Type', TYPES[extname(own)] ?? 'application/octet-stream')
      // What a site that takes the page has to write into it.
      const page = () => String(bytes).replace('/src/client.ts', '/callmesh/callmesh.js').replace('const edge = location.origin', `const edge = '${stage.mesh.alone.origin}'`)
      response.end(own.endsWith('.html') ? page() : bytes)
    }
    serve().catch(() => response.writeHead(404).end())
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  stage.mesh.alone.allowedOrigins = [site]
  await stage.mesh.alone.start()
}, 180_000)
afterAll(() => new Promise((resolve) => server.close(resolve)))

test('a page of another site, in sixty lines, is in a call with a visitor of ours', async () => {
  const room = stage.room()
  const edge = stage.mesh.alone.origin
  const eve = await Visitor.arrive(await stage.browser({}), { name: 'the example', origin: site }, 'Eve')
  eve.watch.allow(new RegExp(`^a request to another origin: ${edge.replace('http', '(http|ws)')}/v1/`))
  const bo = await stage.visit('alone', 'Bo')
  await bo.enter(room)
  await eve.open('/')
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

  // Its worker and its code are found where the site has put them.
  // As text: what runs the tests would make another import of it.
  const effects = (await eve.page.evaluateHandle(`import('/callmesh/callmesh.js').then(async ({ LocalMedia }) => {
    const media = new LocalMedia()
    media.effects.set({ filter: 'mono', background: 'none', sticker: 'none', smooth: 0 })
    await media.setCamera(true)
    return media.effects
  })`)) as JSHandle<LocalMedia['effects']>
  await expect.poll(() => effects.evaluate((it) => it.view().state), { timeout: 30_000 }).toBe('on')
  expect(eve.watch.complaints()).toEqual([])
})
