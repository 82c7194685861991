package wire

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"
)

// Bounds of the secret by which the maker of a room moderates it, in bytes of printable ASCII.
const (
	MinSecretBytes = 16
	MaxSecretBytes = 128
)

// madePrefix begins the id of a room that its maker moderates; madeChars characters of a hash follow.
const (
	madePrefix = "m-"
	madeChars  = 26
)

// MadeRoom returns the id of the room that is moderated by whoever knows the secret.
func MadeRoom(secret string) RoomID {
	sum := sha256.Sum256([]byte("callmesh room\n" + secret))
	return RoomID(madePrefix + idEncoding.EncodeToString(sum[:])[:madeChars])
}

// Made reports whether the id has the form that [MadeRoom] returns: so the room's maker may moderate it.
func (r RoomID) Made() bool {
	rest, ok := strings.CutPrefix(string(r), madePrefix)
	return ok && len(rest) == madeChars && isID(rest)
}

// MadeWith reports whether the secret is that of the room's maker.
func (r RoomID) MadeWith(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(r), []byte(MadeRoom(secret))) == 1
}

// ModerateArgs proves that the session may moderate a room: it knows the secret of which the room's id is made.
type ModerateArgs struct {
	Room   RoomID `json:"room"`
	Secret string `json:"secret"` // 16 to 128 bytes of printable ASCII
}

// KnockArgs asks to be let into a locked room. Knocking again renews it.
type KnockArgs struct {
	Room RoomID `json:"room"`
}

// KnockOK tells how long a moderator can answer.
type KnockOK struct {
	ExpiresAt int64 `json:"expiresAt"` // Unix ms
}

// AdmitArgs answers a knock.
type AdmitArgs struct {
	Room   RoomID `json:"room"`
	Peer   PeerID `json:"peer"` // that knocked
	Accept bool   `json:"accept"`
}

// KnockEvent tells a moderator in the room that somebody wants to be let in. It may repeat.
type KnockEvent struct {
	Head
	Room RoomID `json:"room"`
	Peer PeerID `json:"peer"`
	User User   `json:"user"`
}

// AdmittedEvent tells who knocked what a moderator answered.
type AdmittedEvent struct {
	Head
	Room   RoomID `json:"room"`
	Accept bool   `json:"accept"`
	Pass   string `json:"pass,omitempty"` // for join, soon and of this user only; where it was accepted
}
