import type { MessageKey } from '@/i18n/en'
import { asWireError } from '@/signal/errors'

const WORDS: Record<string, MessageKey> = {
  rate_limited: 'trouble.limited',
  too_large: 'trouble.full',
  gone: 'trouble.gone',
  bad_request: 'trouble.unusable',
  unavailable: 'trouble.unavailable',
  internal: 'trouble.unavailable',
  unknown_op: 'trouble.older',
}

/** Why something about a contact did not work, and what to do. */
export function peopleTrouble(thrown: unknown): MessageKey {
  return WORDS[asWireError(thrown).code] ?? 'trouble.other'
}
