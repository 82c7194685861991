package edge

import (
	"sync/atomic"
	"testing"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

// An edge that is said to be in the room is asked until it has told: questions and answers are in no stream, and one that is lost is lost.
func TestAnEdgeThatHasNotToldIsAskedAgain(t *testing.T) {
	url := bustest.Cluster(t, 1).URL(0)
	e, other := insideEdge(t, url, nil), openBus(t, url)
	if err := other.HoldLease(t.Context(), func() bus.Lease { return bus.Lease{} }, bus.LeaseEvents{Found: func(bus.Lease) {}, Lost: func(wire.EdgeID) {}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other edge is heard", func() bool { return e.bus.Alive(other.Edge()) })
	r := insideRoom(t, e)
	hello := wire.Envelope{Kind: wire.KindAnnounce, Edge: other.Edge(), Body: wire.AppendJSON(nil, wire.Announce{Edge: other.Edge(), Room: r.id, Source: wire.NewSource()})}
	r.learn(hello.Append(nil)) // which asks an edge that does not listen yet
	var asked atomic.Int64
	sub, err := other.Inbox(func(bus.Message) {
		gone := wire.Envelope{Kind: wire.KindAnnounce, Edge: other.Edge(), Body: wire.AppendJSON(nil, wire.Announce{Edge: other.Edge(), Room: r.id, Gone: true})}
		_ = other.Tell(e.id, gone.Append(nil)) // it asks again otherwise
		asked.Add(1)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	eventually(t, "it is asked again", func() bool { return asked.Load() > 0 })
	eventually(t, "nobody is expected", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.expect) == 0
	})
}
