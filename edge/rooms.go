package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.opentelemetry.io/otel/trace"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// enter returns the open room and counts the caller in; leave it with release.
func (e *Edge) enter(ctx context.Context, id wire.RoomID) (*room, error) {
	e.mu.Lock()
	r := e.rooms[id]
	if r == nil {
		r = newRoom(e, id)
		r.before = e.closed[id]
		e.rooms[id] = r
		delete(e.closed, id)
		e.own(func(ctx context.Context) {
			r.openErr = r.open(ctx)
			close(r.ready)
		})
	}
	r.refs++
	e.mu.Unlock()
	select {
	case <-r.ready:
	case <-ctx.Done():
		e.release(r)
		return nil, unavailable(ctx.Err())
	case <-e.ctx.Done():
		e.release(r)
		return nil, unavailable(e.ctx.Err())
	}
	if r.openErr != nil {
		e.release(r)
		return nil, unavailable(r.openErr)
	}
	return r, nil
}

// release counts the caller out. The last one closes the room on this edge. A room that could not be opened is not offered again.
func (e *Edge) release(r *room) {
	e.mu.Lock()
	r.refs--
	last := r.refs == 0
	if e.rooms[r.id] == r && (last || isClosed(r.ready) && r.openErr != nil) {
		delete(e.rooms, r.id)
		e.closed[r.id] = closedRoom{room: r, at: time.Now()}
	}
	e.mu.Unlock()
	if !last {
		return
	}
	e.own(func(context.Context) {
		<-r.ready // the opening uses the subscription
		r.mu.Lock()
		gone := e.announcement(&wire.Announce{Edge: e.id, Region: e.region, Room: r.id, Source: r.out.source, N: r.out.n, Gone: true})
		others := len(r.edges) > 0
		r.mu.Unlock()
		r.close()
		e.keepPast(r)
		if !others {
			e.dropTail(r)
			return
		}
		// The members' left events say so too, and the tails, which go on, how far these came.
		_ = e.bus.PublishLive(r.scope, bus.ToEdges, gone)
	})
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func (e *Edge) checkInfo(s *session, room wire.RoomID, info json.RawMessage) (json.RawMessage, error) {
	if len(info) > e.limits.InfoBytes {
		return nil, wire.Errorf(wire.CodeTooLarge, "info has %d bytes: want at most %d", len(info), e.limits.InfoBytes)
	}
	if n := len(info) + s.infoBytes(room); n > e.limits.InfosBytes {
		return nil, wire.Errorf(wire.CodeTooLarge, "the infos of the session's rooms have %d bytes together: want at most %d", n, e.limits.InfosBytes)
	}
	if info == nil {
		return json.RawMessage("null"), nil
	}
	return bytes.Clone(info), nil // it outlives the frame that it came in
}

// join puts the session into a room. It returns once the mesh has accepted that, with the others already there.
func (e *Edge) join(ctx context.Context, s *session, a wire.JoinArgs) (wire.JoinOK, error) {
	info, err := e.checkInfo(s, a.Room, a.Info)
	if err != nil {
		return wire.JoinOK{}, err
	}
	if r := s.room(a.Room); r != nil {
		if err := r.setInfo(s, info, e.spanOf(ctx)); err != nil {
			return wire.JoinOK{}, err
		}
		return e.joined(s, r), nil
	}
	if err := e.awaitRulings(ctx); err != nil {
		return wire.JoinOK{}, unavailable(err)
	}
	if err := e.admissible(s, a.Room, a.Pass); err != nil {
		return wire.JoinOK{}, err
	}
	if n := s.roomCount(); n >= e.limits.Rooms {
		return wire.JoinOK{}, wire.Errorf(wire.CodeRoomFull, "the session is in %d rooms, which is the limit: leave one first", n)
	}
	r, err := e.enter(ctx, a.Room)
	if err != nil {
		return wire.JoinOK{}, err
	}
	if left, err := r.admit(s, info, a.Pass, e.spanOf(ctx)); err != nil {
		if !left {
			e.release(r)
		}
		return wire.JoinOK{}, err
	}
	return e.joined(s, r), nil
}

func (e *Edge) joined(s *session, r *room) wire.JoinOK {
	r.mu.Lock()
	ok := wire.JoinOK{Peers: r.peersLocked(s.peer), Locked: r.locked}
	r.mu.Unlock()
	ok.Moderator, ok.Key = s.moderates(r.id), s.key()
	return ok
}

// admit adds the session and tells the room. It waits until the mesh has accepted that. left tells that the session has been taken out of the
// room and counted out meanwhile, by its own end.
func (r *room) admit(s *session, info json.RawMessage, pass string, span trace.Span) (left bool, err error) {
	r.mu.Lock()
	if n := len(r.local) + len(r.remote); n >= r.edge.limits.Peers {
		r.mu.Unlock()
		return false, wire.Errorf(wire.CodeRoomFull, "the room has %d peers, which is the limit", n)
	}
	under := r.edge.decidedAt(s, r.id)
	if err := r.edge.admissible(s, r.id, pass); err != nil { // again: what was decided while the room opened did not find the session in it
		r.mu.Unlock()
		return false, err
	}
	accepted := r.addLocked(s, info, time.Now().UnixMilli(), under, span)
	r.mu.Unlock()
	if !s.addRoom(r) {
		r.remove(s, wire.ReasonClosed) // the session came to its end meanwhile
		return false, wire.Errorf(wire.CodeGone, "the session has ended")
	}
	if err := <-accepted; err != nil {
		left = s.dropRoom(r.id) == nil
		r.remove(s, wire.ReasonLeave)
		return left, unavailable(err)
	}
	if r.edge.removeKicked(s, r); s.room(r.id) != r {
		return true, wire.Errorf(wire.CodeForbidden, "a moderator has removed you from this room")
	}
	return false, nil
}

// addLocked adds the session and publishes that it has joined.
func (r *room) addLocked(s *session, info json.RawMessage, since, under int64, span trace.Span) (accepted <-chan error) {
	r.placeLocked(s, info, since, under)
	m := r.local[s.peer]
	m.after, m.past, m.said = r.out.n, r.past, s.hadElsewhere()
	done := make(chan error, 1)
	r.publishJoinedLocked(s, false, span, func(err error) { done <- err })
	return done
}

// placeLocked makes the session hear the room, which is not told yet.
func (r *room) placeLocked(s *session, info json.RawMessage, since, under int64) {
	delete(r.remote, s.peer)
	r.local[s.peer] = &member{sess: s, peer: wire.Peer{Peer: s.peer, User: s.user, Region: r.edge.region, Info: info}, since: since, under: under}
}

// publishJoinedLocked tells the room that the session has joined, or again, that it is now here.
func (r *room) publishJoinedLocked(s *session, again bool, span trace.Span, done func(error)) {
	m := r.local[s.peer]
	if m == nil || m.sess != s {
		done(nil) // it has moved on, and whoever has it now tells
		return
	}
	r.publishLocked(&outgoing{event: wire.EvJoined, from: s.peer, gen: s.generation(), again: again, frame: joinedFrame(r.id, m.peer), span: span}, done)
}

// remove takes the session out and tells the room.
func (r *room) remove(s *session, reason wire.Reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.local[s.peer]; m == nil || m.sess != s {
		return // it is on another edge by now
	}
	delete(r.local, s.peer)
	r.keys.forget(s.peer)
	r.publishLocked(&outgoing{event: wire.EvLeft, from: s.peer, gen: s.generation(), frame: leftFrame(r.id, s.peer, reason)}, func(err error) {
		if err != nil {
			r.edge.log.Warn("a peer's leaving may not have reached every edge; their rosters mend by announces", "room", r.id, "session", s.peer, "error", err)
		}
	})
}

func (e *Edge) leave(s *session, a wire.LeaveArgs) (wire.Keyed, error) {
	r := s.dropRoom(a.Room)
	if r == nil {
		return wire.Keyed{}, notInRoom()
	}
	r.remove(s, wire.ReasonLeave)
	e.release(r)
	return wire.Keyed{Key: s.key()}, nil
}

func notInRoom() error {
	return wire.Errorf(wire.CodeNotInRoom, "the session is not in this room: join it first")
}

func (e *Edge) update(ctx context.Context, s *session, a wire.UpdateArgs) (wire.Keyed, error) {
	info, err := e.checkInfo(s, a.Room, a.Info)
	if err != nil {
		return wire.Keyed{}, err
	}
	r := s.room(a.Room)
	if r == nil {
		return wire.Keyed{}, notInRoom()
	}
	if err := r.setInfo(s, info, e.spanOf(ctx)); err != nil {
		return wire.Keyed{}, err
	}
	return wire.Keyed{Key: s.key()}, nil
}

func (r *room) setInfo(s *session, info json.RawMessage, span trace.Span) error {
	done := make(chan error, 1)
	r.mu.Lock()
	m := r.local[s.peer]
	if m == nil {
		r.mu.Unlock()
		return notInRoom()
	}
	m.peer.Info = info
	frame := body(wire.UpdatedEvent{Room: r.id, Peer: s.peer, Info: info}, func(e *wire.UpdatedEvent) *wire.Head { return &e.Head }, wire.EvUpdated)
	r.publishLocked(&outgoing{event: wire.EvUpdated, from: s.peer, gen: s.generation(), frame: frame, span: span}, func(err error) { done <- err })
	r.mu.Unlock()
	if err := <-done; err != nil {
		return unavailable(err)
	}
	return nil
}

var errNotReady = errors.New("the bus is not ready")

// signal passes data to one peer. done is called once, as [bus.Bus.Publish] calls it.
func (e *Edge) signal(s *session, a *wire.SignalArgs, span trace.Span, done func(error)) error {
	r := s.room(a.Room)
	if r == nil {
		return notInRoom()
	}
	if !e.bus.Ready() {
		return unavailable(errNotReady)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, again := r.acceptedLocked(s.peer, a.Key); again {
		r.edge.tailLater(r)
		done(nil)
		return nil
	}
	if a.To == s.peer || r.local[a.To] == nil && r.remote[a.To] == nil {
		if len(r.expect) > 0 && a.To != s.peer {
			return wire.Errorf(wire.CodeUnavailable, "no peer of this id is known, but an edge of the room has not yet told whom it has: try again")
		}
		return wire.Errorf(wire.CodeNoSuchPeer, "no other peer of this id is in the room")
	}
	r.publishLocked(&outgoing{
		event: wire.EvSignal, from: s.peer, to: a.To, key: a.Key, size: len(a.Data), span: span,
		frame: func(dst []byte, mid wire.Mid, at int64) []byte {
			return wire.AppendSignal(dst, mid, at, r.id, s.peer, a.Data)
		},
	}, done)
	return nil
}

// post passes data to all other peers of the room.
func (e *Edge) post(s *session, a *wire.PostArgs, span trace.Span, done func(wire.PostOK, error)) error {
	r := s.room(a.Room)
	if r == nil {
		return notInRoom()
	}
	if !e.bus.Ready() {
		return unavailable(errNotReady)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if was, again := r.acceptedLocked(s.peer, a.Key); again {
		r.edge.tailLater(r)
		done(wire.PostOK{Mid: was.mid, At: was.at}, nil)
		return nil
	}
	var ok wire.PostOK
	r.publishLocked(&outgoing{
		event: wire.EvPost, from: s.peer, keep: a.Keep, key: a.Key, size: len(a.Data), span: span,
		frame: func(dst []byte, mid wire.Mid, at int64) []byte {
			ok = wire.PostOK{Mid: mid, At: at} // before the publish that calls done
			return wire.AppendPost(dst, mid, at, r.id, s.peer, s.user, a.Data)
		},
	}, func(err error) { done(ok, err) })
	return nil
}
