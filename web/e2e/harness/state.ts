import { AxeBuilder } from '@axe-core/playwright'
import { createRequire } from 'node:module'
import { fileURLToPath, URL } from 'node:url'
import type { CDPSession, Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import { flaws } from './flaws'
import type { Visitor } from './visitor'

const PICTURES = fileURLToPath(new URL('../artefacts/states/', import.meta.url))

interface Way {
  language: 'en' | 'zh'
  width: number
  height: number
  scheme: 'light' | 'dark'
}

interface LookOptions {
  /** Brings about what a change of the page's size ends, such as an open menu. */
  open?: () => Promise<void>
  /** Takes the picture of the whole page and not of what is in view. */
  whole?: boolean
  /** On a phone that is held sideways, too. */
  sideways?: boolean
  /** What goes by itself after a while. It has to be there before and after every look, or another state was looked at. */
  lasting?: Locator
}

// Each width in each language; and each language, like each width, by day and by night. The size changes every time, which closes what is to be opened anew.
const WAYS: Way[] = [
  { language: 'en', width: 390, height: 844, scheme: 'light' },
  { language: 'en', width: 1440, height: 900, scheme: 'dark' },
  { language: 'zh', width: 390, height: 844, scheme: 'dark' },
  { language: 'zh', width: 1440, height: 900, scheme: 'light' },
]

const SIDEWAYS: Way[] = [
  { language: 'en', width: 844, height: 390, scheme: 'dark' },
  { language: 'zh', width: 844, height: 390, scheme: 'light' },
]

/** A desk of 1280 pixels at 400 %. */
const ENLARGED = { width: 320, height: 256 }

const require = createRequire(import.meta.url)
/** The one that the builder comes with. It gives half a megabyte to a page with each look; here a page gets it once. */
const { source: AXE } = createRequire(require.resolve('@axe-core/playwright'))('axe-core') as { source: string }

/** Of two sessions only the first would have its way. */
const tools = new WeakMap<Page, CDPSession>()

/**
 * Looks at a state of the page on a phone and on a desk, in both languages, by day and by night, as it stands: the page takes another language over as
 * from another tab. A picture of each is kept for people to judge; what a program can judge must be without fault.
 */
export async function expectGoodState(visitor: Visitor, name: string, { open, whole, sideways, lasting }: LookOptions = {}): Promise<void> {
  const { page } = visitor
  const before = page.viewportSize()!
  const spoken = await page.evaluate(() => (document.documentElement.lang === 'en' ? 'en' : 'zh'))
  const wrong: string[] = []
  const gone = async () => (lasting && !(await lasting.isVisible()) ? ['what was to be looked at had gone by itself'] : [])
  for (const way of sideways ? [...WAYS, ...SIDEWAYS] : WAYS) {
    const where = `${name}-${way.language}-${way.width}-${way.scheme}`
    await become(page, way, open)
    const found = [...(await gone()), ...(await faults(page, onPhone(way)))]
    // The browser's own pictures of whole pages are without fingers.
    if (whole) await become(page, { ...way, height: Math.max(way.height, await page.evaluate(() => document.documentElement.scrollHeight)) })
    await page.screenshot({ path: `${PICTURES}${where}.png` })
    wrong.push(...[...found, ...(await gone())].map((fault) => `${where}: ${fault}`))
  }
  await become(page, { ...WAYS[0]!, ...ENLARGED }, open)
  wrong.push(...[...(await page.evaluate(flaws, false)), ...(await gone())].map((fault) => `${name} at 400 %: ${fault}`))
  await become(page, { language: spoken, ...before, scheme: 'light' })
  expect.soft(wrong, `what is wrong with ${name}`).toEqual([])
}

function onPhone({ width, height }: Way): boolean {
  return Math.min(width, height) < 500
}

async function become(page: Page, way: Way, open?: () => Promise<void>): Promise<void> {
  const { language, width, height, scheme } = way
  const session = tools.get(page) ?? (await page.context().newCDPSession(page))
  tools.set(page, session)
  // A finger has no hover and needs larger targets.
  await session.send('Emulation.setTouchEmulationEnabled', { enabled: onPhone(way) })
  await page.setViewportSize({ width, height })
  // Nothing to wait for on the way from one to the next.
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
  await page.evaluate((language) => {
    const before = localStorage.getItem('callmesh.language')
    localStorage.setItem('callmesh.language', language)
    dispatchEvent(new StorageEvent('storage', { key: 'callmesh.language', oldValue: before, newValue: language, storageArea: localStorage }))
  }, language)
  const rests = () => expect.poll(() => page.evaluate(atRest, way), { timeout: 20_000, interval: 50, message: `rest at ${width} × ${height}` }).toBe(true)
  await rests()
  if (!open) return
  await open()
  await rests()
}

/** Whether the page has become what was asked of it, and nothing moves any more, apart from what always does. */
async function atRest({ width, height, scheme }: Way): Promise<boolean> {
  // Transitions begin with the frame after the one that shows a change.
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
  const moving = document.getAnimations().filter(({ effect }) => effect?.getTiming().iterations !== Infinity)
  return innerWidth === width && innerHeight === height && document.documentElement.dataset.theme === scheme && moving.length === 0
}

async function faults(page: Page, touch: boolean): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE)
  // Legacy mode needs no second page for frames, of which there are none.
  const { violations, passes } = await new AxeBuilder({ page, axeSource: ';' }).setLegacyMode().options({ resultTypes: ['violations'] }).analyze()
  expect(passes.length, 'rules that were applied').toBeGreaterThan(10)
  return [
    ...(await page.evaluate(flaws, touch)),
    ...violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`),
  ]
}
