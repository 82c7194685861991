import { expect } from 'vitest'
import type { Visitor } from './visitor'

/** The data-testid of what has the focus, or of what it is in. */
export function focused({ page }: Visitor): Promise<string> {
  return page.evaluate(() => document.activeElement?.closest('[data-testid]')?.getAttribute('data-testid') ?? '')
}

/**
 * With keys alone: a dialog that is open keeps the focus among its own controls, all of which Tab reaches; Escape closes it and gives the focus back to
 * what has the data-testid `back`.
 */
export async function expectFocusKept(visitor: Visitor, back: string): Promise<void> {
  const { page } = visitor
  const inside = () =>
    page.evaluate(() => {
      const dialog = document.querySelector('dialog:modal')
      const now = document.activeElement
      // From the last control on, the browser's own have their turn.
      if (!dialog || now === document.body || now === document.documentElement) return dialog ? 'browser' : 'no dialog'
      return dialog.contains(now) ? 'inside' : `outside: ${now?.outerHTML.slice(0, 120)}`
    })
  const places: string[] = []
  for (let steps = 0; steps < 12; steps++) {
    places.push(await inside())
    await page.keyboard.press('Tab')
  }
  expect(places.filter((place) => place !== 'inside' && place !== 'browser'), 'where Tab led to from a dialog').toEqual([])
  expect(places[0], 'where the focus is when a dialog opens').toBe('inside')
  await page.keyboard.press('Escape')
  await expect.poll(() => page.locator('dialog:modal').count(), { message: 'dialogs that Escape left open' }).toBe(0)
  await expect.poll(() => focused(visitor), { message: 'what has the focus after the dialog' }).toBe(back)
}
