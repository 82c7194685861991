// What two links say to each other through `signal`. The mesh passes it on unread, so whatever comes in is a stranger's word and is
// checked here before anything else sees it.
//
// A link is one RTCPeerConnection's life. Either side may have to begin a new one (its page lost the session, the other left and came
// back, a handshake broke), and messages may still be on their way from or to the old one. Hence every message says which link it
// comes from, and which of the receiver's it is for, once known. Ids rise, so of two links the later one is the one that lives.

export interface Envelope {
  /** The sender's link. */
  link: number
  /** The receiver's link, as far as the sender has heard of one. */
  for: number | null
}

/** The polite side has no offer to make at first: it says that it is there to be offered something. */
export interface Ready {
  type: 'ready'
}

export interface DescriptionMessage {
  type: 'description'
  /** Counts the offers of a link; an answer carries the number of its offer. */
  seq: number
  description: { type: 'offer' | 'answer'; sdp: string }
}

/** Candidates are sent together when they come faster than the mesh accepts them. */
export interface CandidatesMessage {
  type: 'candidates'
  candidates: RTCIceCandidateInit[]
}

export type Body = Ready | DescriptionMessage | CandidatesMessage
export type LinkMessage = Envelope & Body

export const MAX_CANDIDATES = 32
/** UTF-16 code units of any of a candidate's texts; none is half as long (RFC 8839 §5.1, §5.4). */
const MAX_TEXT = 1_024

/** Reads a signal's data; null if it is none of ours. */
export function parseMessage(data: unknown): LinkMessage | null {
  if (!isObject(data) || !isCount(data.link) || (data.for !== null && !isCount(data.for))) return null
  const envelope: Envelope = { link: data.link, for: data.for }
  switch (data.type) {
    case 'ready':
      return { ...envelope, type: 'ready' }
    case 'description': {
      const { seq, description } = data
      if (!isCount(seq) || !isObject(description) || typeof description.sdp !== 'string') return null
      if (description.type !== 'offer' && description.type !== 'answer') return null
      return { ...envelope, type: 'description', seq, description: { type: description.type, sdp: description.sdp } }
    }
    case 'candidates': {
      const { candidates } = data
      if (!Array.isArray(candidates) || candidates.length > MAX_CANDIDATES || !candidates.every(isCandidate)) return null
      return { ...envelope, type: 'candidates', candidates: candidates.map(bare) }
    }
    default:
      return null
  }
}

function isCandidate(value: unknown): value is RTCIceCandidateInit {
  if (!isObject(value) || typeof value.candidate !== 'string') return false
  const { candidate, sdpMid = null, sdpMLineIndex = null, usernameFragment = null } = value
  return [candidate, sdpMid, usernameFragment].every(isShort) && (sdpMLineIndex === null || isCount(sdpMLineIndex))
}

/** What a browser knows of a candidate, and nothing else, as some are kept for later. */
function bare({ candidate, sdpMid, sdpMLineIndex, usernameFragment }: RTCIceCandidateInit): RTCIceCandidateInit {
  return { candidate, sdpMid, sdpMLineIndex, usernameFragment }
}

function isShort(value: unknown): boolean {
  return value === null || (typeof value === 'string' && value.length <= MAX_TEXT)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
