package edge_test

import (
	"testing"

	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// TestARingComesOnceOverAResume resumes on an edge that knows nothing of the ring yet, and learns from the caller's edge that there was one.
func TestARingComesOnceOverAResume(t *testing.T) {
	m := oneNode(t, 3)
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
	edgetest.Must[wire.CallOK](ann, wire.OpCall, wire.CallArgs{To: "ben", Media: wire.MediaAudio})
	edgetest.Await[wire.RingEvent](ben, wire.EvRing, nil)
	ben.Cut()
	again := ben.Resume(m.Edges[2])
	edgetest.Eventually(t, "the edge has looked for the ring", func() bool {
		return counter(t, m.Edges[2], "callmesh_edge_filled_total")+counter(t, m.Edges[2], "callmesh_edge_holes_given_up_total") > 0
	})
	edgetest.Must[wire.Keyed](again, wire.OpPing, wire.PingArgs{})
	if got := again.Events(wire.EvRing); len(got) > 0 {
		t.Errorf("it rings again: %s", got[0].Raw)
	}
}

// counter reads a metric of an edge that has no labels.
func counter(t *testing.T, n *edgetest.Node, name string) float64 {
	t.Helper()
	families, err := n.Registry.Gather()
	noError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
