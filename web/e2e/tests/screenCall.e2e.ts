// Calls that begin with a screen: chosen before it rings, shown to whoever answers and to nobody else, and in the call one way to be seen among others.
import { beforeEach, expect, test } from 'vitest'
import { canRingOn, whileRinging } from '../harness/lasting'
import { becomeContacts, becomeSomebody, callContact, callIs, giveUp, outgoing } from '../harness/person'
import { giveScreen, screenSeen, screensOf, stopScreens } from '../harness/screen'
import { useStage } from '../harness/stage'
import { expectGoodState } from '../harness/state'
import type { Visitor } from '../harness/visitor'

const stage = useStage()
const SOON = { timeout: 30_000 }

let ada: Visitor
let bo: Visitor

beforeEach(async () => {
  ;[ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo')])
  await giveScreen(ada.page)
  await Promise.all([canRingOn(ada), canRingOn(bo)])
  await Promise.all([becomeSomebody(ada), becomeSomebody(bo)])
  await becomeContacts(ada, bo)
})

const sends = ({ page }: Visitor) => page.evaluate(() => window.callmesh?.room.snapshot().sends)

/** Waits until the colours of Ada's screen are in what Bo decodes, and its frames go on coming. */
async function boSeesTheScreen(): Promise<void> {
  await expect.poll(() => screenSeen(bo), { ...SOON, message: 'colours of the screen' }).toEqual({ green: true, violet: true })
  const { screenFrames: before } = await bo.stats('Ada')
  await expect.poll(() => bo.stats('Ada').then(({ screenFrames }) => screenFrames - before), { ...SOON, message: 'frames of the screen' }).toBeGreaterThan(3)
}

test('a call that shows a screen is announced as one, taken by voice, and goes over to video and back', async () => {
  await callContact(ada, 'Bo', 'screen')
  await bo.find('incoming').waitFor()
  await callIs(ada, 'ringing')
  expect(await bo.find('incoming').innerText()).toMatch(/Ada\s+Wants to show you their screen/)
  await expect.poll(() => bo.page.getByTestId('live').innerText(), SOON).toContain('Ada wants to show you their screen')
  expect(await ada.find('outgoing-screen').innerText()).toBe('Bo sees the screen that you have chosen once they answer, not before.')
  expect(await screensOf(ada)).toEqual(['live'])
  await bo.find('accept-audio').click()
  await boSeesTheScreen()
  await Promise.all([ada.hears('Bo'), bo.hears('Ada')])
  await expect.poll(() => sends(ada), SOON).toMatchObject({ microphone: true, camera: false, screen: true })
  await expect.poll(() => sends(bo), SOON).toMatchObject({ microphone: true, camera: false, screen: false })

  // To video instead, to both, and back to voice alone.
  await ada.find('screen').click()
  await bo.find('screen-video').waitFor({ state: 'detached' })
  await expect.poll(() => screensOf(ada), SOON).toEqual(['ended'])
  await ada.find('camera').click()
  await bo.sees('Ada')
  await ada.find('screen').click()
  await boSeesTheScreen()
  await bo.sees('Ada')
  await ada.find('camera').click()
  await bo.tile('Ada').getByTestId('remote-video').waitFor({ state: 'detached' })
  await boSeesTheScreen()
  await ada.find('leave').click()
  await Promise.all([ada, bo].map((visitor) => visitor.find('again').waitFor()))
  await expect.poll(() => screensOf(ada), SOON).toEqual(['ended', 'ended'])
})

test('a screen is let go of when nobody takes the call, is asked for again, and whoever answers by video sees it', async () => {
  await callContact(ada, 'Bo', 'screen')
  await bo.find('incoming').waitFor()
  await bo.find('decline').click()
  await callIs(ada, 'declined')
  await expect.poll(() => screensOf(ada), SOON).toEqual(['ended'])

  await ada.find('call-again').click()
  await bo.find('incoming').waitFor()
  await bo.find('accept-video').click()
  await Promise.all([boSeesTheScreen(), ada.sees('Bo')])
  expect(await screensOf(ada)).toEqual(['ended', 'live'])
})

test('who stops sharing while it rings is told, and heard; who chooses no screen calls nobody', async () => {
  await callContact(ada, 'Bo', 'screen')
  await bo.find('incoming').waitFor()
  await callIs(ada, 'ringing')
  await whileRinging([ada.page, bo.page], async () => {
    await expectGoodState(ada, 'calling-screen', { lasting: outgoing(ada, 'ringing') })
    await expectGoodState(bo, 'incoming-screen', { lasting: bo.find('incoming') })
  })
  await giveUp(ada)
  await bo.find('incoming').waitFor({ state: 'detached' })

  await callContact(ada, 'Bo', 'screen')
  await bo.find('incoming').waitFor()
  await stopScreens(ada)
  await expect.poll(() => ada.find('outgoing-screen').innerText(), SOON).toContain('You have stopped sharing your screen')
  await bo.find('accept-audio').click()
  await Promise.all([ada.hears('Bo'), bo.hears('Ada')])
  expect(await sends(ada)).toMatchObject({ microphone: true, camera: false, screen: false })
  await ada.find('screen').click()
  await boSeesTheScreen()
  await ada.find('leave').click()
  await ada.find('again').waitFor()

  await ada.page.evaluate(() => {
    navigator.mediaDevices.getDisplayMedia = () => Promise.reject(new DOMException('Permission denied', 'NotAllowedError'))
  })
  await ada.find('people-link').click()
  await callContact(ada, 'Bo', 'screen')
  await ada.page.evaluate(() => {
    navigator.mediaDevices.getDisplayMedia = () => Promise.reject(new DOMException('Permission denied by system', 'NotAllowedError'))
  })
  await callContact(ada, 'Bo', 'screen')
  await ada.find('screen-trouble').waitFor()
  expect(await ada.find('screen-trouble').innerText()).toContain('Your screen could not be shared')
  expect(await ada.find('outgoing').count()).toBe(0)
  expect(await bo.find('incoming').count()).toBe(0)
})
