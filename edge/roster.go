package edge

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// There is no central table of who is in which room. An edge that opens a room asks the edges that listen to it, and says hello through the
// replay stream; each answers with its own peers and with which other edges it knows to be there. Interest spreads asynchronously, so two that
// open a room at once may both hear nothing: the stream orders their hellos, and the second is given the first's (see [bus.Bus.PublishAfter]).

// helloTimeout bounds the opening of a room: past it, the bus is unavailable.
const helloTimeout = 6 * time.Second

// announceLocked says whom this edge has in the room.
func (r *room) announceLocked(want bool) *wire.Announce {
	a := &wire.Announce{Edge: r.edge.id, Region: r.edge.region, Room: r.id, Source: r.out.source, N: r.out.n, Kept: r.keptLocked(), Last: r.out.at, Want: want}
	for _, m := range r.local {
		a.Peers = append(a.Peers, wire.AnnouncePeer{Peer: m.peer, Gen: m.sess.generation()})
	}
	for edge := range r.edges {
		a.Edges = append(a.Edges, edge)
	}
	// Also those that have not answered yet: of a region's hellos an edge of another region reads only the last one.
	for edge := range r.expect {
		if _, here := r.edges[edge]; !here {
			a.Edges = append(a.Edges, edge)
		}
	}
	return a
}

func (r *room) announcement(want bool) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.edge.announcement(r.announceLocked(want))
}

// open makes the room ready to join: it listens, asks, says hello, and waits briefly for the edges known to be there.
func (r *room) open(ctx context.Context) error {
	r.recall()
	if err := r.listen(); err != nil {
		return err
	}
	r.ask()
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	err := r.edge.bus.PublishAfter(ctx, r.scope, func(last []byte) []byte {
		r.learn(last)
		return r.announcement(true)
	})
	if err != nil {
		return err
	}
	r.lookAbroad()
	wait := time.NewTimer(r.edge.limits.JoinWait)
	defer wait.Stop()
	for !r.complete() {
		select {
		case <-r.changed:
		case <-wait.C:
			return nil // whoever is later comes as joined
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// ask sends the room's listeners this edge's announce; their answers are merged as they come.
func (r *room) ask() {
	r.edge.bus.Ask(r.scope, bus.ToEdges, r.announcement(true), r.edge.limits.JoinWait, func(payload []byte, err error) bool {
		if payload != nil {
			if env, err := wire.ParseEnvelope(payload); err == nil {
				r.merge(&env)
			}
		}
		r.mu.Lock()
		r.asked = r.asked || payload != nil || errors.Is(err, bus.ErrNobody)
		r.mu.Unlock()
		r.poke()
		return payload != nil
	})
}

// learn takes the hello that stands before one's own in the stream: its edge, and those that it knew, may be here.
func (r *room) learn(hello []byte) {
	env, err := wire.ParseEnvelope(hello)
	if err != nil || env.Kind != wire.KindAnnounce {
		return
	}
	var a wire.Announce
	if json.Unmarshal(env.Body, &a) != nil {
		return
	}
	for _, edge := range append(a.Edges, a.Edge) {
		r.mu.Lock()
		_, known := r.edges[edge]
		ask := !known && edge != r.edge.id && r.edge.bus.Alive(edge) && !r.expect[edge]
		if ask {
			r.expectLocked(edge)
		}
		r.mu.Unlock()
		if ask {
			r.tell(edge, true)
		}
	}
}

// expectLocked notes that an edge is said to be here. The caller asks it; the sweep asks again until it has told, as questions and answers may be lost.
func (r *room) expectLocked(edge wire.EdgeID) {
	r.expect[edge] = true
	r.edge.orphanLater(r)
}

// lateLocked lists the edges that are expected still, without those that are there no more.
func (r *room) lateLocked() (late []wire.EdgeID) {
	for edge := range r.expect {
		if r.edge.bus.Alive(edge) {
			late = append(late, edge)
		} else {
			delete(r.expect, edge)
		}
	}
	return late
}

// lookAbroad finds the edge of another region that said hello just before, in its own region's stream.
func (r *room) lookAbroad() {
	for _, region := range r.edge.bus.Regions() {
		if region == r.edge.region {
			continue
		}
		r.edge.own(func(ctx context.Context) {
			_, last, err := r.edge.bus.Last(ctx, region, r.scope)
			if err != nil {
				if !r.edge.complaints.Allow() {
					return
				}
				r.edge.log.Warn("a region's rooms can't be read; its peers are met as they announce themselves", "room", r.id, "region", region, "error", err)
				return
			}
			r.learn(last)
		})
	}
}

func (r *room) tell(edge wire.EdgeID, want bool) {
	if err := r.edge.bus.Tell(edge, r.announcement(want)); err != nil {
		r.edge.log.Debug("no announce", "room", r.id, "error", err)
	}
}

func (r *room) poke() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// complete reports whether all edges known to be here have announced themselves.
func (r *room) complete() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked && len(r.expect) == 0
}

// other takes what is no event off the room's subjects.
func (r *room) other(env *wire.Envelope, m bus.Message) {
	switch env.Kind {
	case wire.KindAnnounce:
	case wire.KindKnock:
		r.askedToKnock(env, m)
		return
	default:
		return
	}
	known, want := r.merge(env)
	switch {
	case m.Asked:
		if err := r.edge.bus.Answer(m, r.announcement(false)); err != nil {
			r.edge.log.Debug("no answer", "room", r.id, "error", err)
		}
	case want && !known:
		r.tell(env.Edge, false)
	}
}

// merge takes another edge's announce. known tells whether the edge was known to be here, by this source.
func (r *room) merge(env *wire.Envelope) (known, want bool) {
	var a wire.Announce
	if err := json.Unmarshal(env.Body, &a); err != nil || a.Edge == r.edge.id || a.Room != r.id {
		return true, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.poke()
	delete(r.expect, a.Edge)
	if !a.Gone && !r.edge.bus.Alive(a.Edge) {
		r.edge.edgeLost(a.Edge) // unless a heartbeat says otherwise within the grace
	}
	source, here := r.edges[a.Edge]
	known = here && source == a.Source
	if a.Gone {
		if known || a.Source == 0 {
			delete(r.edges, a.Edge)
			r.orphanLocked(a.Edge, nil)
		}
		return true, false
	}
	r.edges[a.Edge] = a.Source
	s := r.seq.of(a.Source, a.Edge, time.Now())
	stale := s.known && a.N < s.applied
	opening := !isClosed(r.ready)
	// What was sent before the room was open here was not for those here, and no stream is asked for it.
	s.begin(a.Kept, a.Last, opening || a.Last < r.opened.Add(-skewMargin).UnixMilli())
	if !stale {
		r.mergePeersLocked(&a)
	}
	if opening {
		r.drainLocked(s)
	} // otherwise what is held may wait for another source: see takeLocked
	for _, edge := range a.Edges {
		if _, ok := r.edges[edge]; !ok && edge != r.edge.id && r.edge.bus.Alive(edge) && !r.expect[edge] {
			r.expectLocked(edge)
			r.edge.own(func(context.Context) { r.tell(edge, true) })
		}
	}
	r.mendLocked()
	return known, a.Want
}

// mergePeersLocked makes the roster what the edge says of itself, and tells the local peers the difference.
func (r *room) mergePeersLocked(a *wire.Announce) {
	there := make(map[wire.PeerID]bool, len(a.Peers))
	for _, p := range a.Peers {
		there[p.Peer.Peer] = true
		if r.putRemoteLocked(&remotePeer{Peer: p.Peer, gen: p.Gen, edge: a.Edge}) {
			r.tellLocked(joinedFrame(r.id, p.Peer))
		}
	}
	r.orphanLocked(a.Edge, there)
}

// orphanLocked gives the edge's peers that it no longer holds the grace to show up elsewhere: a left would have come by itself.
func (r *room) orphanLocked(edge wire.EdgeID, there map[wire.PeerID]bool) {
	for id, p := range r.remote {
		if p.edge == edge && !there[id] && p.orphaned.IsZero() {
			p.orphaned = time.Now()
			r.edge.orphanLater(r)
		}
	}
}

// dropOrphansLocked drops the peers that did not show up, and reports whether others may still.
func (r *room) dropOrphansLocked(before time.Time) (wait bool) {
	for id, p := range r.remote {
		switch {
		case p.orphaned.IsZero():
		case !p.orphaned.Before(before):
			wait = true
		case p.ours:
			// Other edges have it from this one, and hear of its end from nobody else.
			delete(r.remote, id)
			r.keys.forget(id)
			r.publishLocked(&outgoing{event: wire.EvLeft, from: id, gen: p.gen - 1, frame: leftFrame(r.id, id, wire.ReasonLost)}, func(error) {})
		default:
			r.dropRemoteLocked(id)
		}
	}
	return wait
}

// dropEdgeLocked forgets an edge that is no longer here, and its peers.
func (r *room) dropEdgeLocked(edge wire.EdgeID) {
	delete(r.edges, edge)
	delete(r.expect, edge)
	for id, p := range r.remote {
		if p.edge == edge {
			r.dropRemoteLocked(id)
		}
	}
}

func (r *room) dropRemoteLocked(id wire.PeerID) {
	delete(r.remote, id)
	r.keys.forget(id)
	r.tellLocked(leftFrame(r.id, id, wire.ReasonLost))
}

// told takes what another edge sent to this edge's own inbox.
func (e *Edge) told(m bus.Message) {
	env, err := wire.ParseEnvelope(m.Payload)
	if err != nil || env.Kind != wire.KindAnnounce {
		e.metrics.badEnvelopes.Inc()
		return
	}
	var a wire.Announce
	if json.Unmarshal(env.Body, &a) != nil {
		e.metrics.badEnvelopes.Inc()
		return
	}
	e.mu.Lock()
	r := e.rooms[a.Room]
	e.mu.Unlock()
	if r == nil {
		if a.Want { // whoever waits for this edge need not
			_ = e.bus.Tell(a.Edge, e.announcement(&wire.Announce{Edge: e.id, Region: e.region, Room: a.Room, Gone: true}))
		}
		return
	}
	if _, want := r.merge(&env); want {
		r.tell(a.Edge, false)
	}
}
