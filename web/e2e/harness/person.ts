import type { Locator, Page } from 'playwright-core'
import { hear } from './hearing'
import type { Visitor } from './visitor'

/** Goes to the people's page as somebody new, by the visitor's name. */
export async function becomeSomebody(visitor: Visitor): Promise<void> {
  await hear(visitor.page)
  await visitor.open('/people')
  await visitor.find('name').fill(visitor.name)
  await visitor.find('begin').click()
  await visitor.find('own-id').waitFor()
}

/** The link that one copies to invite others, as it is at another visitor's edge. */
export async function invitation(visitor: Visitor, at: Visitor): Promise<string> {
  await visitor.find('make-invite').click()
  return elsewhere(await visitor.find('invite-url').inputValue(), at)
}

export async function moveLink(visitor: Visitor, at: Visitor): Promise<string> {
  await visitor.find('make-move').click()
  return elsewhere(await visitor.find('move-url').inputValue(), at)
}

/** Edges of one mesh have one address elsewhere; here each has its own. */
function elsewhere(link: string, at: Visitor): string {
  return new URL(link).href.replace(new URL(link).origin, at.edge.origin)
}

/** By invitation and consent. */
export async function becomeContacts(visitor: Visitor, other: Visitor): Promise<void> {
  await other.page.goto(await invitation(visitor, other))
  await other.find('accept-invite').click()
  await Promise.all([contact(visitor.page, other.name).waitFor(), contact(other.page, visitor.name).waitFor()])
}

/** `device` takes the identity of `of` over, as another of their devices. */
export async function becomeSame(of: Visitor, device: Visitor): Promise<void> {
  await hear(device.page)
  await device.page.goto(await moveLink(of, device))
  await device.find('take-move').click()
  await device.find('own-id').waitFor()
}

/** The row of a contact by consent of both. */
export function contact(page: Page, name: string) {
  return page.locator('[data-testid="contact"][data-state="mutual"]').filter({ hasText: name })
}

export async function callContact(visitor: Visitor, name: string, media: 'audio' | 'video' | 'screen' = 'video'): Promise<void> {
  await contact(visitor.page, name).getByTestId(`call-${media}`).click()
}

/** A call of theirs that has come to this. */
export function outgoing({ page }: Visitor, state: string): Locator {
  return page.locator(`[data-testid="outgoing"][data-state="${state}"]`)
}

export async function callIs(visitor: Visitor, state: string, timeout = 20_000): Promise<void> {
  await outgoing(visitor, state).waitFor({ timeout })
}

/** Ends their call, whether it still rings or nobody has answered it. */
export async function giveUp({ page }: Visitor): Promise<void> {
  await page.locator('[data-testid="cancel-call"], [data-testid="close-call"]').click()
}

/** Outcomes in the list of calls, the newest first. */
export async function pastCalls(visitor: Visitor): Promise<string[]> {
  return visitor.find('past-call').evaluateAll((rows: HTMLElement[]) => rows.map(({ dataset }) => `${dataset.direction} ${dataset.outcome}`))
}
