package edge

import (
	"context"
	"errors"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/edge/auth"
)

// resume goes on with a session that this edge may never have seen: the key says who it is and where it was, the streams say what it missed.
// While they are read, live events are held back on the socket; then come the ok, what was missed, and what was held, each event once.
//
// code is the close code that goes with an error.
func (e *Edge) resume(ctx context.Context, sock *socket, id uint64, a *wire.Resume, user wire.User, claims auth.Claims) (*session, wire.CloseCode, error) {
	st, code, err := e.checkResume(a, user.ID)
	if err != nil {
		return nil, code, err
	}
	if e.rulings.User("", user.ID).At > st.Issued {
		return nil, wire.CloseSessionUnknown, sessionEnded() // by a moderator; the edge that had it may be gone, and could not say so
	}
	done, err := e.takeTurn(ctx, st.Session)
	if err != nil {
		return nil, wire.CloseBusLost, unavailable(err)
	}
	defer done()
	loan, read, err := e.borrow(ctx, sock)
	if err != nil {
		return nil, wire.CloseBusLost, err
	}
	defer read()
	sock.queue.hold()
	s, err := e.revive(ctx, sock, st, user, claims)
	if s != nil {
		defer s.revived()
	}
	if errors.Is(err, errEnded) {
		return nil, wire.CloseSessionUnknown, sessionEnded()
	}
	if err != nil {
		e.refused(whatResume, whyBus)
		if s != nil {
			e.unrevive(s, sock)
		}
		return nil, wire.CloseBusLost, err
	}
	catchUp := e.newCatchUp(s, st, a.Seen, loan)
	err = catchUp.run(ctx)
	if err == nil {
		catchUp.outdo()
		catchUp.leaveLeft()
	}
	switch {
	case errors.Is(err, errBusy):
		loan.end()
		e.refused(whatResume, whyBusy)
		e.unrevive(s, sock)
		return nil, wire.CloseBusLost, busy()
	case errors.Is(err, errEnded):
		loan.end()
		e.refused(whatResume, whyEnded)
		s.detach(sock)
		e.end(s, wire.ReasonClosed) // what it was given back here goes again
		return nil, wire.CloseSessionUnknown, sessionEnded()
	case errors.Is(err, errNoStreams):
		loan.end()
		e.refused(whatResume, whyBus)
		e.unrevive(s, sock)
		return nil, wire.CloseBusLost, unavailable(err)
	case err != nil:
		e.log.Warn("a resume can't be made whole", "session", s.peer, "error", err)
		if errors.Is(err, bus.ErrIncomplete) {
			e.refused(whatResume, whyTooMuch)
		}
		catchUp.drop()
		loan.end()
	}
	if err := e.welcome(claims); err != nil { // a kick that came meanwhile may not have found the session
		loan.end()
		e.refused(whatResume, whyBanned)
		s.detach(sock)
		e.end(s, wire.ReasonKicked)
		return nil, wire.CloseForbidden, err
	}
	e.removeAllKicked(s)
	ok := e.greeting(s)
	ok.Resumed = err == nil
	var owed *debt
	if ok.Resumed {
		owed = catchUp.newDebt(st)
		s.had.Store(catchUp.had())
		s.keepSaid(a.Seen)
	}
	s.owed.Store(owed)
	for _, r := range s.roomList() {
		r.mu.Lock()
		// Only now: the streams say that the session has not ended. Not awaited: should it be lost, announces tell of the session.
		if rs := st.room(r.id); rs != nil {
			r.tellWhereLocked(st.Edge, rs.Own, catchUp.stored[rs.Own])
		}
		r.publishJoinedLocked(s, true, e.spanOf(ctx), func(error) {})
		ok.Rooms = append(ok.Rooms, wire.RoomRoster{Room: r.id, Peers: r.peersLocked(s.peer), Locked: r.locked, Moderator: s.moderates(r.id)})
		r.mu.Unlock()
	}
	told := e.unanswered(ctx, s, st, !ok.Resumed)
	ok.Missed = told.missed
	if ok.Resumed {
		ok.Key = s.keyBefore(catchUp, st)
	} else {
		ok.Key = s.key()
	}
	unsure := false
	frames := append([][]byte{wire.AppendOK(nil, id, mustJSON(ok))}, catchUp.frames...)
	sock.release(told.after(sock, frames), catchUp.keep(owed, &unsure))
	sock.queue.borrow(loan)
	s.greetedNow()
	if len(st.Calls) > 0 {
		e.own(func(ctx context.Context) { e.recall(ctx, s, st.Calls, catchUp.calls) })
	}
	if unsure {
		s.cutOff()
	}
	how := "resumed"
	if !ok.Resumed {
		how = "fresh"
	}
	e.metrics.hellos.WithLabelValues(how).Inc()
	e.log.Debug("a session resumes", "session", s.peer, "whole", ok.Resumed, "missed", len(catchUp.frames))
	return s, 0, nil
}

// revived ends what holds only while the session resumes.
func (s *session) revived() {
	s.unsaid.Store(false)
	s.mu.Lock()
	s.reviving = false
	s.mu.Unlock()
}

// unrevive takes a resume back that came to nothing. No roster loses the session: it may resume elsewhere, or here once more.
func (e *Edge) unrevive(s *session, sock *socket) {
	s.detach(sock)        // which is to hear why, and not that it was resumed elsewhere
	s.gen.Add(^uint64(0)) // the next resume comes with the same key, and counts as this one did
	e.letGo(s, "")
}

func sessionEnded() error {
	return wire.Errorf(wire.CodeGone, "the session has ended: say hello without resume")
}

// takeTurn makes resumes of one session go one after another: a client that is in doubt starts a second one.
func (e *Edge) takeTurn(ctx context.Context, id wire.SessionID) (done func(), err error) {
	for {
		e.mu.Lock()
		busy := e.resuming[id]
		if busy == nil {
			mine := make(chan struct{})
			e.resuming[id] = mine
			e.mu.Unlock()
			return func() {
				e.mu.Lock()
				delete(e.resuming, id)
				e.mu.Unlock()
				close(mine)
			}, nil
		}
		e.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// checkResume tells a session that never was or is over from a key that does not fit.
func (e *Edge) checkResume(a *wire.Resume, user wire.UserID) (*sessionState, wire.CloseCode, error) {
	if !e.keys.made(a.Session) {
		e.refused(whatResume, whyEnded)
		return nil, wire.CloseSessionUnknown, wire.Errorf(wire.CodeGone, "no such session: say hello without resume")
	}
	st, ok := e.keys.read(a.Key)
	if !ok || st.Session != a.Session {
		e.refused(whatResume, whyKey)
		return nil, wire.CloseBadToken, wire.Errorf(wire.CodeUnauthorized, "the key is not this session's")
	}
	if st.User != user {
		e.refused(whatResume, whyKey)
		return nil, wire.CloseBadToken, wire.Errorf(wire.CodeUnauthorized, "the session is another user's")
	}
	if age := time.Since(time.UnixMilli(st.Issued)); age > e.limits.ResumeKeyLife {
		e.refused(whatResume, whyEnded)
		return nil, wire.CloseSessionUnknown, wire.Errorf(wire.CodeGone, "the session was lost more than %s ago: say hello without resume", e.limits.Grace)
	}
	return st, 0, nil
}

// revive makes the session live here, on the socket: in its rooms and in its user's inbox.
func (e *Edge) revive(ctx context.Context, sock *socket, st *sessionState, user wire.User, claims auth.Claims) (*session, error) {
	e.mu.Lock()
	s := e.sessions[st.Session]
	e.mu.Unlock()
	if s != nil && st.Gen > s.generation() {
		e.letGo(s, "") // it has been elsewhere since, and this edge has missed that
		s = nil
	}
	here := s != nil
	e.mu.Lock()
	if !here {
		s = e.newSession(st.Session, st.Peer, user)
		e.sessions[st.Session] = s
	}
	s.unsaid.Store(true)
	s.mu.Lock()
	s.reviving, s.rival = true, 0
	s.mu.Unlock()
	e.mu.Unlock()
	s.authorize(claims)
	s.makes(st.Makes...)
	s.gen.Store(max(s.generation(), st.Gen) + 1)
	if !s.attach(sock) {
		if s.overForGood() {
			return nil, errEnded
		}
		return nil, wire.Errorf(wire.CodeUnavailable, "the session is just ending here: try again")
	}
	if here {
		e.noteResumed(s, s.roomStates()) // another may be resuming it too, with the same key
		return s, nil
	}
	if err := e.enterInbox(s); err != nil {
		return s, unavailable(err)
	}
	e.noteResumed(s, st.Rooms)
	for _, id := range st.Calls {
		s.addCall(id)
	}
	for _, rs := range e.stillIn(s, st.Rooms) {
		r, err := e.enter(ctx, rs.Room)
		if err != nil {
			return s, err
		}
		r.mu.Lock()
		r.placeLocked(s, rs.Info, rs.Since, rs.Under)
		r.mu.Unlock()
		if !s.addRoom(r) {
			r.remove(s, wire.ReasonLost)
			e.release(r)
			return s, wire.Errorf(wire.CodeUnavailable, "the session is just ending here: try again")
		}
	}
	err := e.watchAgain(ctx, s, st.Watched)
	if s.over() { // it came to its end meanwhile, before it was in its user's inbox perhaps
		e.forgetSession(s)
	}
	return s, err
}
