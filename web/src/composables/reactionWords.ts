import type { Reaction } from '@/call/reactions'
import type { MessageKey } from '@/i18n/en'

/** How each reaction looks and what it is called. */
export const REACTION_WORDS: Record<Reaction, { text: string; name: MessageKey }> = {
  thumbsUp: { text: '👍', name: 'react.thumbsUp' },
  clap: { text: '👏', name: 'react.clap' },
  heart: { text: '❤️', name: 'react.heart' },
  laugh: { text: '😂', name: 'react.laugh' },
  surprise: { text: '😮', name: 'react.surprise' },
  party: { text: '🎉', name: 'react.party' },
}
