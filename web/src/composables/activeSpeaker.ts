// Who is shown large while several people talk: calm enough that nobody's cough moves the picture.

/** A word and the pauses beside it are longer than this, a cough with its echo is not. */
export const TAKES_MS = 1_400
/** Who talks on while somebody else is shown is shown after this long, if louder. */
export const INTERRUPTS_MS = 5_000

export interface Voice {
  peer: string
  speaking: boolean
  /** 0 to 1. */
  level: number
}

export interface ActiveSpeaker {
  /** Null while nobody is there. */
  peer: string | null
  /** Of each who speaks now: since when, in ms of the caller's clock. */
  since: ReadonlyMap<string, number>
}

export const NOBODY: ActiveSpeaker = { peer: null, since: new Map() }

/**
 * Who is the speaker now, given who was. Somebody else takes the place after speaking for a while to one who is silent, or for long and louder to one
 * who speaks too; silence changes nothing. `voices` are the others, in the order of their coming; `now` is in ms.
 */
export function nextSpeaker(before: ActiveSpeaker, voices: readonly Voice[], now: number): ActiveSpeaker {
  const since = new Map<string, number>()
  for (const { peer, speaking } of voices) if (speaking) since.set(peer, before.since.get(peer) ?? now)
  const shown = voices.find(({ peer }) => peer === before.peer)
  const lasts = ({ peer }: Voice) => now - (since.get(peer) ?? now)
  const longest = voices.filter(({ speaking, peer }) => speaking && peer !== before.peer).sort((a, b) => lasts(b) - lasts(a))[0]
  if (!shown) return { peer: (longest ?? voices[0])?.peer ?? null, since }
  if (!longest) return { peer: shown.peer, since }
  const takes = shown.speaking ? lasts(longest) >= INTERRUPTS_MS && longest.level > shown.level : lasts(longest) >= TAKES_MS
  return { peer: takes ? longest.peer : shown.peer, since }
}
