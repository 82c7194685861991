package edge

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// room is what this edge knows of a room that it has peers in.
type room struct {
	hearing
	id    wire.RoomID
	refs  int           // members and joiners; guarded by Edge.mu
	ready chan struct{} // closed once the room is open or openErr is set
	// openErr may be read once ready is closed.
	openErr error
	before  closedRoom    // which was open here just before, until it is recalled
	recalls sync.Once     // that
	changed chan struct{} // poked when another edge has announced itself
	acked   atomic.Uint64 // the highest number of its own of which the ack has come

	// hearing.mu guards the following
	out       numbered // what this edge publishes into the room, and hears from the streams like everybody
	own       numbered // what this edge tells its own peers without publishing: what it concludes from announces and leases
	ahead     uint64   // up to where its peers were told of its own roster events that no stream confirmed; a stream may have some all the same
	local     map[wire.PeerID]*member
	remote    map[wire.PeerID]*remotePeer
	edges     map[wire.EdgeID]wire.Source // the other edges known to be here
	expect    map[wire.EdgeID]bool        // edges said to be here, which have not announced themselves yet
	asked     bool                        // the first question has come to an end: answered, or nobody listens
	keys      keyMemory
	taught    bool      // keys may hold some whose first event is still to come
	locked    bool      // as the local peers were told
	knocks    []knocker // that can be answered, the oldest first
	knockRate bucket
	past      map[wire.Source]heardTo // how far the room had heard that was open here just before; not changed once it is set

	storage storage // guards itself
}

type member struct {
	sess  *session
	peer  wire.Peer
	since int64                   // when it joined, in Unix ms; resumes don't change it
	under int64                   // the At of the latest ruling about its user then; see Edge.kickedSince
	after uint64                  // what this edge published up to then is from before it joined
	past  map[wire.Source]heardTo // and so is what others did; of who resumes, the resume tells
	said  map[wire.Source]uint64  // and what it had by another edge
}

type remotePeer struct {
	wire.Peer
	gen  uint64
	edge wire.EdgeID
	from wire.EdgeID // where it was before, as far as this edge knows
	// orphaned is when its edge said that it holds it no more, without a left: the session has moved on, and its new edge will tell. Zero
	// if it is held.
	orphaned time.Time
	ours     bool // this edge held it last
}

func newRoom(e *Edge, id wire.RoomID) *room {
	r := &room{
		id: id, ready: make(chan struct{}), changed: make(chan struct{}, 1),
		out: numbered{source: wire.NewSource()}, own: numbered{source: wire.NewSource()},
		local: make(map[wire.PeerID]*member), remote: make(map[wire.PeerID]*remotePeer),
		edges: make(map[wire.EdgeID]wire.Source), expect: make(map[wire.EdgeID]bool),
	}
	r.init(e, bus.RoomScope(id))
	r.begins(r.out)
	r.locked = e.rulings.Locked(id) // a change from now on finds the room
	r.onEvent, r.onOther, r.cutOff = r.applyLocked, r.other, r.cutOffLocked
	r.behind = func(env *wire.Envelope) bool { return r.triedAheadLocked(env) || r.movedAheadLocked(env) }
	return r
}

// publishLocked sends an event to the room. done is called when the bus has it, or does not confirm. The local peers have it from the streams, like the others:
// handed over at once it would be there for them alone until a stream has it, and an edge that dies in between leaves a message that no stream knows. Its
// sender repeats it through another edge, its receivers resume on one that has never heard of its key, and get it twice.
func (r *room) publishLocked(o *outgoing, done func(error)) wire.Envelope {
	env, payload := r.edge.build(&r.out, o)
	event, frame := o.event, o.frame
	r.edge.put(o.span, r.scope, &env, payload, func(err error) {
		if err == nil {
			r.ackedTo(env.N)
		} else {
			r.doubt(&env)
			if !lossless(event) { // it is true here, whoever else hears of it
				r.edge.own(func(context.Context) { // a publish may fail at once, with mu held
					r.mu.Lock()
					r.ahead = max(r.ahead, env.N)
					r.tellLocked(frame)
					r.mu.Unlock()
				})
			}
		}
		done(err)
	})
	r.edge.tailLater(r)
	return env
}

func (r *room) ackedTo(n uint64) {
	for was := r.acked.Load(); was < n && !r.acked.CompareAndSwap(was, n); was = r.acked.Load() {
	}
}

// keptLocked is up to where the streams are known to have what this edge published.
func (r *room) keptLocked() uint64 { return max(r.acked.Load(), r.seq.applied(r.out.source)) }

// lossless reports whether an event counts only once it is stored: messages do.
func lossless(ev wire.Event) bool { return ev == wire.EvPost || ev == wire.EvSignal }

// applyLocked takes an event, in order. Of this edge's own the roster has been kept before.
func (r *room) applyLocked(env *wire.Envelope) {
	if r.repeatedLocked(env) {
		return
	}
	if env.Edge == r.edge.id {
		if env.Source != r.out.source {
			return // from before the room was opened here, for those who were in it then
		}
		r.edge.tailLater(r) // it may be heard late, as after a doubt, and by this edge alone
		here := r.local[env.From] != nil || r.remote[env.From] != nil
		if env.N > r.ahead || lossless(env.Event) || here == (env.Event != wire.EvLeft) {
			r.deliverLocked(env)
		}
		if env.Event == wire.EvLeft && !here {
			r.keys.forget(env.From) // what it sent last has been heard by now
		}
		return
	}
	if r.rosterLocked(env) {
		r.deliverLocked(env)
	}
}

// movedAheadLocked tells of a peer that has come to another edge, that something of the edge it was on is still missing here. What it says from there
// must wait: a peer is heard in the order in which it spoke.
func (r *room) movedAheadLocked(env *wire.Envelope) bool {
	if env.Event != wire.EvJoined {
		return false
	}
	p := r.remote[env.From]
	if p == nil || p.gen > env.Gen {
		return false
	}
	from := p.edge
	if from == env.Edge || from == "" {
		from = p.from // an announce or a note was quicker than the event
	}
	if before, _ := r.edge.bus.RegionOf(from); r.edge.bus.CutOff(before) {
		if now, _ := r.edge.bus.RegionOf(env.Edge); now != before {
			return false // nobody waits for a region to come back
		}
	}
	for source, s := range r.seq {
		if s.edge == from && from != env.Edge && s.known && s.hole() && !r.covered[source] {
			return true
		}
	}
	return false
}

// tellWhereLocked tells the other edges how far the streams have what the edge sent that a session was on before: they may not have heard all of that, and
// its end would come after what the session says here.
func (r *room) tellWhereLocked(edge wire.EdgeID, source wire.Source, n uint64) {
	if edge == r.edge.id || edge == "" || n == 0 {
		return // this edge has that from the streams by itself
	}
	env := wire.Envelope{Kind: wire.KindTail, Source: source, N: n, Edge: edge}
	if err := r.edge.bus.PublishLive(r.scope, bus.ToEdges, env.Append(nil)); err != nil {
		r.edge.log.Debug("no tail", "error", err)
	}
}

func (r *room) cutOffLocked() {
	for _, m := range r.local {
		m.sess.cutOff()
	}
}

func (r *room) deliverLocked(env *wire.Envelope) {
	mid := env.Mid()
	if env.To != "" && !env.Except {
		if m := r.local[env.To]; m != nil && m.isNews(env) && m.sess.mayHave(r.scope, env) {
			m.sess.event(mid, env.Body)
		}
		return
	}
	var again []*member
	for id, m := range r.local {
		switch {
		case !env.For(id) || env.Source == r.out.source && env.N <= m.after || !m.sess.mayHave(r.scope, env):
		case m.isNews(env):
			m.sess.event(mid, env.Body)
		default:
			again = append(again, m)
		}
	}
	r.tellAnewLocked(env, again)
}

// tellLocked gives the local peers an event that this edge alone concludes. Every edge does so for itself.
func (r *room) tellLocked(frame func([]byte, wire.Mid, int64) []byte) {
	r.tellSomeLocked(slices.Collect(maps.Values(r.local)), frame)
}

func (r *room) tellSomeLocked(members []*member, frame func([]byte, wire.Mid, int64) []byte) {
	r.own.n++
	mid := wire.Mid{Source: r.own.source, N: r.own.n}
	b := frame(nil, mid, time.Now().UnixMilli())
	for _, m := range members {
		m.sess.event(mid, b)
	}
}

// leftUnheardLocked tells the local peers that a peer has left which joins now, though it stands in the room by another edge: its client has never had that
// edge's ok, and has gone on elsewhere without the room. What was sent to it meanwhile it does not get, and they must not count on it.
func (r *room) leftUnheardLocked(env *wire.Envelope) bool {
	if m := r.local[env.From]; m != nil {
		if m.sess.generation() >= env.Gen {
			return false
		}
	} else if p := r.remote[env.From]; p == nil || p.gen > env.Gen || p.edge == env.Edge && (p.from == "" || p.from == env.Edge) {
		return false
	}
	r.tellLocked(leftFrame(r.id, env.From, wire.ReasonLost))
	r.keys.forget(env.From)
	return true
}

// rosterLocked keeps the roster along an event and reports whether the local peers should see it.
func (r *room) rosterLocked(env *wire.Envelope) bool {
	switch env.Event {
	case wire.EvJoined:
		var ev wire.JoinedEvent
		if !r.read(env, &ev) {
			return false
		}
		if !r.edge.bus.Alive(env.Edge) {
			r.edge.edgeLost(env.Edge) // it began and died while this one was cut off: nothing else would end its peers' time here
		}
		began := !env.Again && r.leftUnheardLocked(env)
		news := r.putRemoteLocked(&remotePeer{Peer: wire.Peer{Peer: ev.Peer, User: ev.User, Region: ev.Region, Info: ev.Info}, gen: env.Gen, edge: env.Edge})
		return news || began
	case wire.EvUpdated:
		var ev wire.UpdatedEvent
		if !r.read(env, &ev) {
			return false
		}
		if p := r.remote[ev.Peer]; p != nil {
			p.Info = ev.Info
		}
	case wire.EvLeft:
		p := r.remote[env.From]
		if p == nil || p.gen > env.Gen {
			return false // it is gone already, or it has come back through another edge meanwhile
		}
		delete(r.remote, env.From)
		r.keys.forget(env.From)
	}
	return true
}

func (r *room) read(env *wire.Envelope, into any) bool {
	if err := json.Unmarshal(env.Body, into); err != nil {
		r.edge.metrics.badEnvelopes.Inc()
		r.edge.log.Error("an event of the bus can't be read", r.where(), slog.Any("event", env.Event), slog.Any("error", err))
		return false
	}
	return true
}

// putRemoteLocked notes a peer on another edge and reports whether the local peers did not know it, or not so.
func (r *room) putRemoteLocked(p *remotePeer) (news bool) {
	if m := r.local[p.Peer.Peer]; m != nil {
		sess := m.sess
		old := false
		rooms, first := sess.finish(false, func() bool {
			old = sess.generation() >= p.gen || sess.outdoesLocked(p.gen)
			return !old
		})
		if old {
			return false // the session has come here since, or is just coming
		}
		delete(r.local, p.Peer.Peer) // it has moved on
		p.from = r.edge.id
		if first {
			r.edge.own(func(context.Context) { r.edge.handOver(sess, rooms, p.edge) })
		}
		r.remote[p.Peer.Peer] = p
		return false
	}
	known := r.remote[p.Peer.Peer]
	if known != nil && known.gen > p.gen {
		return false
	}
	if known != nil {
		if p.from = known.edge; known.edge == p.edge || known.edge == "" {
			p.from = known.from
		}
	}
	r.remote[p.Peer.Peer] = p
	return known == nil || string(known.Info) != string(p.Info)
}

// peersLocked lists the others in the room.
func (r *room) peersLocked(except wire.PeerID) []wire.Peer {
	peers := make([]wire.Peer, 0, len(r.local)+len(r.remote))
	for id, m := range r.local {
		if id != except {
			peers = append(peers, m.peer)
		}
	}
	for _, p := range r.remote {
		peers = append(peers, p.Peer)
	}
	return peers
}

// maxBase bounds the sources that a resume key names for one room: those of edges that come and go in it would make it ever longer. What a
// client has of the others it says itself, and what they sent before it joined is told by the time.
const maxBase = 16

// baseLocked is what positionsLocked tells, of the sources that were heard last.
func (r *room) baseLocked() map[wire.Source]uint64 {
	if len(r.seq) < maxBase {
		return r.positionsLocked()
	}
	sources := make([]wire.Source, 0, len(r.seq))
	for source, s := range r.seq {
		if s.known {
			sources = append(sources, source)
		}
	}
	slices.SortFunc(sources, func(a, b wire.Source) int { return cmp.Compare(r.seq[b].heard.UnixNano(), r.seq[a].heard.UnixNano()) })
	at := map[wire.Source]uint64{r.out.source: r.seq.applied(r.out.source)}
	for _, source := range sources[:min(len(sources), maxBase)] {
		at[source] = r.seq[source].applied
	}
	return at
}

// neededLocked tells how far every source has gone on that has sent something since a time: what the streams must have before they are believed to have
// all. What was sent before they need not be asked for.
func (r *room) neededLocked(since time.Time, into map[wire.Source]uint64) {
	r.seq.positionsSince(since.UnixMilli(), into)
}

// positionsLocked tells how far every source of the room has gone on: the base line of whoever joins now.
func (r *room) positionsLocked() map[wire.Source]uint64 {
	at := make(map[wire.Source]uint64, len(r.seq))
	r.seq.positions(at)
	return at
}
