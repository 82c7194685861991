package edge

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

const (
	// fillPatience is how long a hole may take to fill. A message that is in no stream by then was never accepted: its sender got no ok.
	fillPatience = 5 * time.Second
	// abroadWait is how long it takes to look again for what a region has that is cut off.
	abroadWait = time.Second
	// clockMargin is by how much the clocks of edges and streams may differ, and messages be late, without harm.
	clockMargin = 10 * time.Second
	// skewMargin is by how much an edge's clock may be behind another's without an event of a source that is new here being taken for an old one.
	skewMargin = 2 * time.Second
)

// hearing is an edge's ear in one scope, a room or a user's inbox: it subscribes, puts what it hears in order, and fills the holes from the
// replay streams. Its owner says what to do with each event.
type hearing struct {
	edge   *Edge
	scope  bus.Scope
	opened time.Time
	sub    *bus.Subscription
	// onEvent is called with mu held, once for each event, in order within its source.
	onEvent func(env *wire.Envelope)
	// behind is called with mu held, and tells whether something must be heard before the event that its source has no hole for. It may be nil.
	behind func(env *wire.Envelope) bool
	// cutOff is called with mu held, when the scope's sessions must resume to be whole.
	cutOff func()
	// onOther is called without mu, for announces, notes and questions.
	onOther func(env *wire.Envelope, m bus.Message)

	mu      sync.Mutex // guards the following and what the owner declares after it
	seq     sequence
	covered map[wire.Source]bool // while what streams have is taken: the sources of which they were read from far enough back
	filling bool
	closed  bool

	doubts doubts
}

func (h *hearing) init(e *Edge, scope bus.Scope) {
	h.edge, h.scope, h.opened, h.seq = e, scope, time.Now(), make(sequence)
}

// begins makes the ear know a source of its own edge, which has come to a number. What was published before is not for those who listen from now on.
func (h *hearing) begins(own numbered) {
	s := h.seq.of(own.source, h.edge.id, h.opened)
	s.known, s.applied, s.sent = true, own.n, own.at
}

// where is the field of the log that says what was heard. A user's inbox is not named: a user's id may well be an address or a name.
func (h *hearing) where() slog.Attr {
	if room, ok := h.scope.Room(); ok {
		return slog.String("room", string(room))
	}
	return slog.String("inbox", "a user's")
}

func (h *hearing) listen() (err error) {
	h.sub, err = h.edge.bus.Subscribe(h.scope, h.hear)
	return err
}

// close ends the hearing. h.mu must not be held.
func (h *hearing) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	if h.sub != nil {
		h.sub.Close()
	}
}

// hear takes one message off the bus.
func (h *hearing) hear(m bus.Message) {
	env, err := wire.ParseEnvelope(m.Payload)
	if err != nil {
		h.edge.metrics.badEnvelopes.Inc()
		h.edge.log.Warn("a message of the bus can't be read", h.where(), slog.Any("error", err))
		return
	}
	if env.Edge == h.edge.id && env.Kind != wire.KindEvent && env.Kind != wire.KindTail && env.Kind != wire.KindSession {
		return // streams tell it to all, and this edge knows; but of a session it is to be known what was said before, and what after
	}
	switch env.Kind {
	case wire.KindEvent:
		if h.edge.tracer != nil && m.Traced() {
			h.takeTraced(&env, m)
			return
		}
		h.mu.Lock()
		h.takeLocked(&env)
		h.mu.Unlock()
	case wire.KindTail:
		h.mu.Lock()
		s := h.seq.of(env.Source, env.Edge, time.Now())
		s.wanted = max(s.wanted, env.N)
		h.mendLocked()
		h.mu.Unlock()
	case wire.KindAnnounce, wire.KindSession, wire.KindWho, wire.KindKnock:
		h.onOther(&env, m)
	}
}

func (h *hearing) takeLocked(env *wire.Envelope) {
	if h.closed {
		return
	}
	if h.behind != nil && h.behind(env) {
		h.seq.hold(env, time.Now()) // the streams have both, in order
		h.mendLocked()
		return
	}
	h.takeNextLocked(env)
}

// takeNextLocked takes an event that stands where it belongs among those of other sources, as in a stream.
func (h *hearing) takeNextLocked(env *wire.Envelope) {
	s, goOn := h.seq.accept(env, time.Now())
	if h.covered != nil {
		h.covered[env.Source] = s.known && env.N <= s.applied // otherwise there is a gap before what was read
	}
	if goOn {
		h.onEvent(env)
		h.drainLocked(s)
	}
	if s.hole() {
		h.mendLocked()
	}
}

func (h *hearing) drainLocked(s *sourceState) {
	for env, ok := s.next(); ok; env, ok = s.next() {
		h.onEvent(&env)
	}
}

// mendLocked starts to fill the holes, if there are any and nobody does yet.
func (h *hearing) mendLocked() {
	if h.filling || h.closed || len(h.seq.holes()) == 0 {
		return
	}
	h.filling = true
	h.edge.metrics.holes.Inc()
	h.edge.own(func(ctx context.Context) { h.fill(ctx) })
}

// fill reads the streams until nothing is missing, or gives up what no stream has.
func (h *hearing) fill(ctx context.Context) {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		h.mu.Lock()
		since := h.sinceLocked()
		h.mu.Unlock()
		var stored []wire.Envelope
		err := h.edge.bus.Replay(ctx, []bus.Scope{h.scope}, since, func(_ bus.Scope, payload []byte) {
			if env, err := wire.ParseEnvelope(payload); err == nil && env.Kind == wire.KindEvent {
				stored = append(stored, env)
			}
		})
		h.mu.Lock()
		h.takeStoredLocked(stored, since, h.restoreLocked)
		h.giveUpLocked(err)
		if len(h.seq.holes()) == 0 || h.closed {
			h.filling = false
			h.mu.Unlock()
			return
		}
		h.mu.Unlock()
		if _, abroad := bus.Abroad(err); abroad {
			wait = abroadWait
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// takeStoredLocked takes what the streams stored since a time.
func (h *hearing) takeStoredLocked(stored []wire.Envelope, since time.Time, take func(*wire.Envelope)) {
	h.covered = make(map[wire.Source]bool, len(h.seq))
	for source, s := range h.seq {
		from := s.heard
		if !s.known {
			from = h.opened
		}
		h.covered[source] = !from.Add(-clockMargin).Before(since)
	}
	for i := range stored {
		take(&stored[i])
	}
	h.covered = nil
}

// wholeLocked is from when on something may be missing here: from the time given, or before that if there are holes.
func (h *hearing) wholeLocked(since time.Time) time.Time {
	if doubted := h.doubts.from(); !doubted.IsZero() && doubted.Before(since) {
		since = doubted
	}
	if len(h.seq.holes()) > 0 {
		if from := h.sinceLocked().Add(clockMargin); from.Before(since) {
			return from
		}
	}
	return since
}

// sinceLocked is from when the streams must be read to find what is missing.
func (h *hearing) sinceLocked() time.Time {
	since := time.Now()
	for _, s := range h.seq.holes() {
		from := s.heard
		if !s.known {
			from = h.opened
		}
		if from.Before(since) {
			since = from
		}
	}
	oldest := time.Now().Add(-bus.ReplayAge + clockMargin)
	if since = since.Add(-clockMargin); since.Before(oldest) {
		return oldest
	}
	return since
}

// follow applies an event that a stream has, if it is the next of its source.
func (h *hearing) follow(env *wire.Envelope) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.seq[env.Source]; s != nil && s.known && env.N == s.applied+1 && !h.closed {
		h.takeNextLocked(env)
	}
}

// restoreLocked applies an event that the streams have. Numbers that the stream lacks before it were never accepted, if its source has a hole, for which
// they were read. Of other sources it takes what comes next: a peer that has changed its edge was heard there before, and must be again.
func (h *hearing) restoreLocked(env *wire.Envelope) {
	s := h.seq[env.Source]
	if s == nil || !s.hole() {
		if s != nil || env.At >= h.opened.Add(-skewMargin).UnixMilli() {
			h.takeLocked(env)
		}
		return
	}
	if !s.known && env.At < h.opened.Add(-skewMargin).UnixMilli() {
		return // it was sent before anybody here was in the room
	}
	if s.known && env.N <= s.applied {
		return
	}
	h.covered[env.Source] = true
	for _, heard := range s.before(env.N) {
		s.known, s.applied = true, heard.N
		h.onEvent(&heard)
	}
	delete(s.held, env.N)
	s.known, s.applied, s.sent, s.heard = true, env.N, env.At, time.Now()
	h.edge.metrics.filled.Inc()
	h.onEvent(env)
	h.drainLocked(s)
}

// giveUpLocked ends the holes that no stream could fill in time. If the streams can't be read, that proves nothing: then the sessions are cut
// off, so that a resume makes them whole, here or elsewhere, and the hole stays. What follows it goes on once the streams have told what it was: nobody has
// heard that by then, so it must not count as heard when its sender tries again.
func (h *hearing) giveUpLocked(cause error) {
	now := time.Now()
	regions, abroad := bus.Abroad(cause)
	for _, s := range h.seq {
		cause := cause
		if abroad && !h.edge.maybeOf(s.edge, regions) {
			cause = nil // the streams that would have it were read
		}
		switch {
		case !s.hole():
			s.missing = time.Time{}
			continue
		case s.missing.IsZero():
			s.missing = now
			continue
		case now.Sub(s.missing) < fillPatience:
			continue
		case abroad && cause != nil && now.Sub(s.missing) < bus.ReplayAge-clockMargin:
			continue // its region is cut off, and brings what is missing when it is back
		}
		h.edge.metrics.givenUp.Inc()
		h.edge.log.Warn("a hole could not be filled; what is missing was not accepted, or the streams are out of reach",
			h.where(), slog.Any("sender_edge", s.edge), slog.Uint64("from", s.applied+1), slog.Any("error", cause))
		s.missing = time.Time{}
		if cause != nil {
			h.cutOff()
		}
		if errors.Is(cause, bus.ErrUnavailable) && now.Sub(s.heard) < bus.ReplayAge {
			continue
		}
		for _, env := range s.giveUp() {
			h.onEvent(&env)
		}
	}
}
