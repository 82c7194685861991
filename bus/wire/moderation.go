package wire

// MaxKickSeconds bounds how long one kick keeps a user out, and DefaultKickSeconds is how long unless told.
const (
	MaxKickSeconds     = 24 * 60 * 60
	DefaultKickSeconds = 10 * 60
)

// KickArgs removes a peer from a room, or a user from a room or from the whole mesh, and keeps that user out for a time. Either Peer or User
// is given, and without a Room it must be User.
type KickArgs struct {
	Room       RoomID `json:"room,omitempty"` // the whole mesh unless given
	Peer       PeerID `json:"peer,omitempty"`
	User       UserID `json:"user,omitempty"`
	ForSeconds *int   `json:"forSeconds,omitempty"` // 0 to 86400; 600 unless told; 0 keeps nobody out, and lifts what an earlier kick said
}

// KickOK tells until when the user is kept out.
type KickOK struct {
	Until int64 `json:"until"` // Unix ms; 0: the user may come back at once
}

// LockArgs locks a room, so that only moderators may join it, or unlocks it.
type LockArgs struct {
	Room   RoomID `json:"room"`
	Locked bool   `json:"locked"`
}
