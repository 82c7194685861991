package edge

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

const (
	sweepEvery = time.Second
	// busPatience is how long the bus may be lost before sessions are sent elsewhere.
	busPatience = 10 * time.Second
	// outboxIdle is after how long an outbox is forgotten; the next event to its user begins a new source.
	outboxIdle = 5 * time.Minute
	// sourcesEvery is how many sweeps pass between two looks for sources that are gone.
	sourcesEvery = 30
	// tails is how often a scope that has gone quiet says how far it is: after 1, 2, 4, 8 and 16 sweeps.
	tails = 16
)

// tailer is what can say how far its source is.
type tailer interface{ tail(e *Edge) }

// sweep does what time does: it cuts silent sockets, ends sessions, and drops the peers of edges that died.
func (e *Edge) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	busLost, sweeps := time.Time{}, 0
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			switch {
			case e.bus.Ready():
				busLost = time.Time{}
				e.mu.Lock()
				if e.mends == 0 && e.missing.IsZero() {
					e.good = now
				}
				e.mu.Unlock()
			case busLost.IsZero():
				busLost = now
			case now.Sub(busLost) > busPatience:
				e.closeAll(wire.CloseBusLost, "the edge has lost the mesh: resume on another")
			}
			e.sweepSockets(now)
			e.sweepSessions(now)
			e.sweepLost(now)
			e.sweepClosed(now)
			e.sweepOutboxes(now)
			e.sweepCallers(now)
			e.sweepOrphans(now)
			e.sweepUnread(now)
			e.sweepRelays(now)
			if sweeps++; sweeps%sourcesEvery == 0 {
				e.sweepSources(now)
				e.rulings.Sweep(now)
			}
			e.sendTails()
		}
	}
}

func (e *Edge) sweepSockets(now time.Time) {
	silent := now.Add(-2 * e.limits.Heartbeat).UnixNano()
	for _, s := range e.socketList() {
		if s.lastRead.Load() < silent {
			s.cut()
		}
		if since := s.queue.owesSince(); !since.IsZero() && now.Sub(since) > e.limits.ReplayWindow {
			e.metrics.slow.Inc() // it holds what other resumes need
			s.close(wire.CloseSlow, "too slow: resume to go on")
		}
		if began := s.writing.Load(); began != 0 && began < now.Add(-e.limits.WriteTimeout).UnixNano() {
			e.metrics.slow.Inc()
			s.close(wire.CloseSlow, "too slow: resume to go on")
		}
	}
}

func (e *Edge) socketList() []*socket {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]*socket, 0, len(e.sockets))
	for s := range e.sockets {
		list = append(list, s)
	}
	return list
}

func (e *Edge) closeAll(code wire.CloseCode, reason string) {
	for _, s := range e.socketList() {
		s.close(code, reason)
	}
}

func (e *Edge) sweepSessions(now time.Time) {
	e.mu.Lock()
	list := make([]*session, 0, len(e.sessions))
	for _, s := range e.sessions {
		list = append(list, s)
	}
	e.mu.Unlock()
	for _, s := range list {
		s.mu.Lock()
		over := !s.detached.IsZero() && now.Sub(s.detached) >= e.limits.Grace
		expired := now.After(s.expires)
		s.mu.Unlock()
		if h := s.had.Load(); h != nil && now.After(h.until) {
			s.had.CompareAndSwap(h, nil)
		}
		if h := s.said.Load(); h != nil && now.After(h.until) {
			s.said.CompareAndSwap(h, nil)
		}
		switch sock := s.socket.Load(); {
		case over:
			reason := wire.ReasonLost
			if expired {
				reason = wire.ReasonExpired
			}
			e.endUnlessMoved(s, reason)
		case expired && sock != nil:
			sock.closeAfter(wire.CloseTokenExpired, "the token has expired: say hello with a fresh one")
			s.detach(sock)
		}
	}
}

// endUnlessMoved ends a session whose grace is over, unless the user's inbox says that it was resumed on another edge: this one may have been
// cut off then. If that can't be read, the next sweep tries again.
func (e *Edge) endUnlessMoved(s *session, reason wire.Reason) {
	s.mu.Lock()
	again, since := s.ending, s.detached
	s.ending = true
	s.mu.Unlock()
	if again {
		return
	}
	e.own(func(ctx context.Context) {
		var moved *wire.SessionNote
		err := e.bus.Replay(ctx, []bus.Scope{bus.UserScope(s.user.ID)}, since.Add(-clockMargin), func(_ bus.Scope, payload []byte) {
			var note wire.SessionNote
			env, err := wire.ParseEnvelope(payload)
			if err == nil && env.Kind == wire.KindSession && env.Edge != e.id && json.Unmarshal(env.Body, &note) == nil &&
				note.Note == wire.NoteResumed && note.Session == s.id && note.Gen > s.generation() {
				moved = &note
			}
		})
		s.mu.Lock()
		s.ending = false
		back := s.detached.IsZero()
		s.mu.Unlock()
		switch {
		case moved != nil:
			e.letGo(s, moved.Edge)
		case back: // it has resumed here meanwhile
		case err == nil || errors.Is(err, bus.ErrIncomplete):
			e.end(s, reason)
		default:
			if _, only := bus.Abroad(err); only {
				e.lapse(s, reason)
			}
		}
	})
}

// lapse ends a session here that may have been resumed in a region that is cut off: it must not stand in rosters for as long as that lasts. Should it go
// on there, its new edge's word outweighs this, and its calls go on too.
func (e *Edge) lapse(s *session, reason wire.Reason) {
	rooms, ok := s.finish(false, nil)
	if !ok {
		return
	}
	for _, r := range rooms {
		r.remove(s, reason)
		e.release(r)
	}
	e.forgetSession(s)
}

// sweepSources forgets the sources of edges that have left a room or a user's inbox long ago, and the keys of peers that have.
func (e *Edge) sweepSources(now time.Time) {
	e.mu.Lock()
	rooms, inboxes := slices.Collect(maps.Values(e.rooms)), slices.Collect(maps.Values(e.inboxes))
	e.mu.Unlock()
	for _, r := range rooms {
		r.mu.Lock()
		here := map[wire.Source]bool{r.out.source: true}
		for _, source := range r.edges {
			here[source] = true
		}
		r.seq.forget(here, now.Add(-bus.ReplayAge))
		r.sweepKeysLocked(now)
		r.mu.Unlock()
	}
	for _, b := range inboxes {
		b.mu.Lock()
		b.seq.forget(map[wire.Source]bool{b.out: true}, now.Add(-2*outboxIdle)) // longer than any edge keeps a source that it does not use
		b.mu.Unlock()
	}
}

// sweepLost drops the peers of edges whose lease was lost for as long as the grace.
func (e *Edge) sweepLost(now time.Time) {
	e.mu.Lock()
	var dead []wire.EdgeID
	for edge, since := range e.lost {
		if now.Sub(since) >= e.limits.Grace {
			dead = append(dead, edge)
			delete(e.lost, edge)
		}
	}
	var rooms []*room
	var watches []*watch
	if len(dead) > 0 {
		for _, r := range e.rooms {
			rooms = append(rooms, r)
		}
		for _, w := range e.watched {
			watches = append(watches, w)
		}
	}
	e.mu.Unlock()
	for _, edge := range dead {
		for _, r := range rooms {
			r.mu.Lock()
			r.dropEdgeLocked(edge)
			r.mu.Unlock()
		}
		for _, w := range watches {
			w.set(edge, false)
		}
	}
}

// orphanLater has the sweep look after a room's orphans, and ask again the edges that have not told yet whom they have.
func (e *Edge) orphanLater(r *room) {
	e.tailMu.Lock()
	defer e.tailMu.Unlock()
	e.orphans[r] = struct{}{}
}

func (e *Edge) sweepOrphans(now time.Time) {
	e.tailMu.Lock()
	rooms := slices.Collect(maps.Keys(e.orphans))
	clear(e.orphans)
	e.tailMu.Unlock()
	for _, r := range rooms {
		var late []wire.EdgeID
		r.mu.Lock()
		if !r.closed {
			wait := r.dropOrphansLocked(now.Add(-e.limits.Grace))
			if late = r.lateLocked(); wait || len(late) > 0 {
				e.orphanLater(r)
			}
		}
		r.mu.Unlock()
		for _, edge := range late {
			r.tell(edge, true)
		}
	}
}

func (e *Edge) sweepOutboxes(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	idle := outboxIdle
	if len(e.outboxes) > e.limits.Outboxes {
		idle = time.Minute
	}
	for u, o := range e.outboxes {
		if e.inboxes[u] != nil || !o.mu.TryLock() {
			continue
		}
		if now.Sub(o.last) > idle {
			delete(e.outboxes, u)
			e.dropTail(o)
		}
		o.mu.Unlock()
	}
}

// tailLater makes a scope say, once it has gone quiet, how far it is: the last message of a burst may be lost like any other, and no later one
// would show that.
func (e *Edge) tailLater(t tailer) {
	e.tailMu.Lock()
	defer e.tailMu.Unlock()
	e.quiet[t] = 0
}

func (e *Edge) sendTails() {
	e.tailMu.Lock()
	var due []tailer
	for t, age := range e.quiet {
		age++
		if e.quiet[t] = age; age&(age-1) == 0 {
			due = append(due, t)
		}
		if age >= tails {
			delete(e.quiet, t)
		}
	}
	e.tailMu.Unlock()
	for _, t := range due {
		t.tail(e)
	}
}

func (e *Edge) dropTail(t tailer) {
	e.tailMu.Lock()
	defer e.tailMu.Unlock()
	delete(e.quiet, t)
}

func (e *Edge) sendTail(s bus.Scope, n numbered) {
	env := wire.Envelope{Kind: wire.KindTail, Source: n.source, N: n.n, Edge: e.id}
	if err := e.bus.PublishLive(s, bus.ToEdges, env.Append(nil)); err != nil {
		e.log.Debug("no tail", "error", err)
	}
}

func (r *room) tail(e *Edge) {
	r.mu.Lock()
	kept := numbered{source: r.out.source, n: r.keptLocked()} // what no stream took, nobody need look for
	if s := r.seq[r.out.source]; s != nil && s.applied < kept.n {
		s.wanted = max(s.wanted, kept.n) // it was told, and dropped on the way to this edge
		r.mendLocked()
	}
	others := len(r.edges) > 0
	r.mu.Unlock()
	if others && kept.n > 0 {
		e.sendTail(r.scope, kept)
	}
}

func (o *outbox) tail(e *Edge) {
	o.mu.Lock()
	out := o.out
	o.mu.Unlock()
	e.sendTail(o.scope, out)
}
