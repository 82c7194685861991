// Generated from bus/wire by `make gen`; do not edit. The contract in prose is bus/wire/PROTOCOL.md.

/** The WebSocket subprotocol that a client offers and an edge selects (RFC 6455, section 1.9). */
export const SUBPROTOCOL = 'callmesh.v1'

/** Bounds one frame in either direction. */
export const MAX_FRAME_BYTES = 65536

/** Bounds of ids and of a message's key, in bytes of UTF-8. */
export const MAX_ROOM_BYTES = 128
export const MAX_USER_BYTES = 128
export const MAX_KEY_BYTES = 64

/** Error codes. `unavailable` and `internal` mean that delivery is unknown; every other code means that nothing was delivered. */
export const ERROR_CODES = [
  'bad_request',
  'unknown_op',
  'unauthorized',
  'forbidden',
  'not_in_room',
  'no_such_peer',
  'room_full',
  'too_large',
  'rate_limited',
  'offline',
  'taken',
  'gone',
  'unavailable',
  'internal',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** What an edge answers instead of ok. */
export interface ErrorBody {
  code: ErrorCode
  message: string
}

/** Close codes. 4000-4099: reconnect and resume; 4100-4199: reconnect with a new hello; 4400-4499: do not retry. */
export const CLOSE = {
  slow: 4001,
  draining: 4002,
  busLost: 4003,
  sessionUnknown: 4101,
  tokenExpired: 4102,
  protocol: 4400,
  badToken: 4401,
  forbidden: 4403,
  noHello: 4408,
  resumed: 4409,
  tooLarge: 4413,
  flooding: 4429,
} as const

export interface Ops {
  hello: { args: HelloArgs; ok: HelloOk }
  ping: { args: PingArgs; ok: PingOk }
  join: { args: JoinArgs; ok: JoinOk }
  update: { args: UpdateArgs; ok: UpdateOk }
  leave: { args: LeaveArgs; ok: LeaveOk }
  signal: { args: SignalArgs; ok: SignalOk }
  post: { args: PostArgs; ok: PostOk }
  history: { args: HistoryArgs; ok: HistoryOk }
  call: { args: CallArgs; ok: CallOk }
  answer: { args: AnswerArgs; ok: AnswerOk }
  hangup: { args: HangupArgs; ok: HangupOk }
  presence: { args: PresenceArgs; ok: PresenceOk }
  ice: { args: IceArgs; ok: IceOk }
  report: { args: ReportArgs; ok: ReportOk }
  refresh: { args: RefreshArgs; ok: RefreshOk }
  kick: { args: KickArgs; ok: KickOk }
  lock: { args: LockArgs; ok: LockOk }
  contacts: { args: ContactsArgs; ok: ContactsOk }
  contact: { args: ContactArgs; ok: ContactOk }
  invite: { args: InviteArgs; ok: InviteOk }
  invited: { args: InvitedArgs; ok: InvitedOk }
  moderate: { args: ModerateArgs; ok: ModerateOk }
  knock: { args: KnockArgs; ok: KnockOk }
  admit: { args: AdmitArgs; ok: AdmitOk }
}

export const OPS = [
  'hello',
  'ping',
  'join',
  'update',
  'leave',
  'signal',
  'post',
  'history',
  'call',
  'answer',
  'hangup',
  'presence',
  'ice',
  'report',
  'refresh',
  'kick',
  'lock',
  'contacts',
  'contact',
  'invite',
  'invited',
  'moderate',
  'knock',
  'admit',
] as const

export type Op = (typeof OPS)[number]

/** HelloArgs opens a session, or resumes one. It must be the first request, within `Limits.helloMs`. */
export interface HelloArgs {
  token: string
  resume?: Resume
}

/** HelloOk greets a session. */
export interface HelloOk {
  session: SessionId
  /** proves the session to any edge; whoever has it and the user's token can resume */
  key: string
  peer: PeerId
  user: User
  edge: EdgeId
  region: Region
  iceServers: IceServer[]
  /** seconds until the credentials in iceServers expire */
  iceTtl: number
  /** ms: ping at least so often */
  heartbeat: number
  limits: Limits
  /** true: every event since the loss follows, exactly once */
  resumed: boolean
  /** the rooms that a resumed session is in */
  rooms: RoomRoster[]
  /** calls that rang in vain since the user's last hello */
  missed: Missed[]
}

/** PingArgs has none. */
export type PingArgs = Record<string, never>

export type PingOk = Keyed

/** JoinArgs enters a room. Joining a room again replaces the info. */
export interface JoinArgs {
  room: RoomId
  info?: unknown
  /** of an admitted event: lets its holder into the locked room */
  pass?: string
}

/** JoinOk lists the others already there. */
export interface JoinOk {
  peers: Peer[]
  /** only moderators may join */
  locked?: boolean
  /** the session may kick and lock here */
  moderator?: boolean
  key?: string
}

/** UpdateArgs replaces what the peer says of itself. */
export interface UpdateArgs {
  room: RoomId
  info: unknown
}

export type UpdateOk = Keyed

/** LeaveArgs leaves a room. */
export interface LeaveArgs {
  room: RoomId
}

export type LeaveOk = Keyed

/** SignalArgs sends data to one peer. A repeated `key` is delivered once. */
export interface SignalArgs {
  room: RoomId
  to: PeerId
  data: unknown
  key?: string
}

export type SignalOk = Empty

/** PostArgs sends data to all other peers of a room; `keep` stores it in the room's history. */
export interface PostArgs {
  room: RoomId
  data: unknown
  keep?: boolean
  key?: string
}

/** PostOk tells the mid that everyone sees. */
export interface PostOk {
  mid: Mid
  at: number
}

/** HistoryArgs asks for the latest kept posts before a mid, or the latest of all. */
export interface HistoryArgs {
  room: RoomId
  before?: Mid
  /** 1 to `Limits.historyPosts`; 50 unless told */
  limit?: number
}

/** HistoryOk has the oldest post first. `more` says whether older ones are kept. */
export interface HistoryOk {
  posts: Post[]
  more: boolean
}

/** CallArgs rings a user. */
export interface CallArgs {
  to: UserId
  media: Media
  /** a fresh one unless told */
  room?: RoomId
}

/** CallOk names the call and the room in which it happens. */
export interface CallOk {
  call: CallId
  room: RoomId
  key?: string
}

/** AnswerArgs accepts a call or declines it. Exactly one answer to a call gets ok; the others get `taken`. */
export interface AnswerArgs {
  call: CallId
  accept: boolean
  /** of a refusal; declined unless told */
  reason?: Reason
}

/** AnswerOk tells the room to join. */
export interface AnswerOk {
  room: RoomId
  key?: string
}

/** HangupArgs ends a call, or cancels it while it rings. */
export interface HangupArgs {
  call: CallId
}

export type HangupOk = Empty

/** PresenceArgs watches users. A further presence request adds to the watched. */
export interface PresenceArgs {
  users: UserId[]
}

/** PresenceOk tells who is online now. */
export interface PresenceOk {
  online: Record<UserId, boolean>
  key?: string
}

/** IceArgs has none. */
export type IceArgs = Record<string, never>

/** IceOk has fresh credentials. */
export interface IceOk {
  iceServers: IceServer[]
  iceTtl: number
}

/** ReportArgs tells what an attempt to connect with a peer came to. */
export interface ReportArgs {
  room: RoomId
  peer: PeerId
  outcome: Outcome
}

export type ReportOk = Empty

/** RefreshArgs replaces the session's token by one of the same user. */
export interface RefreshArgs {
  token: string
}

/** RefreshOk tells until when the session now lasts. */
export interface RefreshOk {
  /** Unix ms */
  expiresAt: number
}

/** KickArgs removes a peer from a room, or a user from a room or from the whole mesh, and keeps that user out for a time. Either `peer` or `user` is given, and without a `room` it must be `user`. */
export interface KickArgs {
  /** the whole mesh unless given */
  room?: RoomId
  peer?: PeerId
  user?: UserId
  /** 0 to 86400; 600 unless told; 0 keeps nobody out, and lifts what an earlier kick said */
  forSeconds?: number
}

/** KickOk tells until when the user is kept out. */
export interface KickOk {
  /** Unix ms; 0: the user may come back at once */
  until: number
}

/** LockArgs locks a room, so that only moderators may join it, or unlocks it. */
export interface LockArgs {
  room: RoomId
  locked: boolean
}

export type LockOk = Empty

/** ContactsArgs has none. */
export type ContactsArgs = Record<string, never>

/** ContactsOk lists the contacts, the latest change first. */
export interface ContactsOk {
  contacts: Contact[]
}

/** ContactArgs changes how one stands to a user. */
export interface ContactArgs {
  user: UserId
  action: ContactAction
  /** with add: the user's code, by which it has agreed already */
  invite?: string
}

/** ContactOk tells how it stands now. */
export interface ContactOk {
  contact: Contact
}

/** InviteArgs has none. */
export type InviteArgs = Record<string, never>

/** InviteOk has a code that makes whoever adds the user with it a mutual contact at once. */
export interface InviteOk {
  code: string
  /** Unix ms */
  expiresAt: number
}

/** InvitedArgs asks whose code this is. */
export interface InvitedArgs {
  code: string
}

/** InvitedOk tells who invites. */
export interface InvitedOk {
  user: User
}

/** ModerateArgs proves that the session may moderate a room: it knows the secret of which the room's id is made. */
export interface ModerateArgs {
  room: RoomId
  /** 16 to 128 bytes of printable ASCII */
  secret: string
}

export type ModerateOk = Keyed

/** KnockArgs asks to be let into a locked room. Knocking again renews it. */
export interface KnockArgs {
  room: RoomId
}

/** KnockOk tells how long a moderator can answer. */
export interface KnockOk {
  /** Unix ms */
  expiresAt: number
}

/** AdmitArgs answers a knock. */
export interface AdmitArgs {
  room: RoomId
  /** that knocked */
  peer: PeerId
  accept: boolean
}

export type AdmitOk = Empty

export interface Events {
  joined: JoinedEvent
  updated: UpdatedEvent
  left: LeftEvent
  signal: SignalEvent
  post: PostEvent
  ring: RingEvent
  call: CallEvent
  presence: PresenceEvent
  goaway: GoawayEvent
  kicked: KickedEvent
  locked: LockedEvent
  contact: ContactEvent
  knock: KnockEvent
  admitted: AdmittedEvent
  ice: IceEvent
}

export const EVENTS = [
  'joined',
  'updated',
  'left',
  'signal',
  'post',
  'ring',
  'call',
  'presence',
  'goaway',
  'kicked',
  'locked',
  'contact',
  'knock',
  'admitted',
  'ice',
] as const

export type EventName = (typeof EVENTS)[number]

export type AnyEvent = Events[EventName]

/** JoinedEvent tells of a peer in a room. It may repeat. */
export interface JoinedEvent {
  ev: 'joined'
  mid?: Mid
  /** Unix ms, by the clock of the edge that accepted it */
  at?: number
  room: RoomId
  peer: PeerId
  user: User
  region: Region
  info: unknown
}

/** UpdatedEvent tells what a peer now says of itself. It may repeat. */
export interface UpdatedEvent {
  ev: 'updated'
  mid?: Mid
  /** Unix ms, by the clock of the edge that accepted it */
  at?: number
  room: RoomId
  peer: PeerId
  info: unknown
}

/** LeftEvent tells that a peer is no longer in a room. It may repeat. */
export interface LeftEvent {
  ev: 'left'
  mid?: Mid
  /** Unix ms, by the clock of the edge that accepted it */
  at?: number
  room: RoomId
  peer: PeerId
  reason: Reason
}

/** SignalEvent is what one peer sent to this one alone. */
export interface SignalEvent {
  ev: 'signal'
  mid?: Mid
  /** Unix ms, by the clock of the edge that accepted it */
  at?: number
  room: RoomId
  from: PeerId
  data: unknown
}

/** PostEvent is what a peer sent to the room. */
export interface PostEvent {
  ev: 'post'
  mid?: Mid
  /** Unix ms, by the clock of the edge that accepted it */
  at?: number
  room: RoomId
  from: PeerId
  user: User
  data: unknown
}

/** RingEvent is an incoming call. */
export interface RingEvent {
  ev: 'ring'
  mid?: Mid
  /** Unix ms, by the clock of the edge that accepted it */
  at?: number
  call: CallId
  room: RoomId
  from: User
  media: Media
  /** Unix ms */
  expiresAt: number
}

/** CallEvent tells what became of a call. `by` is the peer that answered or ended it. */
export interface CallEvent {
  ev: 'call'
  mid?: Mid
  /** Unix ms, by the clock of the edge that accepted it */
  at?: number
  call: CallId
  state: CallState
  by?: PeerId
}

/** PresenceEvent tells that a watched user came online or went offline. It may repeat. */
export interface PresenceEvent {
  ev: 'presence'
  mid?: Mid
  /** Unix ms, by the clock of the edge that accepted it */
  at?: number
  user: UserId
  online: boolean
}

/** GoawayEvent asks the client to reconnect and resume before the edge closes the connection. */
export interface GoawayEvent {
  ev: 'goaway'
  mid?: Mid
  /** Unix ms, by the clock of the edge that accepted it */
  at?: number
  reason: GoawayReason
  reconnectAfterMs: number
}

/** KickedEvent tells a session that a moderator removed it from a room. It may repeat. */
export interface KickedEvent {
  ev: 'kicked'
  mid?: Mid
  /** Unix ms, by the clock of the edge that accepted it */
  at?: number
  room: RoomId
  /** Unix ms until when the user is kept out; 0: the user may join again at once */
  until: number
}

/** LockedEvent tells whether a room is locked now. It may repeat. */
export interface LockedEvent {
  ev: 'locked'
  mid?: Mid
  /** Unix ms, by the clock of the edge that accepted it */
  at?: number
  room: RoomId
  locked: boolean
}

/** ContactEvent tells every session of a user how the user now stands to another. Its at is `Contact.at`. */
export interface ContactEvent {
  ev: 'contact'
  mid?: Mid
  /** Unix ms, by the clock of the edge that accepted it */
  at?: number
  user: User
  state: ContactState
}

/** KnockEvent tells a moderator in the room that somebody wants to be let in. It may repeat. */
export interface KnockEvent {
  ev: 'knock'
  mid?: Mid
  /** Unix ms, by the clock of the edge that accepted it */
  at?: number
  room: RoomId
  peer: PeerId
  user: User
}

/** AdmittedEvent tells who knocked what a moderator answered. */
export interface AdmittedEvent {
  ev: 'admitted'
  mid?: Mid
  /** Unix ms, by the clock of the edge that accepted it */
  at?: number
  room: RoomId
  accept: boolean
  /** for join, soon and of this user only; where it was accepted */
  pass?: string
}

/** IceEvent says what the ok of ice would, unasked: a relay that the session was given is leaving. */
export interface IceEvent {
  ev: 'ice'
  mid?: Mid
  /** Unix ms, by the clock of the edge that accepted it */
  at?: number
  iceServers: IceServer[]
  /** seconds until the credentials in iceServers expire */
  iceTtl: number
}

/** Resume names the session to go on with. `seen` is the highest number that the client has had from each source. */
export interface Resume {
  session: SessionId
  key: string
  seen: Record<Source, number>
}

/** SessionId names a session to the edges. It is told to its own client alone. */
export type SessionId = string

/** PeerId is a session's public id. The edge that greets a session makes it; it stays the same over resumes. */
export type PeerId = string

/** User is a person, as peers see them. */
export interface User {
  id: UserId
  name: string
}

/** EdgeId names one run of one edge. It is made anew at every start. */
export type EdgeId = string

/** Region is a label on edges, NATS clusters and relays: see ParseRegion. */
export type Region = string

/** IceServer is an RTCIceServer (W3C WebRTC, section 4.2.4), and where it stands. */
export interface IceServer {
  urls: string[]
  username?: string
  credential?: string
  /** RTCPeerConnection passes over it; a page can tell its user */
  region?: Region
}

/** Limits tells a client what the edge allows it. Rates are per second. */
export interface Limits {
  frameBytes: number
  /** frames per second, sustained */
  rate: number
  /** frames at once */
  burst: number
  /** bytes of frames per second, sustained */
  byteRate?: number
  /** bytes of frames at once */
  byteBurst?: number
  infoBytes: number
  /** rooms per session */
  rooms: number
  /** peers per room */
  peers: number
  /** users watched per session */
  presence: number
  historyPosts: number
  /** time from connect to hello */
  helloMs: number
  /** time in which a lost session can resume */
  graceMs: number
  /** how far back a resume is made whole */
  replayMs: number
  /** how long a call rings */
  ringMs: number
  /** contacts per user; an edge that has none does not tell */
  contacts?: number
}

/** RoomRoster is a room with the other peers in it. */
export interface RoomRoster {
  room: RoomId
  peers: Peer[]
  /** only moderators may join */
  locked?: boolean
  /** the session may kick and lock here */
  moderator?: boolean
}

/** Missed is a call that nobody answered. */
export interface Missed {
  call: CallId
  from: User
  media: Media
  /** Unix ms */
  at: number
}

/** Keyed is an ok that may carry a fresh resume key: the client keeps the newest it was given. */
export interface Keyed {
  key?: string
}

/** RoomId names a room: 1 to MaxRoomBytes bytes of UTF-8 without control characters, compared byte for byte. */
export type RoomId = string

/** Peer is a session, as others in a room see it. */
export interface Peer {
  peer: PeerId
  user: User
  region: Region
  /** what the peer said of itself with join or update; null if nothing */
  info: unknown
}

/** Empty is an ok that says nothing but ok. */
export type Empty = Record<string, never>

/** Mid names one event: `<source>:<n>`. */
export type Mid = string

/** Post is a kept post. */
export interface Post {
  mid: Mid
  at: number
  from: PeerId
  user: User
  data: unknown
}

/** UserId is the `sub` of a token: 1 to MaxUserBytes bytes of UTF-8 without control characters. */
export type UserId = string

/** Media says what a call is about. */
export type Media =
  | 'audio'
  | 'video'
  | 'screen'

/** CallId names a call; it begins with the caller's region, where the call is decided. */
export type CallId = string

/** Reason says why a call was refused, or why a peer is no longer there. */
export type Reason =
  | 'declined'
  | 'busy'
  | 'leave' // the peer left the room
  | 'closed' // the peer ended its session
  | 'lost' // the peer did not come back within the grace
  | 'expired' // the peer's token expired
  | 'kicked' // a moderator removed the peer

/** Outcome is what one attempt to connect two peers came to. Real calls report it and probe stores it, under one definition. It holds no address: it can be kept. */
export interface Outcome {
  result: Result
  /** of the selected pair, when connected */
  path?: PathKind
  /** between the peer and its relay, or to the other peer */
  protocol?: Protocol
  /** of the relay on the path */
  relayRegion?: Region
  /** from the first description to connected or failed */
  ms?: number
  /** of the selected pair */
  rttMs?: number
  /** at which it failed */
  step?: Step
  /** NetworkInformation.type, where the browser tells: wifi, cellular, … */
  network?: string
}

/** Contact is another user, and how the user stands to them. */
export interface Contact {
  /** with the name that was last known; empty if none was */
  user: User
  state: ContactState
  /** Unix ms since when; of two words about the same user the later counts */
  at: number
}

/** ContactAction is what is to become of a contact. */
export type ContactAction =
  | 'add' // ask, or accept
  | 'remove' // end it, refuse, or take back
  | 'block' // want nothing of the user
  | 'unblock' // forget that

/** CallState is a step in a call's life. */
export type CallState =
  | 'accepted'
  | 'declined'
  | 'busy'
  | 'cancelled'
  | 'missed'
  | 'taken'
  | 'ended'

/** GoawayReason says why a connection is about to end. */
export type GoawayReason =
  | 'draining'

/** ContactState is how a user stands to a contact. It has both sides' word: nobody becomes `mutual` without the consent of both. */
export type ContactState =
  | 'mutual' // both want it
  | 'asked' // the user asked, and has no answer
  | 'asks' // the other asks
  | 'blocked' // the user wants nothing of the other, who is not told
  | 'none' // it is over; never in a list

/** Source names one edge's stream of events into one room or into one user's inbox. Events of a source are numbered from 1 without holes. A source is random and never used again, not even after a restart. */
export type Source = string

/** Result says how far an attempt came. */
export type Result =
  | 'connected'
  | 'failed'
  | 'no_signalling'
  | 'no_candidates'

/** PathKind is the candidate type that describes how media flows (RFC 8445, section 4): the first three are direct. */
export type PathKind =
  | 'host'
  | 'srflx'
  | 'prflx'
  | 'relay'

/** Protocol carries the path. */
export type Protocol =
  | 'udp'
  | 'tcp'
  | 'tls'

/** Step is a stage of connecting. */
export type Step =
  | 'signal' // descriptions did not come across
  | 'gather' // no candidate was found
  | 'check' // no candidate pair answered
  | 'dtls' // a pair answered, the handshake did not end
  | 'media' // connected, but nothing came
