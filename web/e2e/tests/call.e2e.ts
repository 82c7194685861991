import { expect, test } from 'vitest'
import { expectTrueBadge } from '../harness/badge'
import { useStage } from '../harness/stage'

const stage = useStage()

test('a room is opened from the start, its link is followed at another edge, and both see and hear each other', async () => {
  const [ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo')])

  await ada.open('/')
  await ada.find('name').fill('Ada')
  await ada.find('new-room').click()
  await ada.find('preview').waitFor()
  // The lobby has kept the name.
  await ada.find('join').click()
  const link = new URL(await ada.find('invite-link').inputValue())
  expect(link.origin).toBe(ada.edge.origin)

  await bo.open(link.pathname)
  await bo.join()

  await Promise.all([ada.sees('Bo'), bo.sees('Ada'), ada.hears('Bo'), bo.hears('Ada')])
  await Promise.all([ada.tile('Bo').getByTestId('remote-video').waitFor(), bo.tile('Ada').getByTestId('remote-video').waitFor()])
  const edges = await Promise.all([ada, bo].map(({ page }) => page.evaluate(() => window.callmesh!.room.snapshot().self?.edge)))
  expect(new Set(edges).size, 'they are on two edges').toBe(2)
})

test('the badges say which way the media goes', async () => {
  const [ada, bo] = await stage.call()
  await Promise.all([expectTrueBadge(ada, 'Bo'), expectTrueBadge(bo, 'Ada')])
  for (const [visitor, other] of [[ada, 'Bo'], [bo, 'Ada']] as const) {
    // A relay may be found first; a better path takes its place.
    const direct = async () => {
      const { pair } = await visitor.stats(other)
      return pair !== null && pair.local !== 'relay' && pair.remote !== 'relay'
    }
    await expect.poll(direct, { message: `${visitor.name}'s path is direct` }).toBe(true)
    await expectTrueBadge(visitor, other)
  }
})

test('text goes both ways, and who joins later can read it', async () => {
  const [ada, bo] = await stage.call()
  await Promise.all([ada.openChat(), bo.openChat()])

  await ada.say('Good morning, 早上好! <b>not markup</b>')
  await expect.poll(() => bo.reads()).toEqual(['Good morning, 早上好! <b>not markup</b>'])
  await bo.say('Loud and clear.')
  await expect.poll(() => ada.reads()).toEqual(['Good morning, 早上好! <b>not markup</b>', 'Loud and clear.'])
  await ada.page.locator('[data-testid="chat-line"][data-mine="true"][data-state="sent"]').waitFor()

  const lin = await stage.visit('b', 'Lin')
  await lin.enter(new URL(ada.page.url()).pathname.slice('/r/'.length))
  await lin.openChat()
  await expect.poll(() => lin.reads()).toEqual(['Good morning, 早上好! <b>not markup</b>', 'Loud and clear.'])
  await Promise.all([lin.sees('Ada'), lin.sees('Bo'), ada.sees('Lin'), bo.sees('Lin')])

  await lin.say('Hello from here too')
  for (const visitor of [ada, bo]) await expect.poll(async () => (await visitor.reads()).at(-1)).toBe('Hello from here too')
})

test('a shared screen arrives, and stops', async () => {
  const [ada, bo] = await stage.call()
  const frames = () => bo.stats('Ada').then(({ screenFrames }) => screenFrames)

  await ada.find('screen').click()
  await ada.notice('sharing').waitFor()
  await bo.find('screen-video').waitFor()
  const start = await frames()
  await expect.poll(frames, { timeout: 20_000 }).toBeGreaterThan(start + 5)
  await expect.poll(() => bo.find('screen-video').evaluate((video: HTMLVideoElement) => video.videoWidth)).toBeGreaterThan(0)

  await ada.find('screen').click()
  await bo.find('screen-video').waitFor({ state: 'detached' })
  await ada.notice('sharing').waitFor({ state: 'detached' })
  // While the camera's pictures go on, no more of the screen's come, once those on their way have arrived.
  const moreFrames = async () => {
    const before = await frames()
    await bo.sees('Ada', 20)
    return (await frames()) - before
  }
  await expect.poll(moreFrames, { timeout: 30_000, message: 'pictures of a screen that is not shared any more' }).toBe(0)
})

test('who turns the camera or the microphone off is shown so, and comes back', async () => {
  const [ada, bo] = await stage.call()

  await ada.find('camera').click()
  await bo.tile('Ada').getByTestId('remote-video').waitFor({ state: 'detached' })
  await ada.find('microphone').click()
  await bo.tile('Ada').getByText('Microphone off').waitFor({ state: 'attached' })

  await ada.find('camera').click()
  await ada.find('microphone').click()
  await bo.tile('Ada').getByTestId('remote-video').waitFor()
  await bo.tile('Ada').getByText('Microphone off').waitFor({ state: 'detached' })
  await Promise.all([bo.sees('Ada'), bo.hears('Ada')])
})

test('who leaves is gone from the page of the other', async () => {
  const [ada, bo] = await stage.call()

  await ada.leave()
  await bo.tile('Ada').waitFor({ state: 'detached' })
  await bo.find('invite-link').waitFor()
  await expect.poll(() => bo.page.evaluate(() => window.callmesh!.peerConnections().size)).toBe(0)

  await ada.find('again').click()
  await ada.join()
  await Promise.all([ada.sees('Bo'), bo.sees('Ada')])
})
