package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"callmesh/bus/wire"
)

const (
	leaseEvery = time.Second
	// leaseLost is how long an edge may be silent before its peers count as detached. It is long enough for a machine that stalls.
	leaseLost = 5 * time.Second
)

// Lease is what an edge says of itself with every heartbeat.
type Lease struct {
	Edge     wire.EdgeID `json:"edge"`
	Region   wire.Region `json:"region"`
	Sessions int         `json:"sessions"`
	Rooms    int         `json:"rooms"`
	Gone     bool        `json:"gone,omitempty"` // the edge has shut down in good order
	Started  int64       `json:"started"`        // when it began to hold its lease, in Unix ms
	// TURNKeys are the secrets with which the edge can sign credentials for relays, at most [wire.MaxRelayKeys].
	TURNKeys []wire.KeyID `json:"turnKeys,omitempty"`

	// Unheard is since when this process may have missed what the edge sent: when it was last heard, or when it started. Set for [LeaseEvents.Found].
	Unheard time.Time `json:"-"`
}

// leases are the other edges, by when they were last heard.
type leases struct {
	mu    sync.Mutex // guards the following
	edges map[wire.EdgeID]*leaseState
}

type leaseState struct {
	lease Lease
	heard time.Time // renewed when silence says nothing of the edge
	last  time.Time // when it was really heard last
	lost  bool
}

func (l *leases) init() { l.edges = make(map[wire.EdgeID]*leaseState) }

// renewAll gives every edge a fresh start.
func (l *leases) renewAll() {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.edges {
		e.heard = now
	}
}

// heardFrom notes a heartbeat and reports whether the edge was unknown or lost before, and since when it was not heard.
func (l *leases) heardFrom(lease Lease, now time.Time) (found bool, unheard time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.edges[lease.Edge]
	if e == nil {
		e = &leaseState{lost: true, last: time.UnixMilli(lease.Started)}
		l.edges[lease.Edge] = e
	}
	found, unheard = e.lost && !lease.Gone, e.last
	e.lease, e.heard, e.last, e.lost = lease, now, now, lease.Gone
	return found, unheard
}

// expire marks the edges that were silent for too long and returns them. Edges lost for long are forgotten.
func (l *leases) expire(now time.Time) (lost []wire.EdgeID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, e := range l.edges {
		switch silent := now.Sub(e.heard); {
		case !e.lost && silent > leaseLost:
			e.lost = true
			lost = append(lost, id)
		case e.lost && silent > ReplayAge:
			delete(l.edges, id)
		}
	}
	return lost
}

// Alive reports whether the edge holds its lease.
func (b *Bus) Alive(edge wire.EdgeID) bool {
	b.leases.mu.Lock()
	defer b.leases.mu.Unlock()
	e := b.leases.edges[edge]
	return edge == b.opts.Edge || e != nil && !e.lost
}

// Others returns the leases of the other edges that are alive.
func (b *Bus) Others() []Lease {
	b.leases.mu.Lock()
	defer b.leases.mu.Unlock()
	var alive []Lease
	for _, e := range b.leases.edges {
		if !e.lost {
			alive = append(alive, e.lease)
		}
	}
	return alive
}

// LeaseEvents are called on goroutines of the bus and must not block.
type LeaseEvents struct {
	Found func(Lease)       // an edge is there, or there again
	Lost  func(wire.EdgeID) // an edge was silent for too long, or said goodbye
}

// HoldLease makes this process known to the other edges until ctx ends: it sends a heartbeat every second, with what say returns, and watches
// theirs. It says goodbye at the end. Without say it only listens, as who is no edge does.
func (b *Bus) HoldLease(ctx context.Context, say func() Lease, ev LeaseEvents) error {
	handle := func(m Message) {
		var lease Lease
		if err := json.Unmarshal(m.Payload, &lease); err != nil || lease.Edge == b.opts.Edge {
			return
		}
		now := time.Now()
		b.regions.heardFrom(lease.Region, now)
		if found, unheard := b.leases.heardFrom(lease, now); found {
			lease.Unheard = unheard
			ev.Found(lease)
		}
		if _, err := wire.ParseRegion(string(lease.Region)); err == nil && !slices.Contains(b.regions.list(), lease.Region) {
			b.poke() // a new region, and with it streams to read; they may come a few heartbeats after its first edge
		}
		if lease.Gone {
			ev.Lost(lease.Edge)
		}
	}
	sub, err := b.subscribe(leaseSubject+"*", 1, handle)
	if err != nil {
		return fmt.Errorf("leases: %w", err)
	}
	started := time.Now().UnixMilli()
	beat := func(gone bool) {
		if say == nil {
			return
		}
		lease := say()
		lease.Edge, lease.Region, lease.Gone, lease.Started = b.opts.Edge, b.opts.Region, gone, started
		payload, err := json.Marshal(lease)
		if err == nil {
			err = b.send(leaseSubject+string(b.opts.Edge), payload)
		}
		if err != nil {
			b.log.Debug("no heartbeat", "error", err)
		}
	}
	if !b.own(func() {
		defer sub.Close()
		tick := time.NewTicker(leaseEvery)
		defer tick.Stop()
		forget := b.OnReady(func() { beat(false) })
		defer forget()
		beat(false)
		last := time.Now()
		for {
			select {
			case <-b.ctx.Done():
				return // without a goodbye: nobody would hear it
			case <-ctx.Done():
				beat(true)
				return
			case <-tick.C:
				beat(false)
				hears := b.hears(ctx)
				now := time.Now()
				if !hears || now.Sub(last) > leaseLost/2 {
					b.leases.renewAll() // this process was cut off, or stood still: silence says nothing of the others
				}
				last = now
				lost := b.leases.expire(now)
				for _, id := range lost {
					b.log.Info("an edge lost its lease", "edge", id)
					ev.Lost(id)
				}
				if len(lost) > 0 {
					b.doubt() // this node may be the one that is cut off
				}
				b.measure()
			}
		}
	}) {
		sub.Close()
		return fmt.Errorf("leases: %w: it was closed", ErrUnavailable)
	}
	return nil
}

// hears reports whether the NATS node answers. What it sent before has then arrived.
func (b *Bus) hears(ctx context.Context) bool {
	if !b.nc.IsConnected() {
		return false
	}
	ctx, cancel := b.bounded(ctx, leaseEvery)
	defer cancel()
	return b.nc.FlushWithContext(ctx) == nil
}

// measure tells the metrics which edges and regions are heard.
func (b *Bus) measure() {
	others := b.Others()
	heard, silent := 0, 0
	for _, region := range b.regions.list() {
		if region == b.opts.Region || slices.ContainsFunc(others, func(l Lease) bool { return l.Region == region }) {
			heard++
		} else {
			silent++
		}
	}
	b.metrics.edges.Set(float64(len(others)))
	b.metrics.regions.WithLabelValues("heard").Set(float64(heard))
	b.metrics.regions.WithLabelValues("silent").Set(float64(silent))
}
