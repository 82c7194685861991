package edge

import (
	"maps"
	"time"

	"callmesh/bus/wire"
)

// A room that opens takes from the streams also what was sent in the last moments before, as clocks differ: see [skewMargin]. Who has just left it, and joins
// again, has had that while the room was open here before. So for as long an edge remembers how far it had heard in a room that it has closed, and what a
// client said that it had when it came from another edge.

// maxSaid bounds of how many sources that is remembered. A client has met one for each edge that had peers in its rooms.
const maxSaid = 256

// heardTo is how far a source was heard, and when that was.
type heardTo struct {
	n  uint64
	at time.Time
}

// closedRoom is a room that nobody here is in any more.
type closedRoom struct {
	room *room                   // until it has ended, and past is set
	past map[wire.Source]heardTo // how far it had heard
	at   time.Time               // when the last peer left
}

// heardLately tells how far the sources had come that said something lately: whatever is older no new room takes.
func (r *room) heardLately(now time.Time) map[wire.Source]heardTo {
	r.mu.Lock()
	defer r.mu.Unlock()
	lately := maps.Clone(r.past)
	if lately == nil {
		lately = make(map[wire.Source]heardTo)
	}
	for source, s := range r.seq {
		if !s.known {
			continue
		}
		at := s.heard
		if sent := time.UnixMilli(s.sent); sent.After(at) { // it went on when what was missing before it was given up
			at = sent
		}
		lately[source] = heardTo{max(s.applied, lately[source].n), at}
	}
	maps.DeleteFunc(lately, func(_ wire.Source, h heardTo) bool { return now.Sub(h.at) > clockMargin })
	return lately
}

// recall takes over what the room knew that was open here before this one. It is called before the room listens: what comes later is news to whoever joins.
func (r *room) recall() {
	r.recalls.Do(func() {
		past := r.before.past
		if before := r.before.room; before != nil {
			before.recall() // it may have been left before it opened
			past = before.heardLately(time.Now())
		}
		r.before = closedRoom{}
		r.mu.Lock()
		r.past = past
		r.mu.Unlock()
	})
}

// isNews reports whether the member can't have had an event when it was in the room before.
func (m *member) isNews(env *wire.Envelope) bool {
	return env.N > max(m.past[env.Source].n, m.said[env.Source])
}

// keepSaid keeps what the client of a session that resumes says it has seen, for rooms that it joins in the next moments.
func (s *session) keepSaid(seen map[wire.Source]uint64) {
	if len(seen) <= maxSaid {
		s.said.Store(&had{at: seen, until: time.Now().Add(clockMargin)})
	}
}

// hadElsewhere tells what the session has had by other edges, or from the streams when it resumed, as far as that is of late.
func (s *session) hadElsewhere() map[wire.Source]uint64 {
	at := make(map[wire.Source]uint64)
	for _, h := range []*had{s.said.Load(), s.had.Load()} {
		if h != nil {
			for source, n := range h.at {
				at[source] = max(at[source], n)
			}
		}
	}
	return at
}

// tellAnewLocked tells members what an event of the roster has changed that they had when they were in the room before: the room that is open now did not
// know it, so that they were not told when they joined. It goes by another number, as a client takes the same one for a repeat.
func (r *room) tellAnewLocked(env *wire.Envelope, members []*member) {
	if len(members) == 0 {
		return
	}
	p := r.remote[env.From]
	switch {
	case p != nil && (env.Event == wire.EvJoined || env.Event == wire.EvUpdated):
		r.tellSomeLocked(members, joinedFrame(r.id, p.Peer))
	case p == nil && env.Event == wire.EvLeft:
		var ev wire.LeftEvent
		if r.read(env, &ev) {
			r.tellSomeLocked(members, leftFrame(r.id, env.From, ev.Reason))
		}
	}
}

// keepPast keeps of a room that has ended how far it had heard, and no more: rosters are big.
func (e *Edge) keepPast(r *room) {
	past := r.heardLately(time.Now())
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.closed[r.id]; c.room == r {
		e.closed[r.id] = closedRoom{past: past, at: c.at}
	}
}

// sweepClosed forgets rooms that have been closed for long.
func (e *Edge) sweepClosed(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	maps.DeleteFunc(e.closed, func(_ wire.RoomID, c closedRoom) bool { return now.Sub(c.at) > clockMargin })
}
