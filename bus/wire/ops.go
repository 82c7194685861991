package wire

import "encoding/json"

// Op names a request.
type Op string

// The ops of the contract: refresh keeps a session going when its token is about to expire.
const (
	OpHello    Op = "hello"
	OpPing     Op = "ping"
	OpJoin     Op = "join"
	OpUpdate   Op = "update"
	OpLeave    Op = "leave"
	OpSignal   Op = "signal"
	OpPost     Op = "post"
	OpHistory  Op = "history"
	OpCall     Op = "call"
	OpAnswer   Op = "answer"
	OpHangup   Op = "hangup"
	OpPresence Op = "presence"
	OpICE      Op = "ice"
	OpReport   Op = "report"
	OpRefresh  Op = "refresh"
	OpKick     Op = "kick"
	OpLock     Op = "lock"
	OpContacts Op = "contacts"
	OpContact  Op = "contact"
	OpInvite   Op = "invite"
	OpInvited  Op = "invited"
	OpModerate Op = "moderate"
	OpKnock    Op = "knock"
	OpAdmit    Op = "admit"
)

// Ops lists every op with the types of its arguments and of its ok, for dispatch by tests and for generated code.
var Ops = []struct {
	Op   Op
	Args any
	OK   any
}{
	{OpHello, HelloArgs{}, HelloOK{}},
	{OpPing, PingArgs{}, PingOK{}},
	{OpJoin, JoinArgs{}, JoinOK{}},
	{OpUpdate, UpdateArgs{}, Keyed{}},
	{OpLeave, LeaveArgs{}, Keyed{}},
	{OpSignal, SignalArgs{}, Empty{}},
	{OpPost, PostArgs{}, PostOK{}},
	{OpHistory, HistoryArgs{}, HistoryOK{}},
	{OpCall, CallArgs{}, CallOK{}},
	{OpAnswer, AnswerArgs{}, AnswerOK{}},
	{OpHangup, HangupArgs{}, Empty{}},
	{OpPresence, PresenceArgs{}, PresenceOK{}},
	{OpICE, ICEArgs{}, ICEOK{}},
	{OpReport, ReportArgs{}, Empty{}},
	{OpRefresh, RefreshArgs{}, RefreshOK{}},
	{OpKick, KickArgs{}, KickOK{}},
	{OpLock, LockArgs{}, Empty{}},
	{OpContacts, ContactsArgs{}, ContactsOK{}},
	{OpContact, ContactArgs{}, ContactOK{}},
	{OpInvite, InviteArgs{}, InviteOK{}},
	{OpInvited, InvitedArgs{}, InvitedOK{}},
	{OpModerate, ModerateArgs{}, Keyed{}},
	{OpKnock, KnockArgs{}, KnockOK{}},
	{OpAdmit, AdmitArgs{}, Empty{}},
}

// Empty is an ok that says nothing but ok.
type Empty struct{}

// Keyed is an ok that may carry a fresh resume key: the client keeps the newest it was given.
type Keyed struct {
	Key string `json:"key,omitempty"`
}

// User is a person, as peers see them.
type User struct {
	ID   UserID `json:"id"`
	Name string `json:"name"`
}

// Peer is a session, as others in a room see it.
type Peer struct {
	Peer   PeerID          `json:"peer"`
	User   User            `json:"user"`
	Region Region          `json:"region"`
	Info   json.RawMessage `json:"info"` // what the peer said of itself with join or update; null if nothing
}

// RoomRoster is a room with the other peers in it.
type RoomRoster struct {
	Room      RoomID `json:"room"`
	Peers     []Peer `json:"peers"`
	Locked    bool   `json:"locked,omitempty"`    // only moderators may join
	Moderator bool   `json:"moderator,omitempty"` // the session may kick and lock here
}

// HelloArgs opens a session, or resumes one. It must be the first request, within [Limits].HelloMs.
type HelloArgs struct {
	Token  string  `json:"token"`
	Resume *Resume `json:"resume,omitempty"`
}

// Resume names the session to go on with. Seen is the highest number that the client has had from each source.
type Resume struct {
	Session SessionID         `json:"session"`
	Key     string            `json:"key"`
	Seen    map[Source]uint64 `json:"seen"`
}

// HelloOK greets a session.
type HelloOK struct {
	Session    SessionID    `json:"session"`
	Key        string       `json:"key"` // proves the session to any edge; whoever has it and the user's token can resume
	Peer       PeerID       `json:"peer"`
	User       User         `json:"user"`
	Edge       EdgeID       `json:"edge"`
	Region     Region       `json:"region"`
	ICEServers []ICEServer  `json:"iceServers"`
	ICETTL     int64        `json:"iceTtl"`    // seconds until the credentials in iceServers expire
	Heartbeat  int64        `json:"heartbeat"` // ms: ping at least so often
	Limits     Limits       `json:"limits"`
	Resumed    bool         `json:"resumed"` // true: every event since the loss follows, exactly once
	Rooms      []RoomRoster `json:"rooms"`   // the rooms that a resumed session is in
	Missed     []Missed     `json:"missed"`  // calls that rang in vain since the user's last hello
}

// Limits tells a client what the edge allows it. Rates are per second.
type Limits struct {
	FrameBytes   int     `json:"frameBytes"`
	Rate         float64 `json:"rate"`                // frames per second, sustained
	Burst        int     `json:"burst"`               // frames at once
	ByteRate     int     `json:"byteRate,omitempty"`  // bytes of frames per second, sustained
	ByteBurst    int     `json:"byteBurst,omitempty"` // bytes of frames at once
	InfoBytes    int     `json:"infoBytes"`
	Rooms        int     `json:"rooms"`    // rooms per session
	Peers        int     `json:"peers"`    // peers per room
	Presence     int     `json:"presence"` // users watched per session
	HistoryPosts int     `json:"historyPosts"`
	HelloMs      int64   `json:"helloMs"`            // time from connect to hello
	GraceMs      int64   `json:"graceMs"`            // time in which a lost session can resume
	ReplayMs     int64   `json:"replayMs"`           // how far back a resume is made whole
	RingMs       int64   `json:"ringMs"`             // how long a call rings
	Contacts     int     `json:"contacts,omitempty"` // contacts per user; an edge that has none does not tell
}

// ICEServer is an RTCIceServer (W3C WebRTC, section 4.2.4), and where it stands.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
	Region     Region   `json:"region,omitempty"` // RTCPeerConnection passes over it; a page can tell its user
}

// Missed is a call that nobody answered.
type Missed struct {
	Call  CallID `json:"call"`
	From  User   `json:"from"`
	Media Media  `json:"media"`
	At    int64  `json:"at"` // Unix ms
}

// PingArgs has none.
type PingArgs struct{}

// PingOK may carry a fresh key.
type PingOK = Keyed

// JoinArgs enters a room. Joining a room again replaces the info.
type JoinArgs struct {
	Room RoomID          `json:"room"`
	Info json.RawMessage `json:"info,omitempty"`
	Pass string          `json:"pass,omitempty"` // of an admitted event: lets its holder into the locked room
}

// JoinOK lists the others already there.
type JoinOK struct {
	Peers     []Peer `json:"peers"`
	Locked    bool   `json:"locked,omitempty"`    // only moderators may join
	Moderator bool   `json:"moderator,omitempty"` // the session may kick and lock here
	Key       string `json:"key,omitempty"`
}

// UpdateArgs replaces what the peer says of itself.
type UpdateArgs struct {
	Room RoomID          `json:"room"`
	Info json.RawMessage `json:"info"`
}

// LeaveArgs leaves a room.
type LeaveArgs struct {
	Room RoomID `json:"room"`
}

// SignalArgs sends data to one peer. A repeated Key is delivered once.
type SignalArgs struct {
	Room RoomID          `json:"room"`
	To   PeerID          `json:"to"`
	Data json.RawMessage `json:"data"`
	Key  string          `json:"key,omitempty"`
}

// PostArgs sends data to all other peers of a room; Keep stores it in the room's history.
type PostArgs struct {
	Room RoomID          `json:"room"`
	Data json.RawMessage `json:"data"`
	Keep bool            `json:"keep,omitempty"`
	Key  string          `json:"key,omitempty"`
}

// PostOK tells the mid that everyone sees.
type PostOK struct {
	Mid Mid   `json:"mid"`
	At  int64 `json:"at"`
}

// HistoryArgs asks for the latest kept posts before a mid, or the latest of all.
type HistoryArgs struct {
	Room   RoomID `json:"room"`
	Before Mid    `json:"before,omitzero"`
	Limit  int    `json:"limit,omitempty"` // 1 to Limits.HistoryPosts; 50 unless told
}

// HistoryOK has the oldest post first. More says whether older ones are kept.
type HistoryOK struct {
	Posts []Post `json:"posts"`
	More  bool   `json:"more"`
}

// Post is a kept post.
type Post struct {
	Mid  Mid             `json:"mid"`
	At   int64           `json:"at"`
	From PeerID          `json:"from"`
	User User            `json:"user"`
	Data json.RawMessage `json:"data"`
}

// Media says what a call is about.
type Media string

// What a call can be about.
const (
	MediaAudio  Media = "audio"
	MediaVideo  Media = "video"
	MediaScreen Media = "screen"
)

// CallArgs rings a user.
type CallArgs struct {
	To    UserID `json:"to"`
	Media Media  `json:"media"`
	Room  RoomID `json:"room,omitempty"` // a fresh one unless told
}

// CallOK names the call and the room in which it happens.
type CallOK struct {
	Call CallID `json:"call"`
	Room RoomID `json:"room"`
	Key  string `json:"key,omitempty"`
}

// AnswerArgs accepts a call or declines it. Exactly one answer to a call gets ok; the others get [CodeTaken].
type AnswerArgs struct {
	Call   CallID `json:"call"`
	Accept bool   `json:"accept"`
	Reason Reason `json:"reason,omitempty"` // of a refusal; declined unless told
}

// AnswerOK tells the room to join.
type AnswerOK struct {
	Room RoomID `json:"room"`
	Key  string `json:"key,omitempty"`
}

// HangupArgs ends a call, or cancels it while it rings.
type HangupArgs struct {
	Call CallID `json:"call"`
}

// PresenceArgs watches users. A further presence request adds to the watched.
type PresenceArgs struct {
	Users []UserID `json:"users"`
}

// PresenceOK tells who is online now.
type PresenceOK struct {
	Online map[UserID]bool `json:"online"`
	Key    string          `json:"key,omitempty"`
}

// ICEArgs has none.
type ICEArgs struct{}

// ICEOK has fresh credentials.
type ICEOK struct {
	ICEServers []ICEServer `json:"iceServers"`
	ICETTL     int64       `json:"iceTtl"`
}

// ReportArgs tells what an attempt to connect with a peer came to.
type ReportArgs struct {
	Room    RoomID  `json:"room"`
	Peer    PeerID  `json:"peer"`
	Outcome Outcome `json:"outcome"`
}

// RefreshArgs replaces the session's token by one of the same user.
type RefreshArgs struct {
	Token string `json:"token"`
}

// RefreshOK tells until when the session now lasts.
type RefreshOK struct {
	ExpiresAt int64 `json:"expiresAt"` // Unix ms
}
