package edge_test

import (
	"encoding/json"
	"testing"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// An edge dies with a message that NATS never had. Its sender repeats it elsewhere, and the receiver, who was on the same edge, gets it once.
func TestWhatTheBusHasNotStoredIsTold(t *testing.T) {
	nats := bustest.Cluster(t, 1)
	m := edgetest.Start(t, "eu", []string{nats.URL(0)})
	first := m.Edges[0]
	ann, bob := edgetest.Connect(t, first, "ann"), edgetest.Connect(t, first, "bob")
	for _, c := range []*edgetest.Client{ann, bob} {
		edgetest.Must[wire.JoinOK](c, wire.OpJoin, wire.JoinArgs{Room: "lobby"})
	}
	edgetest.Must[wire.PostOK](ann, wire.OpPost, wire.PostArgs{Room: "lobby", Data: json.RawMessage(`"before"`)})

	nats.ClientProxy(0).Blackhole()
	post := wire.PostArgs{Room: "lobby", Data: json.RawMessage(`"lost with its edge"`), Key: "1"}
	ann.Start(wire.OpPost, post)
	ann.MustRaw(wire.OpPing, wire.PingArgs{}) // the post is dealt with,
	bob.MustRaw(wire.OpPing, wire.PingArgs{}) // and what was for bob has come
	nats.ClientProxy(0).Cut()
	first.Stop()
	nats.ClientProxy(0).Heal()

	second := m.Add("eu", nats.URL(0))
	got := len(bob.Events(wire.EvPost))
	bob, ann = bob.Resume(second), ann.Resume(second)
	edgetest.Must[wire.PostOK](ann, wire.OpPost, post)
	bob.Flush("lobby", ann)
	if got += len(bob.Events(wire.EvPost)); got != 3 { // with the mark
		t.Errorf("bob got %d posts, want 3: before, the one that was repeated, and the mark", got)
	}
}
