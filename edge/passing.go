package edge

import (
	"context"
	"sync/atomic"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// What a session sends, those on the same edge get when the stream has it, and not before. Handed over at once it would be there for them alone
// until NATS has it, and an edge that dies in between leaves a message that no stream knows: its sender repeats it through another edge, its
// receivers resume on one that has never heard of its key, and get it twice.

// passing is one event of this edge on its way to the local peers.
type passing struct {
	env     wire.Envelope
	outcome atomic.Int32 // of the publish; see the constants
}

const (
	onItsWay int32 = iota
	stored
	notStored
	unknown // the streams tell: see resolve
)

// resolvePatience is how long the streams may take to tell what became of a publish whose answer was lost. It is longer than sessions wait for a bus
// that is gone.
const resolvePatience = 2 * busPatience

// lossless reports whether an event counts only once it is stored: messages do. What is told of the roster is true here, whoever else hears it.
func lossless(ev wire.Event) bool { return ev == wire.EvPost || ev == wire.EvSignal }

// passLaterLocked queues the event for the local peers, behind those that were published before it, and returns what to call with the publish's outcome.
func (r *room) passLaterLocked(env *wire.Envelope) (settle func(error)) {
	p := &passing{env: *env}
	r.passing = append(r.passing, p)
	return func(err error) {
		if err == nil {
			p.outcome.Store(stored)
			r.mu.Lock() // an ok comes on a goroutine of the bus, so it is not the publisher who holds mu
			r.passLocked()
			r.mu.Unlock()
			return
		}
		p.outcome.Store(unknown)
		// A publish may fail at once, with mu held; and when the connection is lost, all of them do.
		if !r.resolving.Swap(true) {
			r.edge.own(r.resolve)
		}
	}
}

// resolve finds out what became of the publishes whose answer was lost. What comes after them waits: should the stream have one, a session that
// goes on elsewhere counts on it that it was heard here, or was not.
func (r *room) resolve(ctx context.Context) {
	began := time.Now()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		r.resolving.Store(false) // what fails from now on begins anew
		r.mu.Lock()
		pending := r.unknownLocked()
		r.mu.Unlock()
		if len(pending) == 0 {
			return
		}
		found, err := r.storedOf(ctx, pending[0].env.At)
		_, abroad := bus.Abroad(err)
		told := err == nil || abroad
		late := time.Since(began) > resolvePatience
		if told || late {
			r.mu.Lock()
			for _, p := range pending {
				if told && found[p.env.N] {
					p.outcome.Store(stored)
				} else {
					p.outcome.Store(notStored)
				}
			}
			if !told {
				r.edge.log.Warn("the streams don't tell what became of messages; their room resumes", "error", err)
				r.cutOff()
			}
			r.passLocked()
			r.mu.Unlock()
			continue
		}
		if !pause(ctx, wait) || r.resolving.Swap(true) {
			return // the edge ends, or another goes on
		}
	}
}

// unknownLocked returns the events whose publish came to nobody knows what, oldest first.
func (r *room) unknownLocked() (list []*passing) {
	for _, p := range r.passing {
		if p.outcome.Load() == unknown {
			list = append(list, p)
		}
	}
	return list
}

// storedOf reads which of the room's own events the streams have, from a time on, in Unix ms.
func (r *room) storedOf(ctx context.Context, since int64) (map[uint64]bool, error) {
	found := make(map[uint64]bool)
	err := r.edge.bus.Replay(ctx, []bus.Scope{r.scope}, time.UnixMilli(since).Add(-clockMargin), func(_ bus.Scope, payload []byte) {
		if env, err := wire.ParseEnvelope(payload); err == nil && env.Kind == wire.KindEvent && env.Source == r.out.source {
			found[env.N] = true
		}
	})
	return found, err
}

// passLocked gives the local peers what has come to an outcome, in order.
func (r *room) passLocked() {
	for len(r.passing) > 0 {
		p := r.passing[0]
		outcome := p.outcome.Load()
		if outcome == onItsWay || outcome == unknown || outcome == stored && r.triedAheadLocked(&p.env) {
			return
		}
		r.passing[0] = nil
		r.passing = r.passing[1:]
		if r.passed = p.env.N; outcome == stored {
			r.kept = p.env.N
		}
		if (outcome == stored || !lossless(p.env.Event)) && !r.repeatedLocked(&p.env) {
			r.deliverLocked(&p.env)
		}
		if p.env.Event == wire.EvLeft && r.local[p.env.From] == nil && r.remote[p.env.From] == nil {
			r.keys.forget(p.env.From) // what it sent last has passed by now
		}
	}
	r.passing = nil // and not the tail of a long array
}
