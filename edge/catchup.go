package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

const (
	// settlePatience is how long a resume waits for the streams to store what other edges say they have sent, and settleWait how often it looks.
	settlePatience = 5 * time.Second
	settleWait     = 100 * time.Millisecond
	// readPatience is how long a resume tries to read streams that can't be read: a lost leader is replaced within it, mostly. A client waits
	// for its hello a little longer.
	readPatience = 6 * time.Second
)

var (
	errEnded     = errors.New("the session has ended")
	errNoStreams = errors.New("the region's streams can't be read now")
)

// catchUp collects what a session missed.
type catchUp struct {
	edge   *Edge
	s      *session
	gen    uint64 // of the key
	scopes []bus.Scope
	rooms  map[bus.Scope]*room
	joined map[bus.Scope]int64 // when the session joined each room, in Unix ms
	since  time.Time

	base     map[wire.Source]uint64 // up to where the session has each source, by its key and its client
	passed   map[wire.Source]uint64 // up to where this edge has passed each source on to others before the session was here
	need     map[wire.Source]uint64 // those of passed that the streams must have, as they are of the time that is read
	named    []wire.Source          // those of base that the key names
	through  map[wire.Source]uint64 // up to where frames cover each source
	stored   map[wire.Source]uint64 // up to where the streams have each source
	from     map[wire.Source]wire.EdgeID
	abroad   []wire.Region   // those that could not be read
	repeated map[string]bool // the keys of what was read
	heard    map[string]bool // those of what the session had already, first or again
	frames   [][]byte
	keyOf    []string // of each frame; empty for those without
	keys     []usedKey
	left     map[bus.Scope]bool   // the rooms that the session has left since its key was signed
	gens     map[bus.Scope]uint64 // with which generation it was said to be in each, at most
	gone     map[wire.Source]bool // the sources of those
	rivals   uint64               // the highest generation with which the session was resumed before this time
	calls    map[string]bool      // the keys of the call events that the streams have
	loan     *loan                // of the memory for them
}

// usedKey is a key that a peer has used in a room. A room that is new here must know it, for the peer may use it again.
type usedKey struct {
	scope bus.Scope
	from  wire.PeerID
	key   []byte
	edge  wire.EdgeID
	keyed
}

func (e *Edge) newCatchUp(s *session, st *sessionState, seen map[wire.Source]uint64, l *loan) *catchUp {
	s.owed.Store(nil) // from now on, what is heard waits on the socket
	s.held.Store(&heldKeys{of: make(map[wire.Mid]string)})
	c := &catchUp{
		edge: e, s: s, loan: l, gen: st.Gen, rooms: make(map[bus.Scope]*room), joined: make(map[bus.Scope]int64), since: time.UnixMilli(st.Issued).Add(-clockMargin),
		base: make(map[wire.Source]uint64), passed: e.inboxPositions(s.user.ID, nil), need: make(map[wire.Source]uint64), through: make(map[wire.Source]uint64),
		stored: make(map[wire.Source]uint64), from: make(map[wire.Source]wire.EdgeID),
	}
	if st.Whole != 0 {
		c.since = time.UnixMilli(min(st.Whole, st.Issued)).Add(-clockMargin)
	}
	if st.Owed != nil {
		if owed := time.UnixMilli(st.Owed.Since).Add(-clockMargin); owed.Before(c.since) {
			c.since = owed
		}
		maps.Copy(c.base, st.Owed.At)
	}
	for source, n := range st.Inbox {
		c.base[source] = n
	}
	for _, rs := range st.Rooms {
		c.joined[bus.RoomScope(rs.Room)] = rs.Since
		for source, n := range rs.At {
			c.base[source] = n
		}
	}
	for source := range c.base {
		c.named = append(c.named, source)
	}
	// What a client says that it has seen can only take away: nobody gets what came before they were in the room.
	for source, n := range seen {
		c.base[source] = max(c.base[source], n)
	}
	for _, r := range s.roomList() {
		c.scopes = append(c.scopes, r.scope)
		c.rooms[r.scope] = r
		r.mu.Lock()
		maps.Copy(c.passed, r.positionsLocked())
		r.neededLocked(c.since, c.need)
		r.mu.Unlock()
	}
	c.scopes = append(c.scopes, bus.UserScope(s.user.ID))
	e.inboxNeeds(s.user.ID, c.since, c.need)
	c.learnSources()
	return c
}

// baseOf returns where the session was, by its key and its client, with sources that the key names.
func (c *catchUp) baseOf(named map[wire.Source]uint64) map[wire.Source]uint64 {
	at := make(map[wire.Source]uint64, len(named))
	for source := range named {
		at[source] = c.base[source]
	}
	return at
}

// heldKeys are the keys of live events that wait on a socket while its session resumes. Of an event that was sent twice, the streams may have the first.
type heldKeys struct {
	mu sync.Mutex // guards the following
	of map[wire.Mid]string
}

func keyIn(s bus.Scope, env *wire.Envelope) string {
	return string(s) + " " + string(env.From) + " " + string(env.Key)
}

// mayHave reports whether the session may have an event now.
func (s *session) mayHave(scope bus.Scope, env *wire.Envelope) bool {
	if s.owes(env.Edge) {
		return false
	}
	if held := s.held.Load(); held != nil && len(env.Key) > 0 {
		held.mu.Lock()
		held.of[env.Mid()] = keyIn(scope, env)
		held.mu.Unlock()
	}
	return true
}

// learnSources notes which edges the sources heard so far are of.
func (c *catchUp) learnSources() {
	hearings := make([]*hearing, 0, len(c.rooms)+1)
	for _, r := range c.rooms {
		hearings = append(hearings, &r.hearing)
	}
	if b := c.edge.inboxOf(c.s.user.ID); b != nil {
		hearings = append(hearings, &b.hearing)
	}
	for _, h := range hearings {
		h.mu.Lock()
		for source, s := range h.seq {
			c.from[source] = s.edge
		}
		h.mu.Unlock()
	}
}

// keep tells which of the live events that were held back follow what the session has now. unsure is set if that can't be told of one of them.
func (c *catchUp) keep(d *debt, unsure *bool) func(wire.Mid) bool {
	if d != nil {
		c.learnSources()
	}
	held := c.s.held.Swap(nil)
	held.mu.Lock()
	keyOf := maps.Clone(held.of) // what comes from now on, the room knows the keys for
	held.mu.Unlock()
	return func(mid wire.Mid) bool {
		if mid.N <= max(c.base[mid.Source], c.through[mid.Source]) || c.repeated[keyOf[mid]] || c.gone[mid.Source] {
			return false
		}
		if d == nil {
			return true
		}
		edge, heard := c.from[mid.Source]
		if !heard {
			return true // this edge's own
		}
		if _, known := c.edge.bus.RegionOf(edge); !known {
			*unsure = true
		}
		return !c.edge.maybeOf(edge, d.Regions)
	}
}

// run reads the streams until they hold all that other edges are known to have sent. It returns errNoStreams if those of the own region can't be
// read now: then nothing is accepted either, and it may be made whole later or elsewhere.
func (c *catchUp) run(ctx context.Context) error {
	began := time.Now()
	var settles time.Time // since when the streams can be read, and lack something
	for {
		short, err := c.read(ctx)
		switch {
		case errors.Is(err, errBusy) && time.Since(began) < c.edge.limits.ReplayWait: // others are about to give back what they hold
			c.drop()
			if !pause(ctx, settleWait+rand.N(settleWait)) {
				return err
			}
			continue
		case errors.Is(err, bus.ErrUnavailable) && !errors.Is(err, bus.ErrIncomplete):
			// Of other regions no resume depends: see bus.Abroad.
			if time.Since(began) > readPatience {
				return fmt.Errorf("%w: %w", errNoStreams, err)
			}
		case err != nil:
			return err
		case settles.IsZero() && short > 0:
			settles = time.Now()
		case short == 0 || time.Since(settles) > settlePatience: // what is in no stream by now was never accepted
			c.teachKeys()
			c.teachLacking()
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", errNoStreams, ctx.Err())
		case <-time.After(settleWait):
		}
	}
}

// drop gives back the memory.
func (c *catchUp) drop() {
	c.frames, c.keyOf, c.keys = nil, nil, nil
	c.loan.keep(0)
}

// teachKeys lets the rooms here know the keys that were used before they were open here.
func (c *catchUp) teachKeys() {
	for _, k := range c.keys {
		if r := c.rooms[k.scope]; r != nil {
			r.mu.Lock()
			r.teachLocked(&k)
			r.mu.Unlock()
		}
	}
	for _, r := range c.rooms {
		r.mu.Lock()
		r.mendLocked()
		r.mu.Unlock()
	}
	if b := c.edge.inboxOf(c.s.user.ID); b != nil {
		b.mu.Lock()
		for _, k := range c.keys {
			// What may still be on its way here must not be taken for repeated.
			s := b.seq[k.mid.Source]
			past := s != nil && s.known && k.mid.N <= s.applied || k.at < b.opened.Add(-skewMargin).UnixMilli()
			if k.scope == b.scope && past {
				b.keys.teach(k.from, k.key, k.keyed)
			}
		}
		b.mu.Unlock()
	}
}

// teachLacking lets the rooms here know up to where they need not wait for the streams again.
func (c *catchUp) teachLacking() {
	for _, r := range c.rooms {
		r.mu.Lock()
		for source, n := range c.need {
			if s := r.seq[source]; s != nil && c.lacks(source, n) {
				s.lacking = max(s.lacking, n)
			}
		}
		r.mu.Unlock()
	}
}

// lacks reports whether the streams that were read do not have a source as far as is needed.
func (c *catchUp) lacks(source wire.Source, n uint64) bool {
	return n > max(c.base[source], c.stored[source]) && (len(c.abroad) == 0 || !c.elsewhere(source))
}

// read makes frames of what the streams hold now. short is how many sources the streams do not hold as far as needed.
func (c *catchUp) read(ctx context.Context) (short int, err error) {
	c.drop()
	c.calls = make(map[string]bool)
	clear(c.through)
	clear(c.stored)
	c.repeated, c.heard = make(map[string]bool), make(map[string]bool)
	c.left, c.gens, c.rivals = make(map[bus.Scope]bool), make(map[bus.Scope]uint64), 0
	bytes := 0
	ended, mine := false, false
	err = c.edge.bus.ReplayWithin(ctx, c.scopes, c.since, c.loan.take, func(s bus.Scope, payload []byte) {
		env, perr := wire.ParseEnvelope(payload)
		switch {
		case perr != nil:
			c.edge.metrics.badEnvelopes.Inc()
		case env.Kind == wire.KindSession:
			ended = c.noted(&env, &mine) || ended
		case env.Kind == wire.KindEvent && env.N < c.stored[env.Source]:
			// It came to the stream after a later one of its source, as from a NATS node that was cut off: nobody waited for it, and nobody took it then.
		case env.Kind == wire.KindEvent:
			c.stored[env.Source] = env.N
			if r := c.rooms[s]; r != nil {
				r.follow(&env)
			}
			if frame, key := c.take(s, &env); frame != nil {
				c.frames, c.keyOf = append(c.frames, frame), append(c.keyOf, key)
				bytes += len(frame)
			}
		}
	})
	c.loan.keep(bytes)
	if errors.Is(err, bus.ErrTooMuch) {
		return 0, fmt.Errorf("%w: %w", c.loan.refused(), err)
	}
	var only bool
	c.abroad, only = bus.Abroad(err)
	switch {
	case err != nil && !only:
		return 0, err
	case ended:
		return 0, errEnded
	case bytes > c.edge.limits.ReplayBytes:
		return 0, fmt.Errorf("%w: %d bytes were missed, more than %d", bus.ErrIncomplete, bytes, c.edge.limits.ReplayBytes)
	}
	c.withoutHeard()
	for source, n := range c.need {
		if c.lacks(source, n) {
			short++
		}
	}
	return short, nil
}

// withoutHeard drops the frames of events that the session had in a later try: of two tries the streams may have the other one first.
func (c *catchUp) withoutHeard() {
	if len(c.heard) == 0 {
		return
	}
	kept := c.frames[:0]
	for i, frame := range c.frames {
		if !c.heard[c.keyOf[i]] {
			kept = append(kept, frame)
		}
	}
	c.frames = kept
}

// take returns the event's frame if the session has missed it, and its key if it has one.
func (c *catchUp) take(s bus.Scope, env *wire.Envelope) (frame []byte, key string) {
	again := false
	if len(env.Key) > 0 {
		key = keyIn(s, env)
		again, c.repeated[key] = c.repeated[key] || c.hadOtherwise(s, env), true
		c.keys = append(c.keys, usedKey{s, env.From, env.Key, env.Edge, keyedBy(env)})
	}
	if env.Event == wire.EvCall {
		c.calls[string(env.Key)] = true
	}
	if env.From == c.s.peer && env.Gen >= c.gen {
		switch {
		case env.Event == wire.EvJoined:
			delete(c.left, s)
			c.gens[s] = max(c.gens[s], env.Gen)
		case env.Event == wire.EvLeft && env.Gen >= c.gens[s]: // else the edge that it had left before said so
			c.left[s] = true
		}
	}
	base, known := c.base[env.Source]
	if env.N <= base && key != "" && env.For(c.s.peer) {
		c.heard[key] = true
	}
	if env.N <= max(base, c.through[env.Source]) {
		return nil, key
	}
	c.through[env.Source] = env.N
	switch {
	case again, !env.For(c.s.peer), c.left[s]:
	case !known && env.At < c.joined[s]: // it was sent before the session was in the room
	case !known && env.Event == wire.EvRing && env.N > 1 && c.old(env):
	case env.Event == wire.EvRing && c.over(env): // the streams of other regions are read one after another
	case env.Event == wire.EvLeft && c.present(s, env.From): // it left, and came back
	default:
		return env.Body, key
	}
	return nil, key
}

// hadOtherwise tells of an event that the session had in another try, before the time that is read.
func (c *catchUp) hadOtherwise(s bus.Scope, env *wire.Envelope) bool {
	r := c.rooms[s]
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	was, known := r.keys.first(env.From, env.Key)
	return known && was.mid != env.Mid() && was.mid.N <= c.base[was.mid.Source]
}

// present reports whether a peer is in the room as this edge knows it, which the ok tells.
func (c *catchUp) present(s bus.Scope, p wire.PeerID) bool {
	r := c.rooms[s]
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.local[p] != nil || r.remote[p] != nil
}

// old tells a ring that was over before the session could have been rung: its device has nothing to show for it.
func (c *catchUp) old(env *wire.Envelope) bool {
	return time.Since(time.UnixMilli(env.At)) > c.edge.limits.Ring
}

// over reports whether the streams had what ended a ring before they had the ring.
func (c *catchUp) over(env *wire.Envelope) bool {
	var ring wire.RingEvent
	if json.Unmarshal(env.Body, &ring) != nil {
		return true
	}
	for _, state := range []wire.CallState{wire.CallTaken, wire.CallAccepted, wire.CallCancelled, wire.CallMissed} {
		if c.calls[callKey(ring.Call, state)] {
			return true
		}
	}
	return false
}

// noted takes what the user's inbox has of sessions, and tells whether this one has ended. mine is set once this edge's own note of the resume was read.
func (c *catchUp) noted(env *wire.Envelope, mine *bool) (ended bool) {
	var note wire.SessionNote
	if json.Unmarshal(env.Body, &note) != nil || note.Session != c.s.id || note.Gen < c.gen {
		return false
	}
	switch {
	case note.Note == wire.NoteEnded:
		return true
	case note.Note != wire.NoteResumed:
	case note.Edge == c.edge.id && env.At == c.s.noted.Load():
		*mine = true
	case !*mine:
		c.rivals = max(c.rivals, note.Gen)
	}
	return false
}

// outdo makes this resume count as later than those that came before it with the same key, whose ok the client never had.
func (c *catchUp) outdo() {
	c.s.mu.Lock()
	rivals := max(c.rivals, c.s.rival)
	outdone := rivals < c.s.generation()
	if !outdone {
		c.s.gen.Store(rivals + 1)
	}
	c.s.reviving = false
	c.s.mu.Unlock()
	if outdone {
		return
	}
	c.edge.noteResumed(c.s, c.s.roomStates())
}

// leaveLeft takes the session out of the rooms that it has left since: a key outlives the membership that it tells of.
func (c *catchUp) leaveLeft() {
	c.gone = make(map[wire.Source]bool)
	for scope := range c.left {
		r := c.rooms[scope]
		if r == nil || c.s.dropRoom(r.id) == nil {
			continue
		}
		r.mu.Lock()
		if m := r.local[c.s.peer]; m != nil && m.sess == c.s {
			delete(r.local, c.s.peer)
		}
		c.gone[r.own.source] = true
		for source := range r.seq {
			c.gone[source] = true
		}
		r.mu.Unlock()
		c.edge.release(r)
	}
}
