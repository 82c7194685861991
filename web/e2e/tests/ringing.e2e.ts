// The life of a ring between two people with three devices, one of the caller and two of the callee, on two edges; and every way in which it ends.
import { beforeEach, expect, test } from 'vitest'
import { heardAt, quiet } from '../harness/hearing'
import { becomeContacts, becomeSame, becomeSomebody, callContact, callIs, pastCalls } from '../harness/person'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'

const stage = useStage()

let ada: Visitor
let bo: Visitor

// Everybody has a page of their own, the people's page, which they have touched.
beforeEach(async () => {
  ;[ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo')])
  await Promise.all([becomeSomebody(ada), becomeSomebody(bo)])
  await becomeContacts(ada, bo)
})

/** Another device of Bo's, at the other edge. */
async function boElsewhere(): Promise<Visitor> {
  const device = await stage.visit('a', 'Bo')
  await becomeSame(bo, device)
  return device
}

async function rings(...devices: Visitor[]): Promise<void> {
  await Promise.all(devices.map((device) => device.find('incoming').waitFor()))
}

async function silent(...devices: Visitor[]): Promise<void> {
  await Promise.all(devices.map((device) => device.find('incoming').waitFor({ state: 'detached' })))
}

/** The tones of a tune have sounded, and loud enough to be heard. */
async function hears(visitor: Visitor, ...hertz: number[]): Promise<void> {
  await expect.poll(() => heardAt(visitor.page).then(({ tones }) => tones), { timeout: 20_000, message: `tones at ${visitor.name}` }).toEqual(expect.arrayContaining(hertz))
  await expect.poll(() => heardAt(visitor.page).then(({ loudest }) => loudest), { timeout: 20_000, message: `loudness at ${visitor.name}` }).toBeGreaterThan(0.01)
}

/** On a busy machine. */
const SOON = { timeout: 15_000 }
const RING = [659, 784, 988]
const RINGBACK = [425, 318]

test('it rings on both devices; one accepts, the other is told; pictures and sound flow; one leaves, and both are out', async () => {
  const tablet = await boElsewhere()
  await Promise.all([quiet(ada.page), quiet(bo.page), quiet(tablet.page)])
  await callContact(ada, 'Bo')
  await rings(bo, tablet)
  await callIs(ada, 'ringing')
  expect(await bo.find('incoming').innerText()).toMatch(/Ada\s+Video call/)
  expect(await bo.find('incoming').innerText()).not.toContain('Not one of your contacts')
  await Promise.all([hears(ada, ...RINGBACK), hears(bo, ...RING), hears(tablet, ...RING)])
  await expect.poll(() => bo.page.title(), SOON).toBe('Ada is calling')
  await expect.poll(() => bo.page.getByTestId('live').innerText()).toContain('Video call from Ada')
  // A key pressed by chance neither accepts nor declines.
  await bo.page.keyboard.press('Enter')
  await bo.page.keyboard.press('Escape')
  expect(await bo.find('incoming').isVisible()).toBe(true)

  await quiet(tablet.page)
  await bo.find('accept-video').click()
  await silent(bo, tablet)
  await tablet.page.locator('[data-testid="ring-news"][data-kind="taken"]').waitFor()
  expect(await tablet.find('ring-news').innerText()).toContain('The call from Ada was dealt with on another of your devices')
  await hears(tablet, 587)
  await Promise.all([ada.find('call').waitFor(), bo.find('call').waitFor()])
  await Promise.all([ada.sees('Bo'), bo.sees('Ada'), ada.hears('Bo'), bo.hears('Ada')])
  expect(await tablet.find('call').count(), 'the other device is not in the call').toBe(0)

  await quiet(bo.page)
  await ada.find('leave').click()
  await Promise.all([ada, bo].map((visitor) => visitor.find('again').waitFor()))
  expect(await bo.page.locator('h1').innerText()).toBe('Your call with Ada has ended')
  await hears(bo, 440, 330)
  await Promise.all([ada, bo].map((visitor) => visitor.page.getByTestId('people-link').click()))
  await expect.poll(() => pastCalls(ada), SOON).toEqual(['out answered'])
  await expect.poll(() => pastCalls(bo), SOON).toEqual(['in answered'])
  await expect.poll(() => pastCalls(tablet), SOON).toEqual(['in taken'])
})

test('a voice call is taken with voice only, becomes a video call and a shared screen, and goes back', async () => {
  await callContact(ada, 'Bo', 'audio')
  await rings(bo)
  expect(await bo.find('incoming').innerText()).toContain('Voice call')
  await bo.find('accept-audio').click()
  await Promise.all([ada.hears('Bo'), bo.hears('Ada')])
  const sends = (visitor: Visitor) => visitor.page.evaluate(() => window.callmesh!.room.snapshot().sends)
  for (const visitor of [ada, bo]) expect(await sends(visitor)).toMatchObject({ microphone: true, camera: false, screen: false })

  await ada.find('camera').click()
  await bo.sees('Ada')
  await ada.find('screen').click()
  await bo.find('screen-video').waitFor()
  await expect.poll(() => bo.stats('Ada').then(({ screenFrames }) => screenFrames), { timeout: 20_000 }).toBeGreaterThan(3)
  await ada.find('screen').click()
  await bo.find('screen-video').waitFor({ state: 'detached' })
  await ada.find('camera').click()
  await bo.tile('Ada').getByTestId('remote-video').waitFor({ state: 'detached' })
  await Promise.all([ada.hears('Bo'), bo.hears('Ada')])
})

test('declined, cancelled, and called again', async () => {
  await callContact(ada, 'Bo')
  await rings(bo)
  await quiet(ada.page)
  await bo.find('decline').click()
  await callIs(ada, 'declined')
  expect(await ada.find('outgoing').innerText()).toContain('Bo declined')
  await hears(ada, 494, 370)
  await silent(bo)

  await ada.find('call-again').click()
  await rings(bo)
  await ada.find('cancel-call').click()
  await silent(bo)
  await bo.page.locator('[data-testid="ring-news"][data-kind="cancelled"]').waitFor()
  expect(await bo.find('ring-news').innerText()).toContain('Ada stopped calling')
  await expect.poll(() => pastCalls(ada), SOON).toEqual(['out cancelled', 'out declined'])
  await expect.poll(() => pastCalls(bo), SOON).toEqual(['in missed', 'in declined'])
  await bo.find('call-back').click()
  await rings(ada)
  await ada.find('accept-audio').click()
  await Promise.all([ada.hears('Bo'), bo.hears('Ada')])
})

test('who is in a call hears another one, may say so, and may take it', async () => {
  const cy = await stage.visit('a', 'Cy')
  await becomeSomebody(cy)
  await becomeContacts(bo, cy)
  await callContact(ada, 'Bo', 'audio')
  await bo.find('accept-audio').click()
  await Promise.all([ada.hears('Bo'), bo.hears('Ada')])

  await quiet(cy.page)
  await callContact(cy, 'Bo', 'audio')
  await rings(bo)
  expect(await bo.find('incoming').innerText()).toContain('Accepting ends the call that you are in.')
  // The call's own controls stay in reach.
  await bo.find('microphone').click()
  await ada.tile('Bo').getByText('Microphone off').waitFor({ state: 'attached' })
  await bo.find('microphone').click()
  await bo.find('decline').click()
  await callIs(cy, 'busy')
  expect(await cy.find('outgoing').innerText()).toContain('Bo is in another call')
  await hears(cy, 425)
  await bo.hears('Ada')

  await cy.find('call-again').click()
  await rings(bo)
  await bo.find('accept-audio').click()
  await Promise.all([cy.hears('Bo'), bo.hears('Cy'), ada.find('again').waitFor()])
})

test('nobody answers within half a minute; who is not online finds the call as missed, and calls back', async () => {
  await quiet(ada.page)
  await callContact(ada, 'Bo')
  await rings(bo)
  await callIs(ada, 'unanswered', 50_000)
  expect(await ada.find('outgoing').innerText()).toContain('Bo did not answer')
  await hears(ada, 440, 392, 349)
  await silent(bo)
  await bo.page.locator('[data-testid="ring-news"][data-kind="missed"]').waitFor()
  await ada.find('close-call').click()

  await bo.page.goto('about:blank')
  await ada.page.locator('[data-testid="contact"][data-online="false"]').waitFor()
  await quiet(ada.page)
  await callContact(ada, 'Bo', 'audio')
  await callIs(ada, 'offline')
  expect(await ada.find('outgoing').innerText()).toContain('They will see that you called')
  await hears(ada, 294)
  await ada.find('close-call').click()

  await bo.open('/')
  await expect.poll(() => bo.find('missed-count').innerText(), SOON).toBe('1')
  await bo.find('people-link').click()
  await expect.poll(() => pastCalls(bo), SOON).toEqual(['in missed', 'in missed'])
  await bo.find('history-call').first().click()
  await rings(ada)
  await ada.find('accept-audio').click()
  await Promise.all([ada.hears('Bo'), bo.hears('Ada')])
})

test('of all tabs of a browser one rings aloud, and the next when that one is closed', async () => {
  const second = await bo.page.context().newPage()
  await second.goto(`${bo.edge.origin}/people`)
  await second.getByTestId('own-id').waitFor()
  await second.locator('h1').click()
  await second.evaluate(() => {
    const tones: number[] = []
    window.heard = { tones, loudest: 0 }
    const start = OscillatorNode.prototype.start
    OscillatorNode.prototype.start = function (when?: number) {
      tones.push(Math.round(this.frequency.value))
      start.call(this, when)
    }
  })
  await quiet(bo.page)
  await callContact(ada, 'Bo')
  await Promise.all([rings(bo), second.getByTestId('incoming').waitFor()])
  const tabs = [bo.page, second]
  const tones = () => Promise.all(tabs.map((page) => heardAt(page).then((heard) => heard.tones.length)))
  // Until it has rung twice; the other one stays silent all the while.
  await expect.poll(() => tones().then((all) => Math.max(...all)), { timeout: 15_000 }).toBeGreaterThanOrEqual(10)
  const [first, other] = (await tones())[0] ? [bo.page, second] : [second, bo.page]
  expect((await heardAt(other)).tones).toEqual([])
  await first.close()
  await expect.poll(() => heardAt(other).then((heard) => heard.tones.length), { timeout: 15_000 }).toBeGreaterThan(0)
  await other.getByTestId('decline').click()
  await callIs(ada, 'declined')
})
