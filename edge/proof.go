package edge

import (
	"encoding/base32"
	"strings"
	"time"

	"callmesh/bus/wire"
)

const (
	// inviteLife is how long an invitation is good.
	inviteLife = 7 * 24 * time.Hour
	// passLife is how long a pass lets its user into a locked room.
	passLife = 2 * time.Minute
)

// proofs are what this mesh tells clients in a form that it knows again when they, or others, bring it back: no edge keeps any of it.
type proofs struct{ invites, passes, guests keyring }

func newProofs(master []byte) proofs {
	return proofs{
		invites: keyringFor(master, "callmesh invitation v1"),
		passes:  keyringFor(master, "callmesh pass v1"),
		guests:  keyringFor(master, "callmesh guest v1"),
	}
}

// invitation says that a user agrees to be a contact of whoever brings it.
type invitation struct {
	User    wire.User `json:"u"`
	Expires int64     `json:"e"` // Unix ms
}

// invited returns whose invitation it is, if it is good now.
func (p *proofs) invited(code string, now time.Time) (wire.User, error) {
	var i invitation
	if !p.invites.open(code, &i) || now.UnixMilli() > i.Expires || i.User.ID.Validate() != nil {
		return wire.User{}, wire.Errorf(wire.CodeGone, "the invitation is not good, or no longer")
	}
	return i.User, nil
}

// pass says that a moderator lets a user into a locked room.
type pass struct {
	Room    wire.RoomID `json:"r"`
	User    wire.UserID `json:"u"`
	Expires int64       `json:"e"`           // Unix ms
	Under   int64       `json:"k,omitempty"` // the At of the latest ruling about the user by then: a later one outweighs the pass
}

// admits returns the pass of a user for a room, if the text is one and good now.
func (p *proofs) admits(text string, room wire.RoomID, user wire.UserID, now time.Time) (pass, bool) {
	var a pass
	ok := text != "" && p.passes.open(text, &a) && a.Room == room && a.User == user && now.UnixMilli() <= a.Expires
	return a, ok
}

// guestID is the same for the same secret on every edge, and tells nothing of it.
func (p *proofs) guestID(secret []byte) wire.UserID {
	sum := p.guests.sum(string(secret))
	return wire.UserID("guest-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum))[:26])
}
