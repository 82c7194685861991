import type { FileView } from './files/view'
import type { PeerStatus } from './info'

// What a call looks like from outside: plain values that a view renders and a test reads.
// Nothing here knows how they come about; see room.ts for that.

/** Kind of an ICE candidate (RFC 8445 §5.1.1). The first three are direct, the last goes through a relay. */
export type PathKind = 'host' | 'srflx' | 'prflx' | 'relay'

/** How media flows between two peers right now. */
export interface Path {
  /** `relay` if EITHER end is a relay; else our own candidate's kind. */
  kind: PathKind
  direct: boolean
  /** Between this browser and the other end, or the relay if we use one. */
  protocol: 'udp' | 'tcp' | 'tls'
  /** Round trip in milliseconds; null until measured. */
  rttMs: number | null
  /** The region of the relay, when this browser uses one whose region is known. */
  relayRegion?: string
}

/** `reconnecting` was connected before and is being mended; `failed` has been given up until the next ICE restart. */
export type LinkState = 'new' | 'connecting' | 'connected' | 'reconnecting' | 'failed'

/** What can be sent to a peer, each on or off by itself. */
export type Slot = 'microphone' | 'camera' | 'screen' | 'screenSound'

/** In the order in which the transceivers stand in every offer. */
export const SLOTS: readonly Slot[] = ['microphone', 'camera', 'screen', 'screenSound']

/** Pages from before there was a screen's sound know the first three. */
export const FIRST_SLOTS: readonly Slot[] = SLOTS.slice(0, 3)

export function forEachSlot<T>(value: (slot: Slot) => T): Record<Slot, T> {
  return { microphone: value('microphone'), camera: value('camera'), screen: value('screen'), screenSound: value('screenSound') }
}

/** What a peer says it sends, in its `info.slots`. */
export type Slots = Record<Slot, boolean>

/** Somebody, whatever session they come with; the name is their own word, of any characters. */
export interface User {
  id: string
  name: string
}

/** Another session in the room. */
export interface PeerView {
  peer: string
  user: User
  region: string
  link: LinkState
  /** Null while no path is in use. */
  path: Path | null
  sends: Slots
  /** What it says of itself beside. */
  status: PeerStatus
  /** A data URL that may be shown; null if it gives none. */
  picture?: string | null
  /** The tracks are there when the peer says that it sends them; the objects stay the same for the life of the link. */
  microphone: MediaStreamTrack | null
  camera: MediaStreamTrack | null
  screen: MediaStreamTrack | null
  screenSound: MediaStreamTrack | null
  speaking: boolean
  /** Loudness from 0 (silence) to 1. */
  level: number
}

/** A text of the room's chat. */
export interface ChatLine {
  /** Chosen by the sender; the same on every screen. */
  id: string
  /** The mesh's id, once accepted. */
  mid?: string
  /** Unix ms. */
  at: number
  mine: boolean
  /** User id of the writer. */
  from: string
  name: string
  text: string
  state: 'sending' | 'sent' | 'failed'
}

/** `none`: the oldest line shown is the first there is, or the last that a page holds. */
export type EarlierState = 'none' | 'more' | 'loading' | 'failed'

/** The line to the edge: `reconnecting` keeps the session and goes on by itself, `closed` does not. Media between peers flows in all of them. */
export type SignalState = 'connecting' | 'open' | 'reconnecting' | 'closed'

export interface Self {
  peer: string
  user: User
  region: string
  edge: string
}

/** `code` is an ErrorCode of the wire, or one that only this side knows: bad_token, forbidden, protocol. */
export interface CallError {
  code: string
  message: string
  /** Of kicked: when one may come back, in Unix ms; 0 is at once. */
  until?: number
}

/** All there is to show of a room at one moment; another object after each change. */
export interface RoomSnapshot {
  room: string
  signal: SignalState
  self: Self | null
  joined: boolean
  /** What we send ourselves. */
  sends: Slots
  /** What we say of ourselves beside. */
  status: PeerStatus
  /** In the order in which they came. */
  peers: PeerView[]
  /** Oldest first. */
  chat: ChatLine[]
  /** What was said before the oldest line. */
  earlier: EarlierState
  /** Files to and from others, oldest first. */
  files: FileView[]
  error: CallError | null
}
