package edge

import (
	"context"
	"maps"
	"slices"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// While a region is cut off, a session that resumes can be given all but what that region's streams have. It is owed that: nothing of the region's edges
// goes to it until the streams can be read again, as it would come ahead of what is missing. Then the session is made to resume once more, and has it in
// order. Its key tells of the debt, so that any edge can pay it.

// maxPaid bounds how many sessions are made to resume per sweep, so that a region's return is no storm.
const maxPaid = 200

// debt is what a session has not been given. It is never changed once it is made.
type debt struct {
	Since   int64                  `json:"s"` // Unix ms: what was sent before, the session has had
	Regions []wire.Region          `json:"r"`
	At      map[wire.Source]uint64 `json:"a,omitempty"` // how far the session has the sources that may be of these regions
}

// owes reports whether the session must not have the edge's events yet.
func (s *session) owes(edge wire.EdgeID) bool {
	d := s.owed.Load()
	if d == nil {
		return false
	}
	region, known := s.edge.bus.RegionOf(edge)
	if !known {
		s.cutOff() // whether it may have this one nobody can tell: a resume can
		return true
	}
	return slices.Contains(d.Regions, region)
}

// maybeOf reports whether the edge is in one of the regions, or nobody knows where it is.
func (e *Edge) maybeOf(edge wire.EdgeID, regions []wire.Region) bool {
	region, known := e.bus.RegionOf(edge)
	return !known || slices.Contains(regions, region)
}

// withoutOwed takes out of at how far the edge has come with sources that the session is owed: the session has not.
func (h *hearing) withoutOwedLocked(at map[wire.Source]uint64, d *debt) map[wire.Source]uint64 {
	if d == nil {
		return at
	}
	for source, s := range h.seq {
		if h.edge.maybeOf(s.edge, d.Regions) {
			delete(at, source)
		}
	}
	return at
}

// newDebt is what is left to give to a session after a resume that could not read the regions.
func (c *catchUp) newDebt(st *sessionState) *debt {
	if len(c.abroad) == 0 {
		return nil
	}
	d := &debt{Since: st.Issued, Regions: c.abroad, At: make(map[wire.Source]uint64)}
	if st.Owed != nil {
		d.Since = min(d.Since, st.Owed.Since)
	}
	for _, source := range c.named { // what only the client says it will say again
		if _, heard := c.from[source]; !heard || c.elsewhere(source) {
			d.At[source] = c.base[source]
		}
	}
	return d
}

// elsewhere tells whether a source is one that was heard, and may be of the regions that could not be read.
func (c *catchUp) elsewhere(source wire.Source) bool {
	edge, heard := c.from[source]
	return heard && c.edge.maybeOf(edge, c.abroad)
}

// noteUnread remembers from when on regions must be read back once they can be.
func (e *Edge) noteUnread(regions []wire.Region, since time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range regions {
		if from, ok := e.unread[r]; !ok || since.Before(from) {
			e.unread[r] = since
		}
	}
}

// sweepUnread looks whether regions that were cut off can be read again, and gives this edge and its sessions what they have missed.
func (e *Edge) sweepUnread(now time.Time) {
	e.mu.Lock()
	regions := make(map[wire.Region]bool)
	for r := range e.unread {
		regions[r] = true
	}
	var owed []*session
	for _, s := range e.sessions {
		if d := s.owed.Load(); d != nil && s.socket.Load() != nil {
			owed = append(owed, s)
			for _, r := range d.Regions {
				regions[r] = true
			}
		}
	}
	e.mu.Unlock()
	if len(regions) == 0 || e.probing.Swap(true) {
		return
	}
	probe := func(ctx context.Context) {
		defer e.probing.Store(false)
		maps.DeleteFunc(regions, func(r wire.Region, _ bool) bool { return !e.bus.Readable(ctx, r) })
		e.takeUnread(regions)
		paid := 0
		for _, s := range owed {
			d := s.owed.Load()
			if d == nil || paid == maxPaid {
				continue
			}
			back := !slices.ContainsFunc(d.Regions, func(r wire.Region) bool { return !regions[r] })
			tooOld := now.Sub(time.UnixMilli(d.Since)) > bus.ReplayAge-clockMargin // the resume will say that something is missing
			if back || tooOld {
				paid++
				s.cutOff()
			}
		}
	}
	if !e.own(probe) {
		e.probing.Store(false)
	}
}

// takeUnread reads back the regions that can be read again.
func (e *Edge) takeUnread(regions map[wire.Region]bool) {
	var since time.Time
	e.mu.Lock()
	for r, from := range e.unread {
		if !regions[r] {
			continue
		}
		delete(e.unread, r)
		if since.IsZero() || from.Before(since) {
			since = from
		}
	}
	e.mu.Unlock()
	if !since.IsZero() {
		e.meshSince(since)
	}
}

// had is what a session had when it resumed and this edge had not passed on yet: it may still be mending what the streams told the session already.
type had struct {
	at    map[wire.Source]uint64
	until time.Time
}

// had returns nil if this edge is as far as the session.
func (c *catchUp) had() *had {
	at := make(map[wire.Source]uint64)
	for _, source := range c.named {
		at[source] = c.base[source]
	}
	for source := range c.stored { // also of those that only the client says it has: its key may be older than the event
		at[source] = max(c.base[source], c.through[source])
	}
	maps.DeleteFunc(at, func(source wire.Source, n uint64) bool { return c.passed[source] >= n })
	if len(at) == 0 {
		return nil
	}
	return &had{at: at, until: time.Now().Add(bus.ReplayAge)}
}
