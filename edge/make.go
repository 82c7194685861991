package edge

import (
	"slices"

	"golang.org/x/time/rate"

	"callmesh/bus/wire"
)

// A room can be moderated without an account: its id is made of a secret, and who knows that is its moderator. Nothing is stored of it, in no place: the
// session's key has the rooms whose secret it has shown.

// moderate makes the session a moderator of a room whose maker's secret it knows.
func (e *Edge) moderate(s *session, a wire.ModerateArgs) (wire.Keyed, error) {
	if !a.Room.MadeWith(a.Secret) {
		return wire.Keyed{}, wire.Errorf(wire.CodeForbidden, "this secret does not moderate this room")
	}
	if !s.makes(a.Room) {
		return wire.Keyed{}, wire.Errorf(wire.CodeRoomFull, "the session moderates %d rooms by their secret, which is the limit", e.limits.Rooms)
	}
	return wire.Keyed{Key: s.key()}, nil
}

// makes reports false if the session moderates too many rooms already.
func (s *session) makes(rooms ...wire.RoomID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, room := range rooms {
		if slices.Contains(s.made, room) {
			continue
		}
		if len(s.made) >= s.edge.limits.Rooms {
			return false
		}
		s.made = append(slices.Clip(s.made), room) // a key that is being signed has the one before
	}
	if s.makeRate == nil && len(s.made) > 0 {
		s.makeRate = rate.NewLimiter(rate.Limit(s.edge.limits.RulingRate), s.edge.limits.RulingBurst)
	}
	return true
}

// decides returns what bounds the session's decisions about a room, or about the mesh if room is empty; nil if it may decide nothing. made says that it
// may by the secret of the room's maker alone.
func (s *session) decides(room wire.RoomID) (limit *rate.Limiter, made bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.rights != nil && s.rights.claims.Moderator(string(room)):
		return s.rights.rate, false
	case slices.Contains(s.made, room):
		return s.makeRate, true
	}
	return nil, false
}
