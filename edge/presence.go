package edge

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// whoWait bounds how long an edge waits for others to say that they hold sessions of a user.
const whoWait = 300 * time.Millisecond

// watch is what this edge knows of the presence of a user whom sessions here watch.
type watch struct {
	edge  *Edge
	user  wire.UserID
	sub   *bus.Subscription
	asks  chan struct{} // closed once the first question has come to an end
	asked sync.Once     // closes asks

	mu       sync.Mutex // guards the following; taken after Edge.mu and before session.mu
	edges    map[wire.EdgeID]bool
	sessions map[*session]struct{}
	told     bool      // what the sessions were told last, but for those that the user has blocked
	blocked  strangers // nil until it was read; before, nobody is told anything
	own      numbered  // presence events are made up here: they are no edge's stream into a room
}

func (w *watch) onlineLocked() bool { return len(w.edges) > 0 }

// presence watches users for the session, besides those that it watches already.
func (e *Edge) presence(ctx context.Context, s *session, a wire.PresenceArgs) (wire.PresenceOK, error) {
	if n := len(a.Users); n > e.limits.Presence {
		return wire.PresenceOK{}, wire.Errorf(wire.CodeTooLarge, "the session would watch %d users: want at most %d", n, e.limits.Presence)
	}
	s.mu.Lock()
	watched := slices.Clone(s.watched)
	s.mu.Unlock()
	for _, u := range a.Users {
		if !slices.Contains(watched, u) {
			watched = append(watched, u)
		}
	}
	if len(watched) > e.limits.Presence {
		return wire.PresenceOK{}, wire.Errorf(wire.CodeTooLarge, "the session would watch %d users: want at most %d", len(watched), e.limits.Presence)
	}
	watches := make([]*watch, 0, len(a.Users))
	for _, u := range a.Users {
		w, err := e.watch(u, s)
		if err != nil {
			return wire.PresenceOK{}, unavailable(err)
		}
		watches = append(watches, w)
	}
	s.mu.Lock()
	s.watched = watched
	s.mu.Unlock()
	ok := wire.PresenceOK{Online: make(map[wire.UserID]bool, len(watches))}
	for _, w := range watches {
		select {
		case <-w.asks:
		case <-ctx.Done():
			return wire.PresenceOK{}, unavailable(ctx.Err())
		}
		w.mu.Lock()
		ok.Online[w.user] = w.onlineLocked() && !w.shutsOutLocked(s)
		w.mu.Unlock()
	}
	if !e.bus.Ready() { // those on other edges may not have been heard; who watches is told once they are
		return wire.PresenceOK{}, unavailable(errNotReady)
	}
	ok.Key = s.key()
	return ok, nil
}

// watchAgain goes on with a resumed session's watches. Presence is in no stream: each is told as it stands.
func (e *Edge) watchAgain(ctx context.Context, s *session, users []wire.UserID) error {
	if len(users) == 0 {
		return nil
	}
	if _, err := e.presence(ctx, s, wire.PresenceArgs{Users: users}); err != nil {
		return err
	}
	for _, u := range users {
		e.mu.Lock()
		w := e.watched[u]
		e.mu.Unlock()
		if w != nil {
			w.tell(s)
		}
	}
	return nil
}

// watch returns the watch of a user, with the session in it.
func (e *Edge) watch(u wire.UserID, s *session) (*watch, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.watched[u]
	if w == nil {
		w = &watch{
			edge: e, user: u, asks: make(chan struct{}), edges: make(map[wire.EdgeID]bool), sessions: make(map[*session]struct{}),
			own: numbered{source: wire.NewSource()},
		}
		sub, err := e.bus.Subscribe(bus.PresenceScope(u), w.hear)
		if err != nil {
			return nil, err
		}
		w.sub = sub
		if e.inboxes[u] != nil {
			w.edges[e.id] = true
		}
		e.watched[u] = w
		e.own(func(ctx context.Context) {
			w.readBlocks(ctx)
			w.ask()
		})
	}
	w.mu.Lock()
	w.sessions[s] = struct{}{}
	w.mu.Unlock()
	return w, nil
}

// ask finds the edges that hold sessions of the user, and forgets those that no longer answer.
func (w *watch) ask() {
	found := make(map[wire.EdgeID]bool)
	w.edge.who(w.user, func(edge wire.EdgeID, err error) {
		if edge != "" {
			found[edge] = true
			w.set(edge, true)
			return
		}
		if err == nil || errors.Is(err, bus.ErrNobody) || !errors.Is(err, bus.ErrUnavailable) || w.edge.bus.Ready() {
			w.replace(found)
		}
		w.asked.Do(func() { close(w.asks) })
	})
}

// replace makes what a question found the truth. Whether this edge holds sessions is known without asking.
func (w *watch) replace(found map[wire.EdgeID]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.edges[w.edge.id] {
		found[w.edge.id] = true
	}
	w.edges = found
	w.newsLocked()
}

// who asks which other edges hold sessions of the user; each answers, then comes the end, without an edge: at once if nobody listens.
func (e *Edge) who(u wire.UserID, each func(edge wire.EdgeID, err error)) {
	env := wire.Envelope{Kind: wire.KindWho, Edge: e.id}
	e.bus.Ask(bus.UserScope(u), bus.ToEdges, env.Append(nil), whoWait, func(payload []byte, err error) bool {
		each(wire.EdgeID(payload), err)
		return payload != nil
	})
}

func (w *watch) hear(m bus.Message) {
	env, err := wire.ParseEnvelope(m.Payload)
	var note wire.PresenceNote
	if err != nil || env.Kind != wire.KindPresence || json.Unmarshal(env.Body, &note) != nil {
		w.edge.metrics.badEnvelopes.Inc()
		return
	}
	w.set(note.Edge, note.Online)
	if note.Blocks {
		w.edge.own(w.readBlocks)
	}
}

// set notes whether an edge holds sessions of the user, and tells the watchers when that changes the answer.
func (w *watch) set(edge wire.EdgeID, holds bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if holds {
		w.edges[edge] = true
	} else {
		delete(w.edges, edge)
	}
	w.newsLocked()
}

// newsLocked tells the watchers if the answer has changed.
func (w *watch) newsLocked() {
	online := w.onlineLocked()
	if online == w.told || w.blocked == nil {
		return
	}
	w.told = online
	mid, frame := w.eventLocked(nil)
	for s := range w.sessions {
		if !w.shutsOutLocked(s) {
			s.event(mid, frame)
		}
	}
}

// tell gives one session the presence as it stands.
func (w *watch) tell(s *session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	mid, frame := w.eventLocked(s)
	s.event(mid, frame)
}

// eventLocked is what a session is told; nil stands for all whom the user has not blocked.
func (w *watch) eventLocked(s *session) (wire.Mid, []byte) {
	w.own.n++
	mid := wire.Mid{Source: w.own.source, N: w.own.n}
	head := wire.Head{Ev: wire.EvPresence, Mid: mid, At: time.Now().UnixMilli()}
	return mid, wire.AppendJSON(nil, wire.PresenceEvent{Head: head, User: w.user, Online: w.told && (s == nil || !w.shutsOutLocked(s))})
}

// tellPresenceLocked says that this edge now holds sessions of the user, or none any more. Edge.mu is held, so that what is told last is so.
func (e *Edge) tellPresenceLocked(u wire.UserID, online bool) {
	if w := e.watched[u]; w != nil {
		w.set(e.id, online)
	}
	e.publishPresence(u, online, false)
	e.tailLater(presenceTail{u})
}

// presenceTail tells a user's presence again, as it stands by then: whoever began to watch just before may not have been heard of here yet, and nothing
// would follow.
type presenceTail struct{ user wire.UserID }

func (t presenceTail) tail(e *Edge) {
	e.mu.Lock()
	defer e.mu.Unlock() // so that what is told last is so
	e.publishPresence(t.user, e.inboxes[t.user] != nil, false)
}

func (e *Edge) publishPresence(u wire.UserID, online, blocks bool) {
	env := wire.Envelope{Kind: wire.KindPresence, Edge: e.id, Body: wire.AppendJSON(nil, wire.PresenceNote{User: u, Edge: e.id, Online: online, Blocks: blocks})}
	if err := e.bus.PublishLive(bus.PresenceScope(u), bus.ToEdges, env.Append(nil)); err != nil {
		e.log.Debug("presence was not told; watchers ask again", "error", err)
	}
}

// unwatchAll ends the session's watches; a watch that nobody needs is closed.
func (e *Edge) unwatchAll(s *session) {
	s.mu.Lock()
	users := s.watched
	s.watched = nil
	s.mu.Unlock()
	for _, u := range users {
		e.mu.Lock()
		w := e.watched[u]
		if w == nil {
			e.mu.Unlock()
			continue
		}
		w.mu.Lock()
		delete(w.sessions, s)
		idle := len(w.sessions) == 0
		w.mu.Unlock()
		if idle {
			delete(e.watched, u)
		}
		e.mu.Unlock()
		if idle {
			w.sub.Close()
		}
	}
}
