import type { Path } from '@/call/state'
import type { MessageKey } from '@/i18n/en'

/** One message and what fills its holes. */
export interface Sentence {
  key: MessageKey
  named: Record<string, string | number>
}

type Stem = 'path.direct' | 'path.relay' | 'path.relay.nowhere'

const SHORT: Record<Stem, [measured: MessageKey, unmeasured: MessageKey]> = {
  'path.direct': ['path.direct', 'path.direct.unmeasured'],
  'path.relay': ['path.relay', 'path.relay.unmeasured'],
  'path.relay.nowhere': ['path.relay.nowhere', 'path.relay.nowhere.unmeasured'],
}

const LONG: Record<Stem, [measured: MessageKey, unmeasured: MessageKey]> = {
  'path.direct': ['path.direct.explain', 'path.direct.unmeasured.explain'],
  'path.relay': ['path.relay.explain', 'path.relay.unmeasured.explain'],
  'path.relay.nowhere': ['path.relay.nowhere.explain', 'path.relay.nowhere.unmeasured.explain'],
}

function stem(path: Path): Stem {
  if (path.direct) return 'path.direct'
  // An edge that was not told where it stands calls its region local, which tells nobody anything.
  return path.relayRegion && path.relayRegion !== 'local' ? 'path.relay' : 'path.relay.nowhere'
}

/**
 * The badge's words for a path, and the sentence that explains them. Only what is known is said: that a relay is used, never why, since a
 * network that blocks direct calls and a browser that was told to use relays look the same from here.
 */
export function pathWords(path: Path, name: string): { short: Sentence; long: Sentence } {
  const form = path.rttMs === null ? 1 : 0
  // Below one millisecond "0 ms" would look like a fault.
  const named = { ms: Math.max(1, Math.round(path.rttMs ?? 0)), region: path.relayRegion ?? '', name }
  return {
    short: { key: SHORT[stem(path)][form], named },
    long: { key: LONG[stem(path)][form], named },
  }
}
