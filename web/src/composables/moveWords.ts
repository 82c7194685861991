import type { MessageKey } from '@/i18n/en'
import type { MoveProblem } from './identityMove'

const WORDS: Record<MoveProblem, { title: MessageKey; how: MessageKey }> = {
  gone: { title: 'move.gone', how: 'move.gone.how' },
  broken: { title: 'move.broken', how: 'move.broken.how' },
  insecure: { title: 'move.insecure', how: 'move.insecure.how' },
  limited: { title: 'move.limited', how: 'move.limited.how' },
  failed: { title: 'move.failed', how: 'move.failed.how' },
}

/** Why an identity could not move, and what to do. */
export function moveWords(problem: MoveProblem): { title: MessageKey; how: MessageKey } {
  return WORDS[problem]
}
