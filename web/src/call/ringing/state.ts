import type { Media, User } from '../../wire/wire.gen'

// What ringing looks like from outside: plain values that a view renders and a test reads. How they come about is in ringing.ts.

/** A call that rings here. */
export interface IncomingCall {
  call: string
  from: User
  media: Media
  /** Unix ms, by our clock: when it began to ring here. */
  at: number
  /** Our answer is on its way. */
  answering: boolean
}

/** Why a call of ours came to nothing. `failed`: the mesh could not be asked, and it may or may not have rung. */
export type Refusal = 'declined' | 'busy' | 'unanswered' | 'offline' | 'failed'

/** A call of ours that has not been answered. `calling` is on its way to the mesh; a refusal stays until it has been read. */
export interface OutgoingCall {
  /** Null while `calling`, and if it never rang. */
  call: string | null
  to: User
  media: Media
  state: 'calling' | 'ringing' | Refusal
  /** Unix ms. */
  at: number
}

/** A call that was answered, and happens in a room. */
export interface CurrentCall {
  call: string
  room: string
  with: User
  /** What we begin with: our voice alone, or our picture too. */
  media: Media
  /** Unix ms. */
  since: number
  /**
   * The mesh has ended it: by the other side's word (or because it lost the mesh, while media may still flow), or because we lost our session with all that was in it.
   */
  over: 'ended' | 'lost' | null
}

export interface RingingSnapshot {
  /** In the order in which they began to ring. */
  incoming: IncomingCall[]
  outgoing: OutgoingCall | null
  current: CurrentCall | null
  /** In a call, be it one that was rung or a room that was entered by its link. */
  engaged: boolean
}

/** Something that has just happened, to be told once in words and sound. `unsent`: our own answer did not get through, and it still rings. */
export interface RingNews {
  kind: 'accepted' | 'ended' | Refusal | 'taken' | 'cancelled' | 'missed' | 'unsent'
  user: User
}

/** What became of a call. `cancelled`: whoever called gave up; `taken`: another device of ours answered. */
export type Outcome = 'answered' | 'declined' | 'busy' | 'unanswered' | 'offline' | 'cancelled' | 'missed' | 'taken'

/** What is kept of a call. */
export interface CallRecord {
  call: string
  direction: 'in' | 'out'
  user: User
  media: Media
  /** Unix ms. */
  at: number
  outcome: Outcome
  /** How long it lasted, in ms; null while it lasts, if that is not known, and if it was not answered. */
  durationMs: number | null
}
