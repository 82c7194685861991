package edge

import (
	"context"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// ruled makes a ruling hold for the sessions here. It is called on goroutines of the bus and of moderators' sessions, after the ruling is known to
// whoever asks: so a session that comes at the same moment is either refused, or found here.
func (e *Edge) ruled(d bus.Ruling) {
	switch {
	case d.User == "":
		e.tellLock(d.Room)
	case d.Room == "":
		e.shutOut(d)
	default:
		e.kickFromRoom(d)
	}
}

// tellLock tells the room's peers here whether it is locked, if they don't know it yet.
func (e *Edge) tellLock(id wire.RoomID) {
	e.mu.Lock()
	r := e.rooms[id]
	e.mu.Unlock()
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if locked := e.rulings.Locked(id); locked != r.locked {
		r.locked = locked
		r.tellLocked(body(wire.LockedEvent{Room: id, Locked: locked}, func(e *wire.LockedEvent) *wire.Head { return &e.Head }, wire.EvLocked))
	}
}

// kickFromRoom removes the user's sessions that joined before the ruling.
func (e *Edge) kickFromRoom(d bus.Ruling) {
	e.mu.Lock()
	r := e.rooms[d.Room]
	e.mu.Unlock()
	if r == nil {
		return
	}
	var kicked []*session
	r.mu.Lock()
	for _, m := range r.local {
		if m.peer.User.ID == d.User {
			kicked = append(kicked, m.sess)
		}
	}
	r.mu.Unlock()
	for _, s := range kicked {
		e.removeKicked(s, r)
	}
}

// removeKicked takes the session out of the room if a moderator has removed it since it joined.
func (e *Edge) removeKicked(s *session, r *room) {
	r.mu.Lock()
	m := r.local[s.peer]
	r.mu.Unlock()
	if m == nil || m.sess != s {
		return
	}
	d, kicked := e.kickedSince(s, r.id, m.under)
	if !kicked || s.dropRoom(r.id) == nil { // it is just coming, and whoever brings it asks again once it is in; or it is going
		return
	}
	r.remove(s, wire.ReasonKicked)
	e.release(r)
	e.tellKicked(s, d)
}

// tellKicked tells the session as soon as the bus takes that: an edge that was cut off hears what was decided meanwhile a moment before it can publish.
func (e *Edge) tellKicked(s *session, d bus.Ruling) {
	e.metrics.kicked.WithLabelValues("room").Inc()
	e.log.Info("a session was kicked", "session", s.peer, "room", d.Room)
	if e.bus.Ready() {
		e.sayKicked(s, d)
		return
	}
	e.own(func(ctx context.Context) {
		if e.bus.WaitReady(ctx) == nil {
			e.sayKicked(s, d)
		}
	})
}

// sayKicked says it through the user's inbox: so the session hears of it wherever it resumes.
func (e *Edge) sayKicked(s *session, d bus.Ruling) {
	frame := body(wire.KickedEvent{Room: d.Room, Until: d.Until}, func(e *wire.KickedEvent) *wire.Head { return &e.Head }, wire.EvKicked)
	e.toUser(s.user.ID, &outgoing{event: wire.EvKicked, to: s.peer, frame: frame}, func(err error) {
		if err != nil {
			e.log.Warn("it is not known whether a session can learn that it was kicked", "session", s.peer, "room", d.Room, "error", err)
		}
	})
}

// removeAllKicked takes a session that resumes out of the rooms from which it was removed while it was coming.
func (e *Edge) removeAllKicked(s *session) {
	for _, r := range s.roomList() {
		e.removeKicked(s, r)
	}
}

// stillIn leaves out the rooms from which a moderator has removed a session since its key was issued, and tells it.
func (e *Edge) stillIn(s *session, rooms []roomState) []roomState {
	var in []roomState
	for _, rs := range rooms {
		if d, kicked := e.kickedSince(s, rs.Room, rs.Under); kicked {
			e.tellKicked(s, d)
			continue
		}
		in = append(in, rs)
	}
	return in
}

// shutOut ends the sessions of a user who was kicked from the mesh.
func (e *Edge) shutOut(d bus.Ruling) {
	b := e.inboxOf(d.User)
	if b == nil {
		return
	}
	var kicked []*session
	b.mu.Lock()
	for _, s := range b.sessions {
		kicked = append(kicked, s)
	}
	b.mu.Unlock()
	for _, s := range kicked {
		e.metrics.kicked.WithLabelValues("mesh").Inc()
		e.log.Info("a session was kicked from the mesh", "session", s.peer)
		if sock := s.socket.Load(); sock != nil {
			sock.close(wire.CloseForbidden, "a moderator has removed you")
		}
		e.end(s, wire.ReasonKicked)
	}
}
