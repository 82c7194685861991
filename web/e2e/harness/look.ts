import { AxeBuilder } from '@axe-core/playwright'
import { fileURLToPath, URL } from 'node:url'
import { expect } from 'vitest'
import type { Visitor } from './visitor'

const ARTEFACTS = fileURLToPath(new URL('../artefacts/', import.meta.url))
const PHONE = { width: 390, height: 844 }
const DESK = { width: 1440, height: 900 }

/**
 * Looks at the page as it is now, on a phone and on a desk, by day and by night: takes a picture of each for people to judge,
 * and fails on what a program can judge, which is accessibility and content that is wider than the screen.
 */
export async function expectGoodLooks(visitor: Visitor, name: string, schemes: ('light' | 'dark')[] = ['light', 'dark']): Promise<void> {
  const { page } = visitor
  const language = await page.evaluate(() => document.documentElement.lang)
  for (const viewport of [PHONE, DESK]) {
    await page.setViewportSize(viewport)
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme })
      const where = `${name}-${language}-${viewport.width}-${colorScheme}`
      await expect.poll(() => page.evaluate(atRest, colorScheme), { timeout: 20_000, interval: 50, message: `${where} comes to rest` }).toBe(true)
      await page.screenshot({ path: `${ARTEFACTS}${where}.png` })

      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), `${where} is wider than the screen by`).toBeLessThanOrEqual(0)
      // Legacy mode needs no second page for frames, of which there are none.
      const { violations, passes } = await new AxeBuilder({ page }).setLegacyMode().analyze()
      expect(passes.length, 'rules that were applied').toBeGreaterThan(10)
      const grave = violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`)
      expect(grave, `what keeps people out of ${where}`).toEqual([])
    }
  }
}

/** Whether the page has taken the scheme over and nothing moves any more, apart from what always does. */
async function atRest(colorScheme: string): Promise<boolean> {
  // Transitions begin with the frame after the one that shows a change.
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
  const moving = document.getAnimations().filter(({ effect }) => effect?.getTiming().iterations !== Infinity)
  return document.documentElement.dataset.theme === colorScheme && moving.length === 0
}
