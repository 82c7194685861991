package wire

import (
	"encoding/json"
	"strconv"
)

// Event names what an edge tells a client unasked.
type Event string

// The events of the contract.
const (
	EvJoined   Event = "joined"
	EvUpdated  Event = "updated"
	EvLeft     Event = "left"
	EvSignal   Event = "signal"
	EvPost     Event = "post"
	EvRing     Event = "ring"
	EvCall     Event = "call"
	EvPresence Event = "presence"
	EvGoaway   Event = "goaway"
	EvKicked   Event = "kicked"
	EvLocked   Event = "locked"
	EvContact  Event = "contact"
	EvKnock    Event = "knock"
	EvAdmitted Event = "admitted"
	EvICE      Event = "ice"
)

// Events lists every event with the type of its frame, for generated code and tests.
var Events = []struct {
	Event Event
	Frame any
}{
	{EvJoined, JoinedEvent{}},
	{EvUpdated, UpdatedEvent{}},
	{EvLeft, LeftEvent{}},
	{EvSignal, SignalEvent{}},
	{EvPost, PostEvent{}},
	{EvRing, RingEvent{}},
	{EvCall, CallEvent{}},
	{EvPresence, PresenceEvent{}},
	{EvGoaway, GoawayEvent{}},
	{EvKicked, KickedEvent{}},
	{EvLocked, LockedEvent{}},
	{EvContact, ContactEvent{}},
	{EvKnock, KnockEvent{}},
	{EvAdmitted, AdmittedEvent{}},
	{EvICE, ICEEvent{}},
}

// Head begins every event. Mid and At are absent on events about the connection itself.
type Head struct {
	Ev  Event `json:"ev"`
	Mid Mid   `json:"mid,omitzero"`
	At  int64 `json:"at,omitempty"` // Unix ms, by the clock of the edge that accepted it
}

// JoinedEvent tells of a peer in a room. It may repeat.
type JoinedEvent struct {
	Head
	Room   RoomID          `json:"room"`
	Peer   PeerID          `json:"peer"`
	User   User            `json:"user"`
	Region Region          `json:"region"`
	Info   json.RawMessage `json:"info"`
}

// UpdatedEvent tells what a peer now says of itself. It may repeat.
type UpdatedEvent struct {
	Head
	Room RoomID          `json:"room"`
	Peer PeerID          `json:"peer"`
	Info json.RawMessage `json:"info"`
}

// Reason says why a call was refused, or why a peer is no longer there.
type Reason string

// The reasons of answer (declined, busy) and of left.
const (
	ReasonDeclined Reason = "declined"
	ReasonBusy     Reason = "busy"

	ReasonLeave   Reason = "leave"   // the peer left the room
	ReasonClosed  Reason = "closed"  // the peer ended its session
	ReasonLost    Reason = "lost"    // the peer did not come back within the grace
	ReasonExpired Reason = "expired" // the peer's token expired
	ReasonKicked  Reason = "kicked"  // a moderator removed the peer
)

// LeftEvent tells that a peer is no longer in a room. It may repeat.
type LeftEvent struct {
	Head
	Room   RoomID `json:"room"`
	Peer   PeerID `json:"peer"`
	Reason Reason `json:"reason"`
}

// SignalEvent is what one peer sent to this one alone.
type SignalEvent struct {
	Head
	Room RoomID          `json:"room"`
	From PeerID          `json:"from"`
	Data json.RawMessage `json:"data"`
}

// PostEvent is what a peer sent to the room.
type PostEvent struct {
	Head
	Room RoomID          `json:"room"`
	From PeerID          `json:"from"`
	User User            `json:"user"`
	Data json.RawMessage `json:"data"`
}

// RingEvent is an incoming call.
type RingEvent struct {
	Head
	Call      CallID `json:"call"`
	Room      RoomID `json:"room"`
	From      User   `json:"from"`
	Media     Media  `json:"media"`
	ExpiresAt int64  `json:"expiresAt"` // Unix ms
}

// CallState is a step in a call's life.
type CallState string

// The states that a call event tells of.
const (
	CallAccepted  CallState = "accepted"
	CallDeclined  CallState = "declined"
	CallBusy      CallState = "busy"
	CallCancelled CallState = "cancelled"
	CallMissed    CallState = "missed"
	CallTaken     CallState = "taken"
	CallEnded     CallState = "ended"
)

// CallEvent tells what became of a call. By is the peer that answered or ended it.
type CallEvent struct {
	Head
	Call  CallID    `json:"call"`
	State CallState `json:"state"`
	By    PeerID    `json:"by,omitempty"`
}

// PresenceEvent tells that a watched user came online or went offline. It may repeat.
type PresenceEvent struct {
	Head
	User   UserID `json:"user"`
	Online bool   `json:"online"`
}

// GoawayEvent asks the client to reconnect and resume before the edge closes the connection.
type GoawayEvent struct {
	Head
	Reason           GoawayReason `json:"reason"`
	ReconnectAfterMs int64        `json:"reconnectAfterMs"`
}

// GoawayReason says why a connection is about to end.
type GoawayReason string

// The reasons of goaway.
const (
	GoawayDraining GoawayReason = "draining"
)

// ICEEvent says what the ok of ice would, unasked: a relay that the session was given is leaving.
type ICEEvent struct {
	Head
	ICEServers []ICEServer `json:"iceServers"`
	ICETTL     int64       `json:"iceTtl"` // seconds until the credentials in iceServers expire
}

// KickedEvent tells a session that a moderator removed it from a room. It may repeat.
type KickedEvent struct {
	Head
	Room  RoomID `json:"room"`
	Until int64  `json:"until"` // Unix ms until when the user is kept out; 0: the user may join again at once
}

// LockedEvent tells whether a room is locked now. It may repeat.
type LockedEvent struct {
	Head
	Room   RoomID `json:"room"`
	Locked bool   `json:"locked"`
}

// AppendHead writes an event's head, up to where its own members follow: `{"ev":"post","mid":"…","at":…`.
func AppendHead(dst []byte, ev Event, mid Mid, at int64) []byte {
	dst = append(dst, `{"ev":"`...)
	dst = append(dst, ev...)
	dst = append(dst, `","mid":"`...)
	dst = mid.append(dst)
	dst = append(dst, `","at":`...)
	return strconv.AppendInt(dst, at, 10)
}

// AppendSignal writes a [SignalEvent] around data, which must be well-formed JSON.
func AppendSignal(dst []byte, mid Mid, at int64, room RoomID, from PeerID, data []byte) []byte {
	dst = AppendHead(dst, EvSignal, mid, at)
	dst = append(dst, `,"room":`...)
	dst = appendString(dst, string(room))
	dst = append(dst, `,"from":"`...)
	dst = append(dst, from...)
	dst = append(dst, `","data":`...)
	dst = append(dst, data...)
	return append(dst, '}')
}

// AppendPost writes a [PostEvent] around data, which must be well-formed JSON.
func AppendPost(dst []byte, mid Mid, at int64, room RoomID, from PeerID, user User, data []byte) []byte {
	dst = AppendHead(dst, EvPost, mid, at)
	dst = append(dst, `,"room":`...)
	dst = appendString(dst, string(room))
	dst = append(dst, `,"from":"`...)
	dst = append(dst, from...)
	dst = append(dst, `","user":{"id":`...)
	dst = appendString(dst, string(user.ID))
	dst = append(dst, `,"name":`...)
	dst = appendString(dst, user.Name)
	dst = append(dst, `},"data":`...)
	dst = append(dst, data...)
	return append(dst, '}')
}

// AppendOK writes the answer to a request. ok must be well-formed JSON.
func AppendOK(dst []byte, id uint64, ok []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendUint(dst, id, 10)
	dst = append(dst, `,"ok":`...)
	dst = append(dst, ok...)
	return append(dst, '}')
}

// AppendError writes the refusal of a request. The error's cause is left out.
func AppendError(dst []byte, id uint64, e *Error) []byte {
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendUint(dst, id, 10)
	dst = append(dst, `,"error":{"code":"`...)
	dst = append(dst, e.Code...)
	dst = append(dst, `","message":`...)
	dst = appendString(dst, e.Message)
	return append(dst, `}}`...)
}
