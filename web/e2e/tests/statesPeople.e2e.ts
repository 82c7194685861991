// People and calls to them, as they look: the page of contacts with all that can stand on it, links that arrive, and a call in every state.
import { expect, test } from 'vitest'
import { expectFocusKept } from '../harness/focus'
import { canRingOn, prolong, whileRinging } from '../harness/lasting'
import { becomeContacts, becomeSame, becomeSomebody, callContact, callIs, contact, giveUp, invitation, outgoing } from '../harness/person'
import { useStage } from '../harness/stage'
import { expectGoodState } from '../harness/state'
import type { Visitor } from '../harness/visitor'

const stage = useStage()

/** As long as a name may be. */
const LONG = 'Maximiliane von Württemberg-Hohenzollern'

const row = ({ page }: Visitor, state: string) => page.locator(`[data-testid="contact"][data-state="${state}"]`)

/** By id, without a link. */
async function ask(visitor: Visitor, id: string): Promise<void> {
  await visitor.find('add-id').fill(id)
  await visitor.find('add-go').click()
  await row(visitor, 'asked').waitFor()
}

test('people, links from them, and calls to them', async () => {
  const [ada, bo, cy, max, eve] = (await Promise.all(
    (['Ada', '王小明', 'Cy', LONG, 'Eve'] as const).map((name, at) => stage.visit(at % 2 ? 'b' : 'a', name)),
  )) as [Visitor, Visitor, Visitor, Visitor, Visitor]
  await Promise.all([canRingOn(ada), canRingOn(bo)])
  await prolong(bo, 10_000)
  await ada.open('/people')
  await ada.find('begin').waitFor()
  await expectGoodState(ada, 'people-nobody')
  await Promise.all([ada, bo, cy, max, eve].map(becomeSomebody))
  await expectGoodState(ada, 'people-empty', { whole: true })
  const id = (visitor: Visitor) => visitor.find('own-id').innerText()

  // Filled: somebody asks, somebody is asked, somebody is blocked, and one is a contact.
  await Promise.all([ask(max, await id(ada)), ask(eve, await id(ada))])
  await ada.find('ask').filter({ hasText: 'Eve' }).getByTestId('ask-block').click()
  await row(ada, 'blocked').waitFor()
  await ask(ada, await id(cy))
  await becomeContacts(ada, bo)
  await ada.find('ask').waitFor()
  await ada.find('add-go').click()
  await ada.page.getByRole('alert').waitFor()
  await ada.find('make-move').click()
  await ada.find('move-url').waitFor()
  await expectGoodState(ada, 'people-filled', { whole: true })
  const menu = async () => {
    await contact(ada.page, bo.name).getByTestId('contact-menu').click()
    await ada.find('block').waitFor()
  }
  await expectGoodState(ada, 'people-menu', { open: menu })
  await menu()
  await ada.find('block').click()
  await expectGoodState(ada, 'people-sure')
  await expectFocusKept(ada, 'contact-menu')

  // Nobody answers for half a minute; meanwhile others are looked at.
  await callContact(ada, bo.name)
  await bo.find('incoming').waitFor()
  await callIs(ada, 'ringing')
  await whileRinging([ada.page, bo.page], async () => {
    await expectGoodState(ada, 'calling', { lasting: outgoing(ada, 'ringing') })
    await expectGoodState(bo, 'incoming', { lasting: bo.find('incoming') })
  })

  const eves = await invitation(eve, cy)
  await cy.page.goto(eves)
  await cy.find('accept-invite').waitFor()
  await expectGoodState(cy, 'invited')
  await cy.find('arrived-invite').getByRole('button').first().click()
  await cy.open(`/#move=${'A'.repeat(22)}.${'B'.repeat(43)}`)
  await cy.find('arrived-move').waitFor()
  await expectGoodState(cy, 'move')
  await cy.page.keyboard.press('Escape')
  await cy.open('/#move=half')
  await cy.find('move-problem').waitFor()
  await expectGoodState(cy, 'move-broken')
  const dee = await stage.visit('b', 'Dee')
  await dee.page.goto(await invitation(max, dee))
  await dee.find('arrived-invite').waitFor()
  await expectGoodState(dee, 'invited-nobody')

  await callIs(ada, 'unanswered', 60_000)
  await bo.page.locator('[data-testid="ring-news"][data-kind="missed"]').waitFor()
  await bo.find('ring-news').getByRole('button').last().click()
  await expectGoodState(ada, 'unanswered')
  await ada.find('close-call').click()

  await callContact(ada, bo.name, 'audio')
  await bo.find('decline').click()
  await callIs(ada, 'declined')
  await expectGoodState(ada, 'declined')
  await ada.find('close-call').click()

  // Of two devices one accepts; a third person calls meanwhile, and hears that it is a bad moment.
  const tablet = await stage.visit('a', bo.name)
  await prolong(tablet, 10_000)
  await becomeSame(bo, tablet)
  await becomeContacts(bo, cy)
  await callContact(ada, bo.name, 'audio')
  await Promise.all([bo.find('incoming').waitFor(), tablet.find('incoming').waitFor()])
  await bo.find('accept-audio').click()
  await tablet.page.locator('[data-testid="ring-news"][data-kind="taken"]').waitFor()
  await expectGoodState(tablet, 'taken', { lasting: tablet.page.locator('[data-testid="ring-news"][data-kind="taken"]') })
  await Promise.all([ada.hears(bo.name), bo.hears('Ada')])
  await callContact(cy, bo.name)
  await bo.find('incoming').waitFor()
  await whileRinging([bo.page], () => expectGoodState(bo, 'incoming-in-call', { lasting: bo.find('incoming') }))
  await giveUp(cy)
  await bo.find('incoming').waitFor({ state: 'detached' })
  await callContact(cy, bo.name)
  await bo.find('incoming').waitFor()
  await bo.find('decline').click()
  await callIs(cy, 'busy')
  await expectGoodState(cy, 'busy')
  await ada.find('leave').click()
  await bo.find('again').waitFor()
  await expectGoodState(bo, 'call-ended')

  await tablet.depart()
  await bo.page.goto('about:blank')
  await ada.find('people-link').click()
  await ada.page.locator('[data-testid="contact"][data-state="mutual"][data-online="false"]').waitFor()
  await callContact(ada, bo.name)
  await callIs(ada, 'offline')
  await expectGoodState(ada, 'away')
  await ada.find('close-call').click()
  await bo.open('/')
  await bo.find('missed-count').waitFor()
  await expectGoodState(bo, 'start-missed', { whole: true })
  await bo.find('people-link').click()
  await bo.find('past-call').first().waitFor()
  await expectGoodState(bo, 'history', { whole: true })

  ada.watch.allow(/ERR_INTERNET_DISCONNECTED/, /WebSocket connection to .* failed/)
  await ada.setOffline(true)
  await expect.poll(() => ada.page.getByTestId('call-video').first().isDisabled(), { timeout: 60_000 }).toBe(true)
  await expectGoodState(ada, 'people-offline')
  await ada.setOffline(false)
})
