package edge

import (
	"time"

	"go.opentelemetry.io/otel/trace"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// outgoing is one event on its way out.
type outgoing struct {
	event  wire.Event
	from   wire.PeerID // stamped by the edge, never taken from a frame
	gen    uint64
	to     wire.PeerID // empty for all
	except bool
	keep   bool
	again  bool
	key    string
	size   int        // of what frame writes, roughly
	span   trace.Span // of the request that it comes from; nil as a rule: see trace.go
	// frame writes the event as clients will see it.
	frame func(dst []byte, mid wire.Mid, at int64) []byte
}

// numbered is a source of this edge. Its owner guards it.
type numbered struct {
	source wire.Source
	n      uint64
	at     int64 // when n was published, in Unix ms
}

// build numbers the event and encodes it, once for all who will get it: the envelope's body is the very frame.
func (e *Edge) build(src *numbered, o *outgoing) (env wire.Envelope, payload []byte) {
	src.n++
	env = wire.Envelope{
		Kind: wire.KindEvent, Event: o.event, Source: src.source, N: src.n, At: time.Now().UnixMilli(), Gen: o.gen,
		Edge: e.id, From: o.from, To: o.to, Except: o.except, Keep: o.keep, Again: o.again, Key: []byte(o.key),
	}
	src.at = env.At
	payload = env.Append(make([]byte, 0, 384+len(o.key)+o.size))
	head := len(payload)
	payload = o.frame(payload, env.Mid(), env.At)
	env.Body = payload[head:len(payload):len(payload)]
	return env, payload
}

// put publishes what build made, so that the replay stream keeps it.
func (e *Edge) put(span trace.Span, s bus.Scope, env *wire.Envelope, payload []byte, done func(error)) {
	switch {
	case span != nil:
		e.bus.PublishTraced(span, s, audience(env), env, payload, done)
	case env.Keep:
		e.bus.PublishKept(s, env, payload, done)
	default:
		e.bus.Publish(s, audience(env), payload, done)
	}
}

// audience is for whom put publishes.
func audience(env *wire.Envelope) bus.Audience {
	switch {
	case env.Keep:
		return bus.ToKeep
	case env.To != "" && !env.Except:
		return bus.ToPeer(env.To)
	default:
		return bus.ToAll
	}
}

// body makes a frame function of a typed event; head sets the event's head.
func body[T any](ev T, head func(*T) *wire.Head, name wire.Event) func([]byte, wire.Mid, int64) []byte {
	return func(dst []byte, mid wire.Mid, at int64) []byte {
		*head(&ev) = wire.Head{Ev: name, Mid: mid, At: at}
		return wire.AppendJSON(dst, ev)
	}
}

func joinedFrame(room wire.RoomID, p wire.Peer) func([]byte, wire.Mid, int64) []byte {
	return body(wire.JoinedEvent{Room: room, Peer: p.Peer, User: p.User, Region: p.Region, Info: p.Info},
		func(e *wire.JoinedEvent) *wire.Head { return &e.Head }, wire.EvJoined)
}

func leftFrame(room wire.RoomID, p wire.PeerID, reason wire.Reason) func([]byte, wire.Mid, int64) []byte {
	return body(wire.LeftEvent{Room: room, Peer: p, Reason: reason}, func(e *wire.LeftEvent) *wire.Head { return &e.Head }, wire.EvLeft)
}

func callFrame(ev wire.CallEvent) func([]byte, wire.Mid, int64) []byte {
	return body(ev, func(e *wire.CallEvent) *wire.Head { return &e.Head }, wire.EvCall)
}

// announcement wraps an announce for the other edges.
func (e *Edge) announcement(a *wire.Announce) []byte {
	env := wire.Envelope{Kind: wire.KindAnnounce, Edge: e.id, At: time.Now().UnixMilli(), Body: wire.AppendJSON(nil, a)}
	return env.Append(nil)
}

// unavailable is what a client is told when the bus did not confirm.
func unavailable(cause error) *wire.Error {
	return wire.Errorf(wire.CodeUnavailable, "the mesh did not confirm; it is not known whether this was delivered").Because(cause)
}
