import type { Page } from 'playwright-core'
import type { Visitor } from './visitor'

declare global {
  interface Window {
    /** What is kept from the page, in order, while its ring is held. */
    heldBack?: (() => void)[] | null
  }
}

const TWO_MINUTES = 120_000

/** Timers of the page for exactly so many ms take two minutes: what it shows for that time can be looked at on a machine that is busy. Call before the page is opened. */
export async function prolong({ page }: Visitor, ...shown: number[]): Promise<void> {
  await page.addInitScript(
    ([shown, long]) => {
      const later = window.setTimeout.bind(window)
      window.setTimeout = ((act: () => void, ms: number, ...rest: unknown[]) => later(act, shown.includes(ms) ? long : ms, ...rest)) as typeof window.setTimeout
    },
    [shown, TWO_MINUTES] as const,
  )
}

/** Lets the pages' calls ring on, while `what` is done, when the edge has let them ring for long enough: the pages learn that afterwards. */
export async function whileRinging(pages: Page[], what: () => Promise<void>): Promise<void> {
  await Promise.all(pages.map((page) => page.evaluate(() => void (window.heldBack = []))))
  await what()
  const release = () => {
    const all = window.heldBack ?? []
    window.heldBack = null
    for (const tell of all) tell()
  }
  await Promise.all(pages.map((page) => page.evaluate(release)))
}

/** For {@link whileRinging}. Call before the page is opened. */
export async function canRingOn(visitor: Visitor): Promise<void> {
  // For how long the page itself waits, should the edge say nothing.
  await prolong(visitor, 40_000)
  await visitor.page.addInitScript(() => {
    const told = new WeakSet<Event>()
    window.WebSocket = class extends WebSocket {
      constructor(...given: ConstructorParameters<typeof WebSocket>) {
        super(...given)
        this.addEventListener('message', (event: MessageEvent<string>) => {
          const held = window.heldBack
          if (!held || told.has(event)) return
          const { ev, state } = JSON.parse(event.data) as { ev?: string; state?: string }
          // All that follows has to wait, too: the page would miss what is numbered before it.
          if (held.length === 0 && !(ev === 'call' && state === 'missed')) return
          event.stopImmediatePropagation()
          held.push(() => {
            const again = new MessageEvent('message', { data: event.data })
            told.add(again)
            this.dispatchEvent(again)
          })
        })
      }
    }
  })
}
