package edge

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// What an edge may have missed without a trace, it mends here: by reading the streams back, and by asking the other edges again.

// readBack takes what the streams stored since a time, for when messages may have been missed without a trace: a lost connection, or an edge
// that died and will never say how far it had come.
//
// What regions have that are out of reach is read back later.
func (e *Edge) readBack(ctx context.Context, list []*hearing, since time.Time) error {
	if oldest := time.Now().Add(-bus.ReplayAge + clockMargin); since.Before(oldest) {
		since = oldest
	}
	stored := make(map[*hearing][]wire.Envelope)
	byScope := make(map[bus.Scope]*hearing, len(list))
	scopes := make([]bus.Scope, 0, len(list))
	for _, h := range list {
		byScope[h.scope] = h
		scopes = append(scopes, h.scope)
	}
	err := e.bus.Replay(ctx, scopes, since, func(s bus.Scope, payload []byte) {
		h := byScope[s]
		env, err := wire.ParseEnvelope(payload)
		switch {
		case err != nil:
		case env.Kind == wire.KindEvent:
			stored[h] = append(stored[h], env)
		case env.Kind == wire.KindSession && env.Edge != e.id:
			h.onOther(&env, bus.Message{})
		}
	})
	for h, list := range stored {
		h.mu.Lock()
		h.takeStoredLocked(list, since, func(env *wire.Envelope) {
			if h.seq[env.Source] != nil || env.At >= h.opened.Add(-skewMargin).UnixMilli() {
				h.takeLocked(env)
			}
		})
		h.mu.Unlock()
	}
	if regions, only := bus.Abroad(err); only {
		e.noteUnread(regions, since)
		return nil
	}
	if err != nil && ctx.Err() == nil {
		e.log.Warn("what may have been missed could not be read back; holes are seen as messages follow", "error", err)
	}
	return err
}

// readBackAll is readBack until the streams can be read. Until then keys say from when on their sessions may lack something.
func (e *Edge) readBackAll(ctx context.Context, list []*hearing, since time.Time) {
	for wait := 500 * time.Millisecond; pause(ctx, wait); wait = min(2*wait, 5*time.Second) {
		if time.Since(since) > bus.ReplayAge || !errors.Is(e.readBack(ctx, list, since), bus.ErrUnavailable) {
			return
		}
	}
}

// doubts are the events of this edge that no stream confirmed, while it is not known whether one took them.
type doubts struct {
	mu      sync.Mutex // guards the following; no other is taken with it held
	since   time.Time  // when the first of them was sent; zero if there are none
	count   int
	reading bool
}

// from is when the first was sent.
func (d *doubts) from() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.since
}

// add notes one more, and tells whether somebody must begin to read.
func (d *doubts) add(at time.Time) (begin bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.count++; d.since.IsZero() || at.Before(d.since) {
		d.since = at
	}
	begin = !d.reading
	d.reading = true
	return begin
}

// next is from when to read, and how many doubts that settles.
func (d *doubts) next() (since time.Time, count int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.since, d.count
}

// settle ends those that there were when the reading began, and tells whether there are none since.
func (d *doubts) settle(count int) (done bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.count != count {
		return false
	}
	d.since, d.reading = time.Time{}, false
	return true
}

// doubt has the streams asked what became of an event that they did not confirm: if one took it, and its leader died before it told, nobody has heard it.
func (h *hearing) doubt(env *wire.Envelope) {
	if !h.doubts.add(time.UnixMilli(env.At)) {
		return
	}
	h.edge.own(func(ctx context.Context) {
		for wait := 10 * time.Millisecond; pause(ctx, wait); wait = min(2*wait, time.Second) {
			since, count := h.doubts.next()
			err := h.edge.readBack(ctx, []*hearing{h}, since.Add(-clockMargin))
			told := !errors.Is(err, bus.ErrUnavailable) || time.Since(since) > bus.ReplayAge
			if told && h.doubts.settle(count) {
				return
			}
		}
	})
}

// wholeSince is from when on this edge may have missed something without a trace.
func (e *Edge) wholeSince() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	since := e.good
	for _, at := range e.lost { // its silence may be a partition, in which this edge is not told all
		if from := at.Add(-clockMargin); from.Before(since) {
			since = from
		}
	}
	return since
}

// mesh mends after a reconnect.
func (e *Edge) mesh() {
	e.meshSince(e.wholeSince())
}

// meshSince asks and reads back all that may have been missed since a time: after a reconnect, or when an edge has come back, either side may have
// missed the other. One run is enough for all who want one while it waits to begin.
func (e *Edge) meshSince(since time.Time) {
	e.mu.Lock()
	if e.missing.IsZero() || since.Before(e.missing) {
		e.missing = since
	}
	e.mu.Unlock()
	if e.meshing.Swap(true) {
		return
	}
	e.mu.Lock()
	e.mends++
	e.mu.Unlock()
	e.own(func(ctx context.Context) {
		defer func() {
			e.mu.Lock()
			e.mends--
			e.mu.Unlock()
		}()
		e.meshing.Store(false)
		e.mu.Lock()
		since := e.missing
		if e.missing = (time.Time{}); since.IsZero() { // another run has just taken it
			since = time.Now()
		}
		rooms, inboxes, watches := slices.Collect(maps.Values(e.rooms)), slices.Collect(maps.Values(e.inboxes)), slices.Collect(maps.Values(e.watched))
		e.mu.Unlock()
		var list []*hearing
		for _, r := range rooms {
			list = append(list, &r.hearing)
		}
		for _, b := range inboxes {
			list = append(list, &b.hearing)
		}
		err := e.readBack(ctx, list, since.Add(-clockMargin))
		for i, r := range rooms {
			r.askAll()
			if i%64 == 63 && !pause(ctx, 5*time.Millisecond) { // leave the bus to others now and then
				return
			}
		}
		for i, w := range watches {
			w.ask()
			e.own(w.readBlocks)
			if i%64 == 63 && !pause(ctx, 5*time.Millisecond) {
				return
			}
		}
		if errors.Is(err, bus.ErrUnavailable) {
			e.readBackAll(ctx, list, since.Add(-clockMargin))
		}
	})
}

func pause(ctx context.Context, d time.Duration) (goOn bool) {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// askAll asks whoever listens to the room, and the edges known to be here: one that is no longer says so.
func (r *room) askAll() {
	r.ask()
	r.mu.Lock()
	edges := slices.Collect(maps.Keys(r.edges))
	r.mu.Unlock()
	for _, edge := range edges {
		r.tell(edge, true)
	}
}

func (e *Edge) edgeFound(l bus.Lease) {
	e.mu.Lock()
	_, lost := e.lost[l.Edge]
	delete(e.lost, l.Edge)
	mend := lost || l.Rooms > 0
	if mend { // at once, so that no key claims in between what is read back only now
		since := l.Unheard
		if oldest := time.Now().Add(-bus.ReplayAge + 3*clockMargin); since.Before(oldest) {
			since = oldest
		}
		if since.Before(e.good) {
			e.good = since
		}
		if e.missing.IsZero() || l.Unheard.Before(e.missing) {
			e.missing = l.Unheard
		}
	}
	e.mu.Unlock()
	if mend {
		e.meshSince(l.Unheard) // however long that was: by now its peers may have been given up
	}
}

// edgeLost starts the grace of the edge's peers: they resume elsewhere, or the sweep drops them. What the edge sent last may have missed this
// one, and it will never say so: it is read back.
func (e *Edge) edgeLost(edge wire.EdgeID) {
	e.own(func(ctx context.Context) {
		if list, lost := e.noteLost(edge); lost && len(list) > 0 {
			e.readBackLost(ctx, list)
		}
	})
}

// noteLost notes that an edge is lost, unless it is known to be or has been heard meanwhile, and returns the ears that may have missed what it sent last.
func (e *Edge) noteLost(edge wire.EdgeID) (list []*hearing, lost bool) {
	e.mu.Lock()
	_, known := e.lost[edge]
	if known || e.bus.Alive(edge) { // asked with mu held: if it is heard from now on, edgeFound takes the note back
		e.mu.Unlock()
		return nil, false
	}
	e.lost[edge] = time.Now()
	rooms := slices.Collect(maps.Values(e.rooms))
	e.mu.Unlock()
	for _, r := range rooms {
		r.mu.Lock()
		if _, here := r.edges[edge]; here {
			list = append(list, &r.hearing)
		}
		r.mu.Unlock()
	}
	return list, true
}

// readBackLost reads back until the streams can be read: a machine that dies may take an edge and the leader of a stream along, and the next one takes
// longer to be elected than an edge to be missed.
func (e *Edge) readBackLost(ctx context.Context, list []*hearing) {
	e.mu.Lock()
	e.mends++
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		e.mends--
		e.mu.Unlock()
	}()
	since := time.Now().Add(-2 * clockMargin)
	if errors.Is(e.readBack(ctx, list, since), bus.ErrUnavailable) {
		e.readBackAll(ctx, list, since)
	}
}

// mend looks for what was dropped in a scope because this edge read too slowly.
func (e *Edge) mend(s bus.Scope) {
	e.own(func(ctx context.Context) {
		e.mu.Lock()
		var list []*hearing
		for _, r := range e.rooms {
			if r.scope == s {
				list = append(list, &r.hearing)
			}
		}
		for _, b := range e.inboxes {
			if b.scope == s {
				list = append(list, &b.hearing)
			}
		}
		e.mu.Unlock()
		if len(list) > 0 {
			_ = e.readBack(ctx, list, time.Now().Add(-clockMargin)) // holes are seen as messages follow, or by tails
		}
	})
}
