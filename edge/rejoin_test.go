package edge_test

import (
	"encoding/json"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// Who leaves a room and joins it again at once had what was said in it before, though its edge has closed the room meanwhile, and reads back in the streams to
// a moment before it opened it anew.
func TestNothingComesTwiceToWhoJoinsAgain(t *testing.T) {
	m := oneNode(t, 2)
	const filled, givenUp = "callmesh_edge_filled_total", "callmesh_edge_holes_given_up_total"
	edgetest.Eventually(t, "the edge reads back to before it opened the room anew", func() bool {
		mod, ann := edgetest.Connect(t, m.Edges[0], "mod"), edgetest.Connect(t, m.Edges[1], "ann")
		join(mod, "r")
		join(ann, "r")
		meet(mod, ann)
		begun := time.Now()
		edgetest.Must[wire.Keyed](ann, wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(`"to all"`)})
		edgetest.Must[wire.Keyed](ann, wire.OpSignal, wire.SignalArgs{Room: "r", To: mod.Peer(), Data: json.RawMessage(`"to mod"`)})
		edgetest.Must[wire.Keyed](ann, wire.OpLeave, wire.LeaveArgs{Room: "r"})
		left := edgetest.Await(mod, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == ann.Peer() }).Mid
		edgetest.Must[wire.Keyed](mod, wire.OpLeave, wire.LeaveArgs{Room: "r"})
		edgetest.Eventually(t, "both edges have closed the room", func() bool {
			return gauge(t, m.Edges[0], "callmesh_edge_rooms")+gauge(t, m.Edges[1], "callmesh_edge_rooms") == 0
		})
		before, lost := counter(t, m.Edges[0], filled), counter(t, m.Edges[0], givenUp)
		join(mod, "r")
		again := edgetest.Connect(t, m.Edges[0], "eve")
		join(again, "r")
		// So does an edge that still has something to tell of the room which it has closed.
		tail := wire.Envelope{Kind: wire.KindTail, Source: left.Source, N: left.N, Edge: m.Edges[1].Bus.Edge()}
		noError(t, m.Edges[1].Bus.PublishLive(bus.RoomScope("r"), bus.ToEdges, tail.Append(nil)))
		edgetest.Eventually(t, "the edge has looked for what it has not heard of", func() bool {
			return counter(t, m.Edges[0], filled) > before || counter(t, m.Edges[0], givenUp) > lost
		})
		tookIt := counter(t, m.Edges[0], filled) > before
		ben := edgetest.Connect(t, m.Edges[1], "ben")
		join(ben, "r")
		mod.Flush("r", ben) // the client itself minds what comes twice
		again.Flush("r", ben)
		joins, leaves := 0, 0
		for _, e := range mod.Events(wire.EvJoined) {
			if decode[wire.JoinedEvent](t, e).Peer == ann.Peer() {
				joins++
			}
		}
		for _, e := range mod.Events(wire.EvLeft) {
			if decode[wire.LeftEvent](t, e).Peer == ann.Peer() {
				leaves++
			}
		}
		if joins != leaves {
			t.Errorf("ann joined %d times and left %d times, as mod was told", joins, leaves)
		}
		if n := len(mod.Events(wire.EvSignal)); n != 1 {
			t.Errorf("mod had the signal %d times", n)
		}
		for _, c := range []*edgetest.Client{mod, again, ben, ann} {
			c.Close()
		}
		edgetest.Eventually(t, "the room is empty", func() bool {
			return gauge(t, m.Edges[0], "callmesh_edge_rooms")+gauge(t, m.Edges[1], "callmesh_edge_rooms") == 0
		})
		t.Logf("filled: %t, %v after it was said", tookIt, time.Since(begun))
		return tookIt
	})
}
