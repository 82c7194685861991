import { expect } from 'vitest'
import type { Visitor } from './visitor'

/** What a page's address says where it is to use relays and nothing else. */
export const RELAY_ONLY = '?ice=relay'

/** The other's relay is known by its packets (`prflx`) until what the other says of it has come through the edges. */
export async function relayedAtBothEnds(visitor: Visitor, other: string): Promise<void> {
  const kinds = () => visitor.stats(other).then(({ pair }) => [pair?.local, pair?.remote])
  await expect.poll(kinds, { message: `candidates of ${visitor.name} and ${other}` }).toEqual(['relay', 'relay'])
}
