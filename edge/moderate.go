package edge

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/edge/auth"
)

// What a moderator decides stands in the buckets of the regions, and every edge knows all of it (see [bus.Rulings]). So whether somebody may join is
// answered from memory, and a kick takes effect where the kicked session is, by the edge that hears of it: [Edge.ruled].

// rulingsWait bounds how long a hello or a join waits until the edge knows what was decided before it came.
const rulingsWait = 5 * time.Second

// rights are what a moderator's token allows. Other sessions have none.
type rights struct {
	claims auth.Claims
	rate   *rate.Limiter // of rulings
}

// rightsOf returns nil for a token that moderates nothing. The rate goes on over refreshes.
func (e *Edge) rightsOf(claims auth.Claims, before *rights) *rights {
	switch {
	case len(claims.Moderates) == 0:
		return nil
	case before != nil:
		return &rights{claims, before.rate}
	default:
		return &rights{claims, rate.NewLimiter(rate.Limit(e.limits.RulingRate), e.limits.RulingBurst)}
	}
}

// authorize makes the session what its newest token says.
func (s *session) authorize(claims auth.Claims) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expires = claims.ExpiresAt
	s.rights = s.edge.rightsOf(claims, s.rights)
}

// moderates reports whether the session moderates the room, or the mesh if room is empty.
func (s *session) moderates(room wire.RoomID) bool {
	limit, _ := s.decides(room)
	return limit != nil
}

// mayDecide refuses those who are no moderators, or decide too much.
func (s *session) mayDecide(room wire.RoomID) error {
	limit, _ := s.decides(room)
	switch {
	case limit != nil:
	case room == "":
		return wire.Errorf(wire.CodeForbidden, "only a token that moderates every room may do that to the whole mesh: name a room")
	default:
		return wire.Errorf(wire.CodeForbidden, "the session's token does not moderate this room")
	}
	if !limit.Allow() {
		return wire.Errorf(wire.CodeRateLimited, "more than %g kicks and locks a second: slow down", s.edge.limits.RulingRate)
	}
	return nil
}

// kick removes a user from a room or from the mesh, and keeps the user out for a time.
func (e *Edge) kick(ctx context.Context, s *session, a wire.KickArgs) (wire.KickOK, error) {
	if err := s.mayDecide(a.Room); err != nil {
		return wire.KickOK{}, err
	}
	d := bus.Ruling{Room: a.Room, User: a.User, By: s.user.ID}
	keepOut := wire.DefaultKickSeconds * time.Second
	if a.ForSeconds != nil {
		keepOut = time.Duration(*a.ForSeconds) * time.Second
	}
	if a.Peer != "" {
		user, err := userOf(s.room(a.Room), a.Peer)
		if err != nil {
			return wire.KickOK{}, err
		}
		d.User = user
		if keepOut == 0 {
			d.Peer = a.Peer
		}
	}
	if d.User == s.user.ID {
		return wire.KickOK{}, wire.Errorf(wire.CodeBadRequest, "kick: this is the session's own user: leave the room instead")
	}
	d, err := e.rule(ctx, d, keepOut)
	if err != nil {
		return wire.KickOK{}, err
	}
	what := "room"
	if a.Room == "" {
		what = "mesh"
	}
	e.metrics.kicks.WithLabelValues(what).Inc()
	e.log.Info("a moderator has kicked", "session", s.peer, "room", a.Room, "peer", a.Peer, "for", keepOut)
	return wire.KickOK{Until: d.Until}, nil
}

// userOf tells whose session a peer of a room is.
func userOf(r *room, p wire.PeerID) (wire.UserID, error) {
	if r == nil {
		return "", wire.Errorf(wire.CodeNotInRoom, "only who is in the room knows its peers: join it first, or name the user instead")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.local[p]; m != nil {
		return m.peer.User.ID, nil
	}
	if m := r.remote[p]; m != nil {
		return m.User.ID, nil
	}
	return "", wire.Errorf(wire.CodeNoSuchPeer, "no peer of this id is in the room")
}

// lock keeps out of a room all who don't moderate it, or lets them in again.
func (e *Edge) lock(ctx context.Context, s *session, a wire.LockArgs) (wire.Empty, error) {
	if err := s.mayDecide(a.Room); err != nil {
		return wire.Empty{}, err
	}
	if _, err := e.rule(ctx, bus.Ruling{Room: a.Room, Locked: a.Locked, By: s.user.ID}, 0); err != nil {
		return wire.Empty{}, err
	}
	state := "unlocked"
	if a.Locked {
		state = "locked"
	}
	e.metrics.locks.WithLabelValues(state).Inc()
	e.log.Info("a moderator has "+state+" a room", "session", s.peer, "room", a.Room)
	return wire.Empty{}, nil
}

// rule returns when the ruling stands, and holds here.
func (e *Edge) rule(ctx context.Context, d bus.Ruling, keepOut time.Duration) (bus.Ruling, error) {
	if !e.bus.Ready() {
		return d, unavailable(errNotReady)
	}
	d, err := e.rulings.Rule(ctx, d, keepOut)
	switch {
	case errors.Is(err, bus.ErrFull) && d.Room != "":
		return d, wire.Errorf(wire.CodeTooLarge, "as much was decided about this room in a day as the mesh remembers: lock the room, or decide anew what stands").Because(err)
	case errors.Is(err, bus.ErrFull):
		return d, wire.Errorf(wire.CodeTooLarge, "as much was decided in a day as the mesh remembers: decide anew what stands").Because(err)
	case err != nil:
		return d, unavailable(err)
	}
	return d, nil
}

// awaitRulings returns once the edge knows what was decided before it came.
func (e *Edge) awaitRulings(ctx context.Context) error {
	if e.rulings.Known() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, rulingsWait)
	defer cancel()
	return e.rulings.Wait(ctx)
}

// admissible refuses who may not join the room now, with or without a pass.
func (e *Edge) admissible(s *session, room wire.RoomID, pass string) error {
	if s.moderates(room) {
		return nil
	}
	if d := e.rulings.User(room, s.user.ID); d.Bans(time.Now()) {
		e.refused(whatJoin, whyBanned)
		return wire.Errorf(wire.CodeForbidden, "a moderator keeps you out of this room until %s", when(d.Until))
	}
	if e.rulings.Locked(room) {
		p, ok := e.proofs.admits(pass, room, s.user.ID, time.Now())
		if _, kicked := e.kickedSince(s, room, p.Under); ok && !kicked {
			return nil
		}
		e.refused(whatJoin, whyLocked)
		if pass != "" {
			return wire.Errorf(wire.CodeForbidden, "the room is locked, and the pass is not good for it, or no longer")
		}
		return wire.Errorf(wire.CodeForbidden, "the room is locked")
	}
	return nil
}

// welcome refuses users whom a moderator keeps out of the mesh.
func (e *Edge) welcome(claims auth.Claims) *wire.Error {
	if d := e.rulings.User("", wire.UserID(claims.Subject)); d.Bans(time.Now()) && !claims.Moderator("") {
		return wire.Errorf(wire.CodeForbidden, "a moderator keeps you out until %s", when(d.Until))
	}
	return nil
}

func when(unixMilli int64) string { return time.UnixMilli(unixMilli).UTC().Format(time.RFC3339) }

// kickedSince returns the ruling that removed the session from the room after it had joined under an earlier one.
func (e *Edge) kickedSince(s *session, room wire.RoomID, under int64) (bus.Ruling, bool) {
	d := e.rulings.User(room, s.user.ID)
	return d, d.At > under && (d.Peer == "" || d.Peer == s.peer)
}

// decidedAt is under which ruling about its user a session joins a room. It is asked before whether the session may: so what is decided in between is later.
func (e *Edge) decidedAt(s *session, room wire.RoomID) int64 {
	return e.rulings.User(room, s.user.ID).At
}
