import { expect, test } from 'vitest'
import { useStage } from '../harness/stage'
import { expectGoodState } from '../harness/state'

const stage = useStage()

test('whoever is refused camera and microphone is told so, and can still join to see and to write', async () => {
  const room = stage.room()
  const [ada, refusing] = await Promise.all([stage.visit('a', 'Ada'), stage.browser({ devices: 'deny' })])
  const bo = await stage.visit('b', 'Bo', {}, refusing)
  await ada.enter(room)

  await bo.open(`/r/${room}`)
  const notice = bo.page.locator('[data-testid="notice"][data-problem="denied"]')
  await expect.poll(() => notice.innerText()).toContain('This page may not use your camera and microphone')
  expect(await notice.innerText()).toContain('switch Camera and Microphone on, then try again')
  await bo.page.getByText('You can join without a camera and a microphone').waitFor()
  await bo.join()

  await Promise.all([bo.sees('Ada'), bo.hears('Ada')])
  await ada.tile('Bo').waitFor()
  await ada.tile('Bo').getByText('Microphone off').waitFor({ state: 'attached' })
  expect(await ada.tile('Bo').getByTestId('remote-video').count()).toBe(0)

  await Promise.all([ada.openChat(), bo.openChat()])
  await bo.say('No camera here')
  await expect.poll(() => ada.reads()).toEqual(['No camera here'])
  await ada.say('I can read you')
  await expect.poll(() => bo.reads()).toEqual(['No camera here', 'I can read you'])
})

test('whoever has no WebRTC is told so before anything is asked, in their language', async () => {
  for (const [locale, heading, how] of [
    ['en-GB', 'This browser cannot make calls', 'Turn off extensions that block WebRTC'],
    ['zh-CN', '这个浏览器不能通话', '请停用屏蔽 WebRTC 的扩展程序'],
  ] as const) {
    const ada = await stage.visit('a', 'Ada', { locale })
    await ada.page.addInitScript(() => {
      Reflect.deleteProperty(window, 'RTCPeerConnection')
      Object.assign(window, { asked: 0 })
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
      navigator.mediaDevices.getUserMedia = (constraints) => {
        ;(window as unknown as { asked: number }).asked++
        return ask(constraints)
      }
    })
    await ada.open(`/r/${stage.room()}`)
    await ada.page.getByRole('heading', { name: heading }).waitFor()
    await expect.poll(() => ada.find('notice').innerText()).toContain(how)
    expect(await ada.find('join').count()).toBe(0)
    expect(await ada.page.evaluate(() => (window as unknown as { asked: number }).asked), 'cameras and microphones that were asked for').toBe(0)
    if (locale === 'en-GB') await expectGoodState(ada, 'no-webrtc')
  }
})

test('whoever has no devices to ask for is told why, and can still join to see and to hear', async () => {
  const room = stage.room()
  const ada = await stage.visit('a', 'Ada')
  await ada.enter(room)
  for (const [name, secure, words] of [
    ['Bo', false, 'This page came over plain http'],
    ['Cy', true, 'This browser cannot use cameras and microphones'],
  ] as const) {
    const other = await stage.visit('b', name)
    await other.page.addInitScript((secure) => {
      Object.defineProperty(Navigator.prototype, 'mediaDevices', { value: undefined })
      if (!secure) Object.defineProperty(window, 'isSecureContext', { value: false })
    }, secure)
    await other.open(`/r/${room}`)
    await expect.poll(() => other.page.locator('[data-testid="notice"][data-problem]').innerText()).toContain(words)
    await other.join()
    await Promise.all([other.sees('Ada'), other.hears('Ada')])
    await ada.tile(name).waitFor()
  }
})

test('whoever goes offline is told so, and is told when it is over', async () => {
  const [ada, bo] = await stage.call()
  ada.watch.allow(/ERR_INTERNET_DISCONNECTED/)

  await ada.setOffline(true)
  await ada.notice('reconnecting').waitFor()
  expect(await ada.notice('reconnecting').innerText()).toContain('Lost touch with callmesh. Reconnecting…')
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])

  // It goes by itself after a moment, so it is looked at by whoever waits for it.
  await Promise.all([ada.notice('recovered').filter({ hasText: 'Connected again' }).waitFor(), ada.setOffline(false)])
  await ada.notice('recovered').waitFor({ state: 'detached' })
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])
})

test('whoever is refused by the edge is told so, in words and with a way out', async () => {
  const visitor = await stage.visit('a', 'Ada')
  visitor.watch.allow(/^error: Failed to load resource: the server responded with a status of 403/)
  // As an edge answers that takes no guests, or that has closed its door since the page was opened.
  await visitor.page.route('**/v1/guest', (route) => route.fulfill({ status: 403, body: '{}' }))
  await visitor.open('/r/locked')
  await visitor.find('name').fill('Ada')
  await visitor.find('join').click()
  await visitor.page.getByText('You may not enter here').waitFor()
  await expectGoodState(visitor, 'refused-by-edge')
  await visitor.page.unroute('**/v1/guest')
  await visitor.find('again').click()
  await visitor.join()
})
