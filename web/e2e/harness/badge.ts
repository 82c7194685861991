import { expect } from 'vitest'
import type { Visitor } from './visitor'

/** What stands on the tile of somebody, and what the browser says of the same connection at that moment. */
async function badgeAndTruth(visitor: Visitor, name: string) {
  const [shown, { pair }] = await Promise.all([
    visitor
      .tile(name)
      .getByTestId('badge')
      .evaluate(
        (badge: HTMLElement) => ({
          kind: badge.dataset.kind,
          direct: badge.dataset.direct,
          words: badge.querySelector('span[aria-hidden]')?.textContent ?? '',
        }),
        undefined,
        { timeout: 500 },
      )
      .catch(() => null),
    visitor.stats(name),
  ])
  return { shown, pair }
}

/** Waits until the badge agrees with the selected candidate pair, in what it says to programs and in words. */
export async function expectTrueBadge(visitor: Visitor, name: string): Promise<void> {
  await expect
    .poll(
      async () => {
        const { shown, pair } = await badgeAndTruth(visitor, name)
        if (!shown) return 'no badge'
        if (!pair) return 'no pair'
        const relayed = pair.local === 'relay' || pair.remote === 'relay'
        const kind = relayed ? 'relay' : pair.local
        if (shown.kind !== kind) return `says ${shown.kind}, is ${kind}`
        if (shown.direct !== String(!relayed)) return `says direct=${shown.direct}, but the pair is ${pair.local} to ${pair.remote}`
        const words = relayed ? /^Through a relay( in [\w-]+)?( · \d+ ms)?$/ : /^Direct( · \d+ ms)?$/
        if (!words.test(shown.words)) return `says “${shown.words}”`
        return 'true'
      },
      { timeout: 30_000, interval: 200, message: `badge of ${name} at ${visitor.name}` },
    )
    .toBe('true')
}
