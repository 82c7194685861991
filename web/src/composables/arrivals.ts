// What a link brings behind its #: an invitation, or an identity that moves here. It is taken out of the address at once.
import { shallowRef } from 'vue'
import type { NavigationGuard } from 'vue-router'
import { parseMove } from './identityMove'

export type Arrival = { kind: 'invite'; code: string } | { kind: 'move'; code: string; key: string } | { kind: 'broken' }

/** Longer than any code is. */
const MOST_CHARS = 1_024

/** What waits for the reader's decision. */
export const arrival = shallowRef<Arrival | null>(null)

/** What the fragment of a link brings; null for none. */
export function readArrival(hash: string): Arrival | null {
  const parts = new URLSearchParams(hash.replace(/^#/, ''))
  const [invite, move] = [parts.get('invite'), parts.get('move')]
  if ((invite ?? move ?? '').length > MOST_CHARS) return { kind: 'broken' }
  if (invite) return { kind: 'invite', code: invite }
  if (move === null) return null
  const parsed = parseMove(move)
  return parsed ? { kind: 'move', ...parsed } : { kind: 'broken' }
}

/** Leads whoever follows such a link to the page where they decide about it. */
export const arrivalGuard: NavigationGuard = (to) => {
  const brought = to.hash ? readArrival(to.hash) : null
  if (!brought) return true
  arrival.value = brought
  return { path: '/people', replace: true }
}
