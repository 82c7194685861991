package edge

import (
	"cmp"
	"slices"
	"time"

	"callmesh/bus/wire"
)

// maxHeld bounds the events that wait behind a hole of one source, in number; they are at most [wire.MaxFrameBytes] each. Past it the
// hole's events are given up, which the sessions of the scope are told by resuming.
const maxHeld = 2048

// sequence puts the events of every source of one scope into their order and sees what is missing. It does no I/O and takes no lock: its
// owner guards it.
type sequence map[wire.Source]*sourceState

type sourceState struct {
	edge    wire.EdgeID
	known   bool                     // applied is known; an unknown source waits for its edge's announce, or for a read of the streams
	applied uint64                   // the highest number that went on, with all before it
	sent    int64                    // when that was sent, in Unix ms by its edge's clock; 0 if that is not known
	lacking uint64                   // up to where the streams may lack some for good: nobody waits for them to have it
	wanted  uint64                   // an announce or a tail said that the streams have it up to here
	held    map[uint64]wire.Envelope // what came past a hole
	heard   time.Time                // when something went on last
	missing time.Time                // since when something is known to be missing; zero if nothing is
}

// hole reports whether something of the source is missing.
func (s *sourceState) hole() bool { return !s.known || len(s.held) > 0 || s.applied < s.wanted }

// of returns the state of a source, made if it is new.
func (q sequence) of(source wire.Source, edge wire.EdgeID, now time.Time) *sourceState {
	s := q[source]
	if s == nil {
		s = &sourceState{edge: edge, heard: now}
		q[source] = s
	}
	return s
}

// accept takes an event. If it is the next of its source, go on is true, and the caller applies it, then what [sourceState.next] returns.
// Otherwise it is a repetition, or it is held until the hole before it is filled.
func (q sequence) accept(env *wire.Envelope, now time.Time) (s *sourceState, goOn bool) {
	s = q.of(env.Source, env.Edge, now)
	if !s.known && s.applied == 0 && env.N == 1 {
		s.known = true // a source that begins while we listen
	}
	switch {
	case s.known && env.N <= s.applied:
		return s, false
	case s.known && env.N == s.applied+1:
		s.applied, s.sent, s.heard = env.N, env.At, now
		return s, true
	}
	s.hold(env)
	return s, false
}

// hold keeps an event back though it may be the next of its source.
func (q sequence) hold(env *wire.Envelope, now time.Time) {
	if s := q.of(env.Source, env.Edge, now); !s.known || env.N > s.applied {
		s.hold(env)
	}
}

func (s *sourceState) hold(env *wire.Envelope) {
	if s.held == nil {
		s.held = make(map[uint64]wire.Envelope)
	}
	if len(s.held) < maxHeld {
		s.held[env.N] = *env
	}
}

// next returns the held event that follows what has gone on, if it is there.
func (s *sourceState) next() (wire.Envelope, bool) {
	if !s.known || len(s.held) == 0 {
		return wire.Envelope{}, false
	}
	env, ok := s.held[s.applied+1]
	if ok {
		delete(s.held, env.N)
		s.applied, s.sent = env.N, env.At
	}
	return env, ok
}

// begin takes the word of an edge's announce that the streams have the source up to n. Who has just begun to listen had no part in that; for who has
// listened before, and not heard of the source, what the streams have of it is missing.
func (s *sourceState) begin(n uint64, sent int64, opening bool) {
	if s.known || !opening && n > 0 {
		s.wanted = max(s.wanted, n)
		return
	}
	s.known, s.applied, s.sent = true, n, sent
	for held := range s.held {
		if held <= n {
			delete(s.held, held)
		}
	}
}

// before takes out, in order, what was heard past the hole and stands before n, which the streams have: no stream has taken it, and neither what is missing
// before it. Left behind it would go on after n, and be a hole until then.
func (s *sourceState) before(n uint64) (list []wire.Envelope) {
	for held, env := range s.held {
		if held < n {
			delete(s.held, held)
			if !s.known || held > s.applied {
				list = append(list, env)
			}
		}
	}
	slices.SortFunc(list, func(a, b wire.Envelope) int { return cmp.Compare(a.N, b.N) })
	return list
}

// giveUp ends a hole that could not be filled: what is held goes on, in order.
func (s *sourceState) giveUp() []wire.Envelope {
	rest := make([]wire.Envelope, 0, len(s.held))
	for _, env := range s.held {
		rest = append(rest, env)
	}
	slices.SortFunc(rest, func(a, b wire.Envelope) int { return cmp.Compare(a.N, b.N) })
	s.held, s.known = nil, true
	if len(rest) > 0 {
		s.applied, s.sent = rest[len(rest)-1].N, rest[len(rest)-1].At
	}
	s.applied = max(s.applied, s.wanted)
	s.lacking = s.applied
	return rest
}

// applied is the highest number of the source that went on; 0 if nothing of it did.
func (q sequence) applied(source wire.Source) uint64 {
	if s := q[source]; s != nil {
		return s.applied
	}
	return 0
}

// holes returns the sources of which something is missing.
func (q sequence) holes() []*sourceState {
	var list []*sourceState
	for _, s := range q {
		if s.hole() {
			list = append(list, s)
		}
	}
	return list
}

// positions returns how far each source has gone on.
func (q sequence) positions(into map[wire.Source]uint64) {
	for source, s := range q {
		if s.known {
			into[source] = s.applied
		}
	}
}

// positionsSince is positions of the sources that may have sent something since a time, in Unix ms, that the streams have or are about to have.
func (q sequence) positionsSince(since int64, into map[wire.Source]uint64) {
	for source, s := range q {
		if s.known && s.applied > s.lacking && (s.sent == 0 || s.sent >= since) {
			into[source] = s.applied
		}
	}
}

// forget drops the sources that were silent for long, save those that are known to be in use.
func (q sequence) forget(inUse map[wire.Source]bool, before time.Time) {
	for source, s := range q {
		if !inUse[source] && s.heard.Before(before) && !s.hole() {
			delete(q, source)
		}
	}
}
