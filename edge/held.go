package edge

import "callmesh/bus/wire"

const (
	// maxHeldCalls bounds the call events that wait for the ok of a call op.
	maxHeldCalls = 256
	// maxRung bounds the calls that a session is known to have been rung for. Each is over within the time that a call rings.
	maxRung = 1024
)

// callHearing is what a session hears of calls. session.mu guards it.
type callHearing struct {
	rung map[wire.CallID]wire.Mid // the rings that it was given: each call rings once, though a hello repeats what rings

	out map[wire.CallID]*offer // the session's own calls that ring

	holding bool // a call op is under way, and the session hears of calls once it is answered
	held    []heldFrame
	joined  wire.CallID // the call that the op has become: its ring, if that is held, has been answered
}

func (h *callHearing) dropHeld() { h.holding, h.held, h.joined = false, nil, "" }

// rings notes the ring and reports whether the session has not heard it yet.
func (s *session) rings(id wire.CallID, mid wire.Mid) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.hears.rung[id]; ok {
		return false
	}
	if s.hears.rung == nil || len(s.hears.rung) >= maxRung {
		s.hears.rung = make(map[wire.CallID]wire.Mid)
	}
	s.hears.rung[id] = mid
	return true
}

// ringEnds forgets a ring, and the call too if it is over.
func (s *session) ringEnds(id wire.CallID, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.hears.holding { // else a ring that is held may still have to be found
		delete(s.hears.rung, id)
	}
	delete(s.hears.out, id)
	if over {
		delete(s.calls, id)
	}
}

// ringsOut notes a call of the session's own that is about to ring.
func (s *session) ringsOut(o *offer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hears.out == nil {
		s.hears.out = make(map[wire.CallID]*offer)
	}
	if len(s.hears.out) < maxCalls {
		s.hears.out[o.Call] = o
	}
	s.calls[o.Call] = struct{}{}
}

// callsTo lists the session's own calls that ring at a user's.
func (s *session) callsTo(u wire.UserID) (list []*offer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.hears.out {
		if o.To == u && !o.late() {
			list = append(list, o)
		}
	}
	return list
}

// callEvent gives the session an event of its user's inbox, or holds it back.
func (s *session) callEvent(mid wire.Mid, frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &s.hears
	if h.holding && len(h.held) < maxHeldCalls {
		h.held = append(h.held, heldFrame{mid, frame})
		return
	}
	s.letCallsLocked() // more than that is no client's call: order goes before
	s.event(mid, frame)
}

// holdCalls makes events about calls wait: a client knows a call by its ok, and could make nothing of what came before.
func (s *session) holdCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hears.holding = !s.ended
}

// joinsCall says which call the op has become. To the session itself it rings no more.
func (s *session) joinsCall(id wire.CallID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hears.joined = id
}

// letCalls gives the session what was held back.
func (s *session) letCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letCallsLocked()
}

func (s *session) letCallsLocked() {
	h := &s.hears
	ring := h.rung[h.joined]
	for _, f := range h.held {
		if h.joined == "" || f.mid != ring {
			s.event(f.mid, f.frame)
		}
	}
	h.dropHeld()
}

// withoutHeld takes what is held back out of a key's positions: it stands behind the key on the socket.
func (s *session) withoutHeld(at map[wire.Source]uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.hears.held {
		if n, ok := at[f.mid.Source]; ok && n >= f.mid.N {
			at[f.mid.Source] = f.mid.N - 1
		}
	}
}
