package edge_test

import (
	"encoding/json"
	"testing"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// While the streams have no leader a resume is told to come again, not that what it missed is lost: it is not.
func TestResumeWithoutQuorum(t *testing.T) {
	nats := bustest.Cluster(t, 3)
	m := edgetest.Start(t, "eu", []string{nats.URL(0), nats.URL(1)}, func(o *bus.Options, _ *edge.Options) { o.Replicas = 3 })
	ann, bob := edgetest.Connect(t, m.Edges[1], "ann"), edgetest.Connect(t, m.Edges[0], "bob")
	for _, c := range []*edgetest.Client{ann, bob} {
		edgetest.Must[wire.JoinOK](c, wire.OpJoin, wire.JoinArgs{Room: "lobby"})
	}
	bob.Flush("lobby", ann)
	bob.Cut()
	edgetest.Must[wire.PostOK](ann, wire.OpPost, wire.PostArgs{Room: "lobby", Data: json.RawMessage(`"missed"`)})
	nats.Partition(bustest.Cut, []int{0})
	edgetest.Eventually(t, "the node that is alone has no leader any more", func() bool {
		c := edgetest.Connect(t, m.Edges[0], "eve")
		defer c.Cut()
		a := c.Do(wire.OpJoin, wire.JoinArgs{Room: "attic"})
		return a.Error != nil && a.Error.Code == wire.CodeUnavailable
	})
	lone, a := bob.TryResume(m.Edges[0])
	if a.Error == nil || a.Error.Code != wire.CodeUnavailable && a.Error.Code != edgetest.LostSocket { // the edge may just be sending everybody elsewhere
		t.Fatalf("a resume without streams: %s, %v; want unavailable", a.OK, a.Error)
	}
	if code := lone.CloseCode(); code != wire.CloseBusLost {
		t.Errorf("and is closed with %d, want %d", code, wire.CloseBusLost)
	}
	nats.Heal()
	nats.Await()
	edgetest.Eventually(t, "a resume where the streams can be read", func() bool {
		next, a := bob.TryResume(m.Edges[1])
		next.Cut()
		return a.Error == nil
	})
	bob = bob.Resume(m.Edges[1])
	if !bob.Hello.Resumed {
		t.Error("once the streams are back the session is made whole")
	}
	edgetest.Await(bob, wire.EvPost, func(e wire.PostEvent) bool { return string(e.Data) == `"missed"` })
	edgetest.Eventually(t, "the streams, which may still agree on their leaders, take messages", func() bool {
		return ann.Do(wire.OpPost, wire.PostArgs{Room: "lobby", Data: json.RawMessage(`"after"`), Key: "after"}).Error == nil
	})
	edgetest.Await(bob, wire.EvPost, func(e wire.PostEvent) bool { return string(e.Data) == `"after"` })
}
