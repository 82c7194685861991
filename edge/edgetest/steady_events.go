package edgetest

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"callmesh/bus/wire"
)

// greeted takes the ok of a hello: from here on the connection is the one in use.
func (s *Steady) greeted(l *line, resume bool, ok *wire.HelloOK) {
	s.mu.Lock()
	before := s.hello
	if !resume {
		s.sessions++
		s.seen = make(map[wire.Source]uint64)
		s.rosters = make(map[wire.RoomID]map[wire.PeerID]wire.UserID)
	} else {
		s.resumes++
		clear(s.rosters)
		for _, r := range ok.Rooms {
			s.enterLocked(r.Room, r.Peers)
		}
	}
	s.hello, s.key, s.line, s.tries = *ok, ok.Key, l, 0
	again := !resume && s.sessions > 1
	s.changedLocked()
	s.mu.Unlock()

	switch {
	case again:
		s.owned.Go(func() { // the session before was gone; what it was in is joined anew
			for _, room := range s.opts.Rooms {
				if err := s.join(room); err != nil && s.ctx.Err() == nil {
					s.note("%v", err)
				}
			}
		})
	case !resume:
	case ok.Session != before.Session || ok.Peer != before.Peer:
		s.note("the resume gave another session: peer %s was %s", ok.Peer, before.Peer)
	case !ok.Resumed:
		s.note("the session could not be made whole")
	default:
		s.inRooms(ok.Rooms)
	}
}

// inRooms checks that a resumed session is where it was.
func (s *Steady) inRooms(rooms []wire.RoomRoster) {
	have := make(map[wire.RoomID]bool)
	for _, r := range rooms {
		have[r.Room] = true
	}
	for _, room := range s.opts.Rooms {
		if !have[room] {
			s.note("the resumed session is not in %s any more", room)
		}
	}
}

// refused takes the error of a hello.
func (s *Steady) refused(err *wire.Error) {
	switch err.Code {
	case wire.CodeUnavailable, wire.CodeInternal, wire.CodeRateLimited:
	case wire.CodeGone:
		s.note("the session is gone: %v", err)
		s.mu.Lock()
		s.key = ""
		s.mu.Unlock()
	default:
		s.note("hello was refused: %v", err)
	}
}

// take deals with one frame, if the connection is still the one in use.
func (s *Steady) take(l *line, frame []byte) {
	var f struct {
		ID    *uint64         `json:"id"`
		OK    json.RawMessage `json:"ok"`
		Error *wire.Error     `json:"error"`
		wire.Head
	}
	if err := json.Unmarshal(frame, &f); err != nil {
		s.note("what came is not a frame: %v: %.200s", err, frame)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line != l {
		return
	}
	if f.ID != nil {
		var keyed wire.Keyed
		if json.Unmarshal(f.OK, &keyed) == nil && keyed.Key != "" {
			s.key = keyed.Key
		}
		l.answered(*f.ID, Answer{OK: f.OK, Error: f.Error})
		return
	}
	if !f.Mid.IsZero() {
		if at := s.seen[f.Mid.Source]; f.Mid.N <= at {
			s.note("event %s came after %d of its source: %.200s", f.Mid, at, frame)
		}
		s.seen[f.Mid.Source] = f.Mid.N
	}
	if err := s.eventLocked(l, f.Ev, frame); err != nil {
		s.note("an event can't be read: %v: %.200s", err, frame)
	}
}

func (s *Steady) eventLocked(l *line, ev wire.Event, frame []byte) error {
	switch ev {
	case wire.EvPost:
		return readInto(frame, func(e *wire.PostEvent) error { return s.got(e.Room, e.Data) })
	case wire.EvSignal:
		return readInto(frame, func(e *wire.SignalEvent) error { return s.got(e.Room, e.Data) })
	case wire.EvJoined:
		return readInto(frame, func(e *wire.JoinedEvent) error {
			if s.rosters[e.Room] != nil && e.Peer != s.hello.Peer {
				s.rosters[e.Room][e.Peer] = e.User.ID
				s.changedLocked()
			}
			return nil
		})
	case wire.EvLeft:
		return readInto(frame, func(e *wire.LeftEvent) error {
			delete(s.rosters[e.Room], e.Peer)
			s.changedLocked()
			return nil
		})
	case wire.EvRing:
		return readInto(frame, func(e *wire.RingEvent) error {
			s.rings = append(s.rings, *e)
			s.changedLocked()
			return nil
		})
	case wire.EvCall:
		return readInto(frame, func(e *wire.CallEvent) error {
			s.calls = append(s.calls, *e)
			s.changedLocked()
			return nil
		})
	case wire.EvGoaway:
		return readInto(frame, func(e *wire.GoawayEvent) error {
			time.AfterFunc(time.Duration(e.ReconnectAfterMs)*time.Millisecond, func() { l.leaves.Do(func() { close(l.leave) }) })
			return nil
		})
	default:
		return nil // updated and presence say nothing that is counted here
	}
}

func readInto[T any](frame []byte, deal func(*T) error) error {
	e := new(T)
	if err := json.Unmarshal(frame, e); err != nil {
		return err
	}
	return deal(e)
}

// got enters a message into the ledger.
func (s *Steady) got(room wire.RoomID, data json.RawMessage) error {
	var c content
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	if s.opts.Ledger != nil {
		s.opts.Ledger.Got(room, c.From, c.N, s.opts.Name)
	}
	return nil
}

// enterLocked makes a room's roster what the edge says.
func (s *Steady) enterLocked(room wire.RoomID, peers []wire.Peer) {
	roster := make(map[wire.PeerID]wire.UserID, len(peers))
	for _, p := range peers {
		roster[p.Peer] = p.User.ID
	}
	s.rosters[room] = roster
	s.changedLocked()
}

// Peer is the session's public id.
func (s *Steady) Peer() wire.PeerID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hello.Peer
}

// Edge is the edge that holds the session, or held it last.
func (s *Steady) Edge() wire.EdgeID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hello.Edge
}

// URL is that of the edge that holds the session, or of the one that is tried now.
func (s *Steady) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// Live reports whether there is a connection that has said hello.
func (s *Steady) Live() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.line != nil
}

// Resumes tells how often the session went on on another connection.
func (s *Steady) Resumes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.resumes
}

// Roster lists the users of the others in the room, as the client has it from oks and events, sorted.
func (s *Steady) Roster(room wire.RoomID) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var users []string
	for _, user := range s.rosters[room] {
		users = append(users, string(user))
	}
	slices.Sort(users)
	return users
}

// Calls are the call events that came, the oldest first.
func (s *Steady) Calls() []wire.CallEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Rings are the rings that came, the oldest first.
func (s *Steady) Rings() []wire.RingEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.rings)
}

func fill(n int) string { return strings.Repeat("x", n) }

func closedNow(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
