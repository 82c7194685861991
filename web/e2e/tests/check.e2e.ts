import { expect, test } from 'vitest'
import { prolong } from '../harness/lasting'
import { useStage } from '../harness/stage'
import { expectGoodState } from '../harness/state'
import type { Visitor } from '../harness/visitor'
import { giveVoice, listenTo, microphoneBefore, PITCH, pitchOf } from '../harness/voice'

const stage = useStage()

/** In the lobby, with the check open and its network part done. */
async function openCheck(visitor: Visitor): Promise<void> {
  await visitor.open('/r/check')
  await visitor.find('name').fill(visitor.name)
  await visitor.find('open-check').click()
  await visitor.page.locator('[data-testid="check-network"]:not([data-state="running"])').waitFor()
}

const said = (visitor: Visitor, row: string) => visitor.find(`check-${row}`).locator('dd').innerText()

test('before a call, the camera is seen, one’s own voice is played back, the speaker sounds, and both ways to the relay are reached', async () => {
  const ada = await stage.visit('a', 'Ada')
  const speak = await giveVoice(ada)
  await openCheck(ada)

  await expect.poll(() => ada.find('check-video').evaluate((video: HTMLVideoElement) => video.getVideoPlaybackQuality().totalVideoFrames)).toBeGreaterThan(5)

  const [playback, sound] = await Promise.all([listenTo(ada, 'check-playback'), listenTo(ada, 'check-chime')])
  await speak(0.4)
  await ada.find('check-record').click()
  await ada.page.locator('[data-testid="check-microphone"][data-state="done"]').waitFor()
  expect(await playback(), 'one’s own voice').toBeGreaterThan(0.1)
  await speak(0)
  await ada.find('check-sound').click()
  await expect.poll(sound, { timeout: 10_000, message: 'the test sound' }).toBeGreaterThan(0.02)
  await ada.find('check-heard').click()
  await ada.page.getByText('you will hear the others').waitFor()

  for (const row of ['udp', 'tcp']) expect(await said(ada, row)).toMatch(/^reached in \d+ ms$/)
  expect(await said(ada, 'tls')).toBe('not offered by this callmesh')
  expect(await said(ada, 'direct')).toMatch(/^possible/)
  await ada.page.getByText('Your network is fit for calls').waitFor()
  await expect.poll(() => stage.mesh.a.metric('callmesh_turnd_allocations'), { timeout: 10_000, message: 'the relay has its addresses back' }).toBe(0)
  await expectGoodState(ada, 'check')
})

test('where UDP is blocked, the check says so, and that TCP reaches the relay', async () => {
  const browser = await stage.browser({ udp: 'deny' })
  const ada = await stage.visit('a', '王小明', { locale: 'zh-CN' }, browser)
  await openCheck(ada)
  expect(await said(ada, 'direct')).toBe('不通：你的网络或浏览器不放行 UDP')
  expect(await said(ada, 'udp')).toBe('半路被挡：中继有应答，但这条路不通')
  expect(await said(ada, 'tcp')).toMatch(/^通，\d+ 毫秒$/)
  await ada.page.getByText('可以通话，但要绕远路').waitFor()
  await expectGoodState(ada, 'check-blocked')
})

test('where the relay is down, the check says that, and blames no network', async () => {
  await stage.mesh.stranded.start()
  const ada = await stage.visit('stranded', 'Ada')
  await openCheck(ada)
  for (const row of ['udp', 'tcp']) expect(await said(ada, row)).toMatch(/^no answer: the relay is down/)
  expect(await said(ada, 'direct')).toMatch(/^could not be told/)
  await ada.page.getByText('No relay answers').waitFor()
  await expectGoodState(ada, 'check-down', { open: () => ada.find('check-network-again').scrollIntoViewIfNeeded() })
})

test('TLS to a relay whose certificate the browser does not trust is said to fail, and reaches one that it trusts', async () => {
  const { pin } = await stage.mesh.startSecured()
  const trusting = await stage.browser({ trust: pin })
  const [ada, bo] = await Promise.all([stage.visit('secured', 'Ada'), stage.visit('secured', 'Bo', {}, trusting)])
  await Promise.all([openCheck(ada), openCheck(bo)])
  for (const visitor of [ada, bo]) for (const row of ['udp', 'tcp']) expect(await said(visitor, row)).toMatch(/^reached in \d+ ms$/)
  expect(await said(ada, 'tls')).toBe('TLS fails, though the relay answers: a firewall is in the way, or this browser does not trust its certificate')
  expect(await said(bo, 'tls')).toMatch(/^reached in \d+ ms$/)
  await expectGoodState(ada, 'check-tls', { open: () => ada.find('check-network-again').scrollIntoViewIfNeeded() })
})

test('with the space bar held one is heard though muted, and no longer; who talks muted is told; another microphone and speaker take over', async () => {
  const [ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo')])
  await prolong(ada, 8_000)
  const speak = await giveVoice(ada)
  const room = stage.room()
  await Promise.all([ada.enter(room), bo.enter(room)])
  await speak(0.3)
  await bo.hears('Ada')
  const energy = () => bo.stats('Ada').then(({ audioEnergy }) => audioEnergy)
  /** How much of Ada comes to be heard while twenty pictures pass. What was said before may still be on its way when one begins. */
  const heardNow = async () => {
    const before = await energy()
    await bo.sees('Ada', 20)
    return (await energy()) - before
  }

  await ada.find('microphone').click()
  await bo.tile('Ada').getByText('Microphone off').waitFor({ state: 'attached' })
  await ada.notice('muted').waitFor()
  await expectGoodState(ada, 'muted', { lasting: ada.notice('muted') })
  await expect.poll(heardNow, { timeout: 40_000, message: 'nothing is heard while muted' }).toBeLessThan(1e-3)

  await ada.page.locator('h1').focus()
  await ada.page.keyboard.down('Space')
  await ada.notice('talking').waitFor()
  await bo.hears('Ada')
  await ada.page.keyboard.up('Space')
  await ada.notice('talking').waitFor({ state: 'detached' })
  await bo.tile('Ada').getByText('Microphone off').waitFor({ state: 'attached' })
  await expect.poll(heardNow, { timeout: 40_000, message: 'nothing is heard after the release' }).toBeLessThan(1e-3)

  await ada.notice('muted').waitFor()
  await ada.notice('muted').locator('[data-act="muted"]').click()
  await ada.notice('muted').waitFor({ state: 'detached' })
  await bo.hears('Ada')

  // Another microphone takes the place of the first in mid-call, while that one is still open, and nobody is told of a microphone that is off.
  const pitch = await pitchOf(bo)
  const near = (hertz: number) => async () => Math.abs((await pitch()) - hertz) < 30
  await expect.poll(near(PITCH.usual), { timeout: 30_000, message: 'the pitch of the first microphone' }).toBe(true)
  const held = await Promise.all([ada.holdConnections(), bo.holdConnections()])
  const off = await bo.page.evaluateHandle(() => {
    const off: string[] = []
    window.callmesh!.room.subscribe(({ peers }) => off.push(...peers.filter(({ sends }) => !sends.microphone).map(({ user }) => user.name)))
    return off
  })
  await ada.find('more').click()
  await ada.find('settings').click()
  const other = await ada.find('select-microphone').locator('option').last().getAttribute('value')
  await ada.find('select-microphone').selectOption(other!)
  await expect.poll(near(PITCH.chosen), { timeout: 30_000, message: 'the pitch of the other microphone' }).toBe(true)
  expect(await microphoneBefore(ada)).toBe('live')
  expect(await off.jsonValue(), 'whose microphone was off').toEqual([])

  const speaker = await ada.find('select-speaker').locator('option').last().getAttribute('value')
  const plays = () => ada.find('remote-audio').evaluate((element: HTMLAudioElement) => element.sinkId)
  expect(await plays()).not.toBe(speaker)
  await ada.find('select-speaker').selectOption(speaker!)
  await expect.poll(plays, { timeout: 20_000, message: 'the speaker that plays the others' }).toBe(speaker)
  await ada.hears('Bo')
  expect(await Promise.all(held.map((same) => same())), 'the same connections').toEqual([true, true])
})

test('the speaker’s tile is the large one, a pin keeps another, and a small window shows who speaks', async () => {
  const [ada, bo, lin] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo'), stage.visit('a', 'Lin')])
  const [boSpeaks, linSpeaks] = await Promise.all([giveVoice(bo), giveVoice(lin)])
  const room = stage.room()
  await Promise.all([ada, bo, lin].map((visitor) => visitor.enter(room)))
  await Promise.all([ada.sees('Bo'), ada.sees('Lin')])
  const area = async (name: string) => {
    const box = await ada.tile(name).boundingBox()
    return box ? box.width * box.height : 0
  }
  /** How many times larger one tile is than another. */
  const ratio = (large: string, small: string) => async () => (await area(large)) / (await area(small))

  await ada.page.keyboard.press('l')
  await linSpeaks(0.3)
  await expect.poll(ratio('Lin', 'Bo'), { timeout: 15_000 }).toBeGreaterThan(3)
  await linSpeaks(0)
  await boSpeaks(0.3)
  await expect.poll(ratio('Bo', 'Lin'), { timeout: 15_000 }).toBeGreaterThan(3)
  await ada.sees('Bo')

  await ada.tile('Lin').hover()
  await ada.tile('Lin').getByTestId('tile-menu').click()
  await ada.find('pin').click()
  await expect.poll(ratio('Lin', 'Bo')).toBeGreaterThan(3)
  await ada.page.setViewportSize({ width: 800, height: 600 })
  await ada.tile('Lin').hover()
  await ada.tile('Lin').getByTestId('tile-menu').click()
  await ada.find('pin').click()
  await expect.poll(ratio('Bo', 'Lin')).toBeGreaterThan(3)

  await ada.page.keyboard.press('g')
  await expect.poll(ratio('Bo', 'Lin')).toBeLessThan(1.2)

  await ada.page.locator('h1').focus()
  await ada.page.keyboard.press('i')
  const frames = () =>
    ada.page.evaluate(() => {
      const { window: small } = (window as unknown as { documentPictureInPicture: { window: Window | null } }).documentPictureInPicture
      return [small?.document.querySelector('p')?.textContent ?? '', small?.document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0] as const
    })
  await expect.poll(async () => (await frames())[0], { timeout: 10_000 }).toBe('Bo')
  await expect.poll(async () => (await frames())[1], { timeout: 15_000 }).toBeGreaterThan(5)
  await ada.page.keyboard.press('i')
  await expect.poll(async () => (await frames())[0]).toBe('')
})

test('after a first visit the page opens without a network, says so, keeps nothing of the mesh, and goes on when the network is back', async () => {
  const ada = await stage.visit('a', 'Ada', { serviceWorkers: 'allow' })
  const { page } = ada
  ada.watch.allow(/Failed to load resource: net::ERR_INTERNET_DISCONNECTED/, /WebSocket connection to .* failed/)
  await ada.open('/')
  await ada.find('new-room').waitFor()
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  // What was loaded when used is there the next time, too.
  await ada.open('/r/offline')
  await ada.find('open-check').click()
  await ada.find('dialog-close').click()

  await ada.setOffline(true)
  await ada.open('/')
  await ada.notice('offline').waitFor()
  expect(await ada.notice('offline').innerText()).toContain('You are offline')
  await ada.open('/r/offline')
  await ada.notice('offline').waitFor()
  await ada.find('open-check').click()
  await ada.page.locator('[data-testid="check-network"][data-state="unreachable"]').waitFor()
  await ada.find('dialog-close').click()
  await expectGoodState(ada, 'lobby-offline', { whole: true })

  const kept = await page.evaluate(async () => {
    const caches = window.caches
    const all = await Promise.all((await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)))
    return all.flat()
  })
  expect(kept).toContain('/')
  expect(kept.filter((path) => path.startsWith('/v1')), 'nothing of the mesh is kept').toEqual([])

  await ada.setOffline(false)
  await ada.notice('offline').waitFor({ state: 'detached' })
  await ada.join()
  await ada.find('invite-link').waitFor()
})

test('a link whose room name is too long is refused at once, in words; joining can be called off', async () => {
  const ada = await stage.visit('a', 'Ada')
  await ada.open(`/r/${'long'.repeat(40)}`)
  expect(await ada.page.getByRole('alert').innerText()).toMatch(/^That name is too long/)
  await expectGoodState(ada, 'too-long')

  // An edge that takes the connection and says nothing.
  await ada.page.routeWebSocket('**/v1/ws', () => undefined)
  await ada.open('/r/slow')
  await ada.find('name').fill('Ada')
  await ada.find('join').click()
  await ada.page.locator('[data-notice="unreachable"]').waitFor()
  await ada.find('cancel-join').click()
  await ada.page.locator('[data-testid="join"]:enabled').waitFor()
  expect(await ada.find('cancel-join').count()).toBe(0)
  expect(await ada.find('call').count()).toBe(0)
})
