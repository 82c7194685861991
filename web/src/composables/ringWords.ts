import type { MessageKey } from '@/i18n/en'
import type { RingNews } from '@/call/ringing/state'
import type { Sentence } from './pathWords'

const WORDS: Record<RingNews['kind'], MessageKey> = {
  accepted: 'ring.accepted',
  ended: 'ring.ended',
  declined: 'ring.declined',
  busy: 'ring.busy',
  unanswered: 'ring.unanswered',
  offline: 'ring.offline',
  failed: 'ring.failed',
  taken: 'ring.taken',
  cancelled: 'ring.cancelled',
  missed: 'ring.missed',
  unsent: 'ring.unsent',
}

/** What has happened, in words. */
export function ringWords({ kind, user }: RingNews): Sentence {
  return { key: WORDS[kind], named: { name: user.name } }
}
