import { beforeEach, expect, test } from 'vitest'
import { becomeContacts, becomeSame, becomeSomebody, callContact, callIs, contact, invitation, moveLink } from '../harness/person'
import { useStage } from '../harness/stage'
import type { Visitor } from '../harness/visitor'

const stage = useStage()

let ada: Visitor
let bo: Visitor

beforeEach(async () => {
  ;[ada, bo] = await Promise.all([stage.visit('a', 'Ada'), stage.visit('b', 'Bo')])
  await becomeSomebody(ada)
})

const id = (visitor: Visitor) => visitor.find('own-id').innerText()
const row = (visitor: Visitor, state: string) => visitor.page.locator(`[data-testid="contact"][data-state="${state}"]`)

test('an invitation is accepted by somebody new, who says so; each sees when the other is online', async () => {
  const link = await invitation(ada, bo)
  await bo.page.goto(link)
  await bo.find('arrived-invite').waitFor()
  // Nothing of it stays in the address, and a newcomer says first who they are.
  expect(new URL(bo.page.url()).hash).toBe('')
  await bo.find('arrived-invite').getByTestId('name').fill('Bo')
  await bo.find('arrived-invite').getByTestId('begin').click()
  await bo.find('accept-invite').waitFor()
  expect(await bo.find('arrived-invite').innerText()).toContain('Ada invites you')
  expect(await row(ada, 'mutual').count(), 'opening a link makes no contact').toBe(0)
  await bo.find('accept-invite').click()
  await Promise.all([contact(ada.page, 'Bo').waitFor(), contact(bo.page, 'Ada').waitFor()])
  await Promise.all([ada, bo].map(({ page }) => page.locator('[data-testid="contact"][data-online="true"]').waitFor()))

  await bo.page.goto('about:blank')
  await ada.page.locator('[data-testid="contact"][data-online="false"]').waitFor()
  await bo.open('/people')
  await ada.page.locator('[data-testid="contact"][data-online="true"]').waitFor()
  await contact(bo.page, 'Ada').waitFor()
})

test('who asks by id waits for consent; refused, asked again, accepted, removed', async () => {
  await becomeSomebody(bo)
  const ask = async () => {
    await bo.find('add-id').fill(await id(ada))
    await bo.find('add-go').click()
    await row(bo, 'asked').waitFor()
    await ada.find('ask').filter({ hasText: 'Bo' }).waitFor()
  }
  await ask()
  expect(await row(bo, 'mutual').count()).toBe(0)
  await ada.find('ask-refuse').click()
  await row(bo, 'asked').waitFor({ state: 'detached' })
  await ask()
  await ada.find('ask-accept').click()
  await Promise.all([contact(ada.page, 'Bo').waitFor(), contact(bo.page, 'Ada').waitFor()])
  await contact(bo.page, 'Ada').getByTestId('contact-menu').click()
  await bo.find('remove').click()
  await bo.find('sure-go').click()
  await Promise.all([ada, bo].map((visitor) => visitor.find('contact').waitFor({ state: 'detached' })))
})

test('who is blocked cannot tell it from somebody who is away', async () => {
  await becomeSomebody(bo)
  await becomeContacts(ada, bo)
  await contact(ada.page, 'Bo').getByTestId('contact-menu').click()
  await ada.find('block').click()
  await ada.find('sure-go').click()
  await row(ada, 'blocked').waitFor()

  await bo.page.locator('[data-testid="contact"][data-state="mutual"][data-online="false"]').waitFor()
  await callContact(bo, 'Ada')
  await callIs(bo, 'offline')
  expect(await ada.find('incoming').count()).toBe(0)
  await bo.find('close-call').click()
  await ada.page.reload()
  await row(ada, 'blocked').waitFor()
  expect(await ada.find('past-call').count(), 'nothing is missed of whom one has blocked').toBe(0)

  await row(ada, 'blocked').getByTestId('contact-menu').click()
  await ada.find('unblock').click()
  await row(ada, 'blocked').waitFor({ state: 'detached' })
})

test('an identity moves to another browser by its link, once, with its contacts', async () => {
  await becomeSomebody(bo)
  await becomeContacts(ada, bo)
  const me = await id(ada)
  const phone = await stage.visit('b', 'Ada')
  await becomeSame(ada, phone)
  expect(await id(phone)).toBe(me)
  expect(await phone.page.evaluate(() => localStorage.getItem('callmesh.name'))).toBe('Ada')
  await contact(phone.page, 'Bo').waitFor()

  // A link that was used brings nobody anything, and says so; who they were they stay.
  await ada.page.reload()
  await ada.find('own-id').waitFor()
  const link = await moveLink(ada, bo)
  const cy = await stage.visit('b', 'Cy')
  await becomeSomebody(cy)
  const before = await id(cy)
  await cy.page.goto(link)
  await cy.find('arrived-move').waitFor()
  expect(await cy.find('arrived-move').innerText()).toContain('In this browser you are Cy until now')
  const other = await stage.visit('b', 'Dee')
  await other.page.goto(link)
  await other.find('take-move').click()
  await expect.poll(() => id(other), { timeout: 15_000 }).toBe(me)
  cy.watch.allow(/^error: Failed to load resource: the server responded with a status of 410/)
  await cy.find('take-move').click()
  await cy.page.locator('[data-testid="move-problem"][data-problem="gone"]').waitFor()
  await cy.find('arrived-move').getByRole('button').click()
  expect(await id(cy)).toBe(before)
})

test('a picture is made small, shown in calls, and known to the other from then on', async () => {
  await becomeSomebody(bo)
  await becomeContacts(ada, bo)
  // A red square with a blue edge that is cut off, far larger than what travels.
  const picture = await ada.page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 1200, height: 800 })
    const pen = canvas.getContext('2d')!
    pen.fillStyle = '#00f'
    pen.fillRect(0, 0, 1200, 800)
    pen.fillStyle = '#e00'
    pen.fillRect(200, 0, 800, 800)
    return canvas.toDataURL('image/png').split(',')[1]!
  })
  await ada.find('picture-file').setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: Buffer.from(picture, 'base64') })
  await ada.page.locator('.own img').waitFor()
  await callContact(ada, 'Bo', 'audio')
  await bo.find('accept-audio').click()
  await Promise.all([ada.hears('Bo'), bo.hears('Ada')])
  const photo = bo.tile('Ada').locator('img')
  await photo.waitFor()
  const pixel = await photo.evaluate(async (image: HTMLImageElement) => {
    await image.decode()
    const canvas = Object.assign(document.createElement('canvas'), { width: image.naturalWidth, height: image.naturalHeight })
    const pen = canvas.getContext('2d')!
    pen.drawImage(image, 0, 0)
    return { width: image.naturalWidth, length: image.src.length, red: [...pen.getImageData(2, 2, 1, 1).data.slice(0, 3)] }
  })
  expect(pixel.width).toBe(96)
  expect(pixel.length).toBeLessThanOrEqual(2_600)
  expect(pixel.red[0]).toBeGreaterThan(200)
  expect(pixel.red[2]).toBeLessThan(60)
  await ada.find('leave').click()
  await bo.find('again').waitFor()
  await bo.find('people-link').click()
  await contact(bo.page, 'Ada').locator('img').waitFor()
})
