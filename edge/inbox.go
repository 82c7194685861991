package edge

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// inbox is where a user with sessions here hears what is for the user rather than for a room.
type inbox struct {
	hearing
	user wire.UserID

	// hearing.mu guards the following
	sessions map[wire.PeerID]*session
	out      wire.Source // of this edge's own outbox
	keys     keyMemory
	rings    map[wire.CallID]*offer // that ring here now, as far as a ring tells
}

// outbox numbers this edge's events to one user.
type outbox struct {
	edge  *Edge
	user  wire.UserID
	scope bus.Scope

	mu   sync.Mutex // guards the following; taken before an inbox's
	out  numbered
	last time.Time
}

// enterInbox adds the session to its user's inbox, which is opened for the first. The other edges are told that the user is online here.
func (e *Edge) enterInbox(s *session) error {
	o := e.outboxOf(s.user.ID)
	o.mu.Lock()
	defer o.mu.Unlock()
	e.mu.Lock()
	b := e.inboxes[s.user.ID]
	first := b == nil
	if first {
		b = &inbox{
			user: s.user.ID, sessions: make(map[wire.PeerID]*session), rings: make(map[wire.CallID]*offer), out: o.out.source,
		}
		b.init(e, bus.UserScope(s.user.ID))
		b.begins(o.out)
		b.onEvent, b.onOther, b.cutOff = b.deliverLocked, b.other, b.cutOffLocked
		if err := b.listen(); err != nil {
			e.mu.Unlock()
			return err
		}
		e.inboxes[s.user.ID] = b
	}
	b.mu.Lock()
	b.sessions[s.peer] = s
	b.mu.Unlock()
	if first {
		e.tellPresenceLocked(s.user.ID, true)
	}
	e.mu.Unlock()
	return nil
}

// leaveInbox takes the session out; the last one closes the inbox.
func (e *Edge) leaveInbox(s *session) {
	e.mu.Lock()
	b := e.inboxes[s.user.ID]
	if b == nil {
		e.mu.Unlock()
		return
	}
	b.mu.Lock()
	if b.sessions[s.peer] == s {
		delete(b.sessions, s.peer)
	}
	last := len(b.sessions) == 0
	b.mu.Unlock()
	if last {
		delete(e.inboxes, s.user.ID)
		e.tellPresenceLocked(s.user.ID, false)
	}
	e.mu.Unlock()
	if last {
		b.close()
	}
}

func (e *Edge) inboxOf(u wire.UserID) *inbox {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.inboxes[u]
}

// inboxPositions tells how far every source of the user's inbox has gone on, without those that a session is owed.
func (e *Edge) inboxPositions(u wire.UserID, d *debt) map[wire.Source]uint64 {
	at := make(map[wire.Source]uint64)
	if b := e.inboxOf(u); b != nil {
		b.mu.Lock()
		b.seq.positions(at)
		b.withoutOwedLocked(at, d)
		b.mu.Unlock()
	}
	return at
}

// inboxNeeds is [room.neededLocked] of a user's inbox.
func (e *Edge) inboxNeeds(u wire.UserID, since time.Time, into map[wire.Source]uint64) {
	if b := e.inboxOf(u); b != nil {
		b.mu.Lock()
		b.seq.positionsSince(since.UnixMilli(), into)
		b.mu.Unlock()
	}
}

func (b *inbox) deliverLocked(env *wire.Envelope) {
	if len(env.Key) > 0 && !b.keys.hear(env.From, env.Key, keyedBy(env)) {
		b.edge.metrics.repeated.Inc()
		return
	}
	rings, show := b.callLocked(env)
	if !show {
		return
	}
	mid := env.Mid()
	for peer, s := range b.sessions {
		if env.For(peer) && s.mayHave(b.scope, env) && (rings == "" || s.rings(rings, mid)) {
			s.callEvent(mid, env.Body)
		}
	}
}

func (b *inbox) cutOffLocked() {
	for _, s := range b.sessions {
		s.cutOff()
	}
}

// other takes questions and notes.
func (b *inbox) other(env *wire.Envelope, m bus.Message) {
	switch env.Kind {
	case wire.KindWho:
		_ = b.edge.bus.Answer(m, []byte(b.edge.id)) // whoever asks waits only so long
	case wire.KindSession:
		var note wire.SessionNote
		if json.Unmarshal(env.Body, &note) != nil {
			b.edge.metrics.badEnvelopes.Inc()
			return
		}
		b.edge.noted(&note, env.At)
	}
}

// noted lets go of a session that was resumed on another edge. Of two edges that resume it at once, the same one gives way everywhere. What was said before
// this edge's own word of a resume was heard is of an earlier one, which the one under way outdoes.
func (e *Edge) noted(note *wire.SessionNote, at int64) {
	e.mu.Lock()
	s := e.sessions[note.Session]
	e.mu.Unlock()
	if s == nil || note.Note != wire.NoteResumed {
		return
	}
	if note.Edge == e.id {
		if at == s.noted.Load() {
			s.unsaid.Store(false)
		}
		return
	}
	rooms, ok := s.finish(false, func() bool {
		gen := s.generation()
		later := note.Gen > gen || note.Gen == gen && note.Edge > e.id
		return later && (!s.unsaid.Load() || !s.outdoesLocked(note.Gen))
	})
	if !ok {
		return
	}
	// It may be in a room of which its client never had the join's ok: there it does not go on.
	goesOn := func(r *room) bool { return slices.Contains(note.Rooms, r.id) }
	for _, r := range rooms {
		if !goesOn(r) {
			r.remove(s, wire.ReasonLost)
			e.release(r)
		}
	}
	e.handOver(s, slices.DeleteFunc(rooms, func(r *room) bool { return !goesOn(r) }), note.Edge)
}

// noteResumed tells the edges that the session is here now.
func (e *Edge) noteResumed(s *session, rooms []roomState) {
	note := wire.SessionNote{Note: wire.NoteResumed, Session: s.id, Peer: s.peer, Gen: s.generation(), Edge: e.id}
	for _, rs := range rooms {
		note.Rooms = append(note.Rooms, rs.Room)
	}
	at := max(time.Now().UnixMilli(), s.noted.Load()+1)
	s.noted.Store(at)
	e.note(s, note, at)
}

// note tells the edges that hold the user's sessions what happened to this one, through the stream, where a later resume finds it. at is in Unix ms.
func (e *Edge) note(s *session, note wire.SessionNote, at int64) {
	env := wire.Envelope{Kind: wire.KindSession, Edge: e.id, At: at, Body: wire.AppendJSON(nil, note)}
	e.bus.Publish(bus.UserScope(s.user.ID), bus.ToEdges, env.Append(nil), func(err error) {
		if err != nil {
			e.log.Warn("a session's note was not accepted", "session", s.peer, "note", note.Note, "error", err)
		}
	})
}

// outboxOf returns this edge's numbering for a user. Idle ones are dropped by the sweep; the next begins a new source.
func (e *Edge) outboxOf(u wire.UserID) *outbox {
	e.mu.Lock()
	defer e.mu.Unlock()
	o := e.outboxes[u]
	if o == nil {
		o = &outbox{edge: e, user: u, scope: bus.UserScope(u), out: numbered{source: wire.NewSource()}}
		e.outboxes[u] = o
	}
	return o
}

// toUser sends an event to a user's sessions, here and on other edges. done is called once the mesh has accepted it, or not.
func (e *Edge) toUser(u wire.UserID, og *outgoing, done func(error)) {
	o := e.outboxOf(u)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = time.Now()
	env, payload := e.build(&o.out, og)
	e.put(og.span, o.scope, &env, payload, func(err error) {
		if err != nil {
			if b := e.inboxOf(u); b != nil {
				b.doubt(&env)
			}
		}
		done(err)
	})
	e.tailLater(o)
}
