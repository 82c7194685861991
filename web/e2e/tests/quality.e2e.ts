import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestBrowser } from '../harness/browser'
import { setHidden } from '../harness/hidden'
import { setWeather } from '../harness/network'
import { expectReported } from '../harness/reported'
import { useStage } from '../harness/stage'
import { expectGoodState } from '../harness/state'
import type { Visitor } from '../harness/visitor'
import { grainFrames, writeY4M } from '../harness/y4m'

const stage = useStage()
let dir = ''
const grain = () => join(dir, 'grain.y4m')

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'callmesh-grain-'))
  const size = { width: 320, height: 240 }
  await writeY4M(grain(), size, 10, grainFrames(size, 10))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** Ada, whose network can be changed, and Bo. */
async function callInWeather(browser?: TestBrowser): Promise<[ada: Visitor, bo: Visitor]> {
  const room = stage.room()
  const [ada, bo] = await Promise.all([stage.visit('a', 'Ada', {}, browser), stage.visit('b', 'Bo')])
  await setWeather(ada, {})
  await Promise.all([ada.enter(room), bo.enter(room)])
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])
  return [ada, bo]
}

async function openQuality(visitor: Visitor): Promise<void> {
  await visitor.find('more').click()
  await visitor.find('quality').click()
  await visitor.find('quality-panel').waitFor()
}

/** How many lines the pictures of somebody's camera have as they are decoded. */
const linesOf = (visitor: Visitor, name: string) =>
  visitor.page.evaluate(async (name) => {
    const { room, peerConnections } = window.callmesh!
    const peer = room.snapshot().peers.find(({ user }) => user.name === name)?.peer ?? ''
    const stats = await peerConnections().get(peer)?.getTransceivers()[1]?.receiver.getStats()
    const inbound = [...(stats?.values() ?? [])].find(({ type }) => type === 'inbound-rtp') as { frameHeight?: number } | undefined
    return inbound?.frameHeight ?? 0
  }, name)

test('the panel tells what the browser measures, draws it, and knows what is in use', async () => {
  const [ada] = await stage.call()
  await openQuality(ada)
  const link = ada.find('quality-link')
  await expect.poll(() => link.getByTestId('quality-headline').innerText(), { timeout: 15_000 }).toMatch(/^Good\. Direct · \d+ ms$/)
  await expectReported(stage.mesh, 'direct')

  const shown = async () => Number.parseInt(await ada.find('rtt').innerText(), 10)
  // Each is measured at a moment of its own, and on a busy machine they differ.
  const apart = async () => {
    const { pair } = await ada.stats('Bo')
    return Math.abs((await shown()) - (pair?.rttMs ?? Infinity))
  }
  await expect.poll(apart).toBeLessThan(100)
  await expect.poll(() => ada.page.locator('[data-row="picture"]').innerText(), { timeout: 15_000 }).toMatch(/320 × 240, \d+ a second\s+320 × 240/)

  // The tile tells the same to whoever points at it, asks it, or has it read aloud.
  const tile = ada.tile('Bo')
  const [badge, more] = [tile.getByTestId('badge'), tile.locator('.more')]
  await expect.poll(() => more.textContent(), { timeout: 15_000 }).toMatch(/^· [\d.]+ % lost · picture 320 × 240$/)
  await ada.page.mouse.move(1, 1)
  expect(await more.isVisible()).toBe(false)
  await tile.hover()
  await expect.poll(() => badge.innerText()).toMatch(/^Direct · \d+ ms\s+· [\d.]+ % lost · picture 320 × 240/)
  await badge.click()
  await expect.poll(() => badge.innerText()).toMatch(/^This call goes directly between you and Bo \(\d+ ms\)\.\s+[\d.]+ % lost · picture 320 × 240$/)
  await badge.click()

  // The meter is held against the bytes that the transports have counted over the same time.
  const sent = () =>
    ada.page.evaluate(async () => {
      const [pc] = window.callmesh!.peerConnections().values()
      const transport = [...(await pc!.getStats()).values()].find(({ type }) => type === 'transport') as { bytesSent: number; timestamp: number }
      return { bytes: transport.bytesSent, at: transport.timestamp }
    })
  const used = () => ada.find('budget').evaluate((meter: HTMLElement) => ({ used: Number(meter.dataset.used), available: Number(meter.dataset.available) }))
  const before = await sent()
  await expect.poll(async () => (await sent()).at - before.at, { timeout: 20_000 }).toBeGreaterThan(6_000)
  const timesTruth = async () => {
    const after = await sent()
    return (await used()).used / (((after.bytes - before.bytes) * 8_000) / (after.at - before.at))
  }
  await expect.poll(timesTruth, { message: 'what the meter shows, in terms of what was sent' }).toSatisfy((times: number) => times > 1 / 4 && times < 4)
  await expect.poll(() => used().then(({ available }) => available)).toBeGreaterThan(0)

  // Every plot has lines: pixels in the colour of one of its series.
  const inked = () =>
    ada.page.evaluate(() =>
      [...document.querySelectorAll<HTMLCanvasElement>('[data-plot] canvas')].map((canvas) => {
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })!
        copy.drawImage(canvas, 0, 0)
        const { data } = copy.getImageData(0, 0, canvas.width, canvas.height)
        const near = (i: number, colour: number[]) => data[i + 3]! > 100 && colour.every((part, c) => Math.abs(data[i + c]! - part) < 24)
        let count = 0
        for (let i = 0; i < data.length; i += 4) if (near(i, [0x6f, 0xe0, 0xbd]) || near(i, [0xf3, 0xc9, 0x69])) count++
        return count > 5
      }),
    )
  await expect.poll(inked, { timeout: 15_000 }).toEqual([true, true, true, true, true])
})

test('a network that loses packets is told with its cause and what to do, also on the tile, until it is well again', async () => {
  const [ada, bo] = await callInWeather()
  const { peer } = await ada.stats('Bo')
  await setWeather(ada, { loss: 30 })
  const notice = ada.notice(`quality-between-${peer}`)
  await notice.waitFor({ timeout: 30_000 })
  expect(await notice.innerText()).toContain('The connection to Bo is unsteady')
  expect(await notice.innerText()).toContain('move closer to the Wi-Fi')
  expect(await ada.tile('Bo').locator('[data-mark="quality"]').count()).toBe(1)
  const lost = async () => Number(/([\d.]+) % lost/.exec((await ada.tile('Bo').locator('.more').textContent()) ?? '')?.[1] ?? 0)
  await expect.poll(lost, { timeout: 30_000, message: 'loss on the tile, in percent' }).toBeGreaterThan(3)
  // On a phone one asks the tile.
  const ask = () => ada.tile('Bo').getByTestId('badge').click()
  await ask()
  await expectGoodState(ada, 'link-unsteady', { lasting: notice })
  await ask()
  await notice.getByRole('button', { name: 'Details' }).click()
  await expect.poll(() => ada.find('quality-link').getAttribute('data-grade')).toBe('poor')

  await setWeather(ada, {})
  await notice.waitFor({ state: 'detached', timeout: 40_000 })
  await bo.sees('Ada')
})

test('where the upload is narrow, pictures get smaller and go on moving', async () => {
  // A picture of the harness’ usual camera takes less than that upload has.
  const [ada, bo] = await callInWeather(await stage.browser({ camera: grain() }))
  await expect.poll(() => linesOf(bo, 'Ada'), { timeout: 15_000 }).toBe(240)
  await setWeather(ada, { uploadBps: 150_000 })
  await expect.poll(() => linesOf(bo, 'Ada'), { timeout: 40_000 }).toBeLessThanOrEqual(180)
  await bo.sees('Ada', 30)
  await bo.hears('Ada')
})

test('faces are sent smaller beside a shared screen and to who does not look, and larger again afterwards', async () => {
  const [ada, bo] = await stage.call()
  await expect.poll(() => linesOf(bo, 'Ada'), { timeout: 15_000 }).toBe(240)
  await bo.find('screen').click()
  await expect.poll(() => linesOf(bo, 'Ada'), { timeout: 30_000 }).toSatisfy((lines: number) => lines > 100 && lines <= 180)
  await bo.sees('Ada')
  await bo.find('screen').click()
  await expect.poll(() => linesOf(bo, 'Ada'), { timeout: 40_000 }).toBe(240)

  await setHidden(bo.page, true)
  await expect.poll(() => linesOf(bo, 'Ada'), { timeout: 30_000 }).toBe(120)
  await bo.sees('Ada')
  await setHidden(bo.page, false)
  await expect.poll(() => linesOf(bo, 'Ada'), { timeout: 30_000 }).toBe(240)
  await ada.sees('Bo')
})

test('what each connection came to is reported, and a card is left of the call', async () => {
  const outcomes = () => Promise.all([stage.mesh.a, stage.mesh.b].map((edge) => edge.metric('callmesh_edge_outcomes_total')))
  const before = await outcomes()
  const [ada, bo] = await stage.call()
  await expect.poll(outcomes, { timeout: 10_000 }).toEqual(before.map((count) => count + 1))

  await bo.openChat()
  await bo.say('See you')
  await ada.find('chat').locator('.count').waitFor()
  await expect.poll(() => ada.page.evaluate(() => window.callmesh!.room.snapshot().chat.length)).toBe(1)
  // Long enough for two readings.
  await openQuality(ada)
  await expect.poll(() => ada.find('quality-link').getAttribute('data-grade'), { timeout: 15_000 }).not.toBe('')
  await expect.poll(() => ada.page.locator('[data-plot="rtt"] canvas').count(), { timeout: 15_000 }).toBe(1)
  const since = Date.now()
  await expect.poll(() => Date.now() - since, { timeout: 10_000 }).toBeGreaterThan(3_000)

  await ada.leave()
  expect(await ada.find('card-length').innerText()).toMatch(/^\d:\d\d$/)
  expect(await ada.find('card-people').innerText()).toBe('Bo')
  expect(await ada.find('quality-course').getAttribute('aria-label')).toMatch(/^Quality over the call: good \d+ % of the time/)
  const [download] = await Promise.all([ada.page.waitForEvent('download'), ada.find('save-chat').click()])
  const chunks: Buffer[] = []
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer)
  expect(Buffer.concat(chunks).toString()).toMatch(/^\[.+\] Bo: See you\n$/)
})
