package edge_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// Who leaves a room and joins it again at once had what was said in it before, though its edge has closed the room meanwhile, and reads back in the streams to
// a moment before it opened it anew.
func TestNothingComesTwiceToWhoJoinsAgain(t *testing.T) {
	m := oneNode(t, 3)
	for name, next := range map[string]int{"by the same edge": 0, "by another edge": 2} {
		t.Run(name, func(t *testing.T) {
			edgetest.Eventually(t, "the edge reads back to before it opened the room", func() bool { return joinsAgain(t, m, m.Edges[next]) })
		})
	}
}

// joinsAgain has somebody leave a room of two edges and join it again by an edge. It returns whether that one had to read back; it has not on a machine that
// was too slow for it.
func joinsAgain(t *testing.T, m *edgetest.Mesh, next *edgetest.Node) (readBack bool) {
	mod, ann := edgetest.Connect(t, m.Edges[0], "mod"), edgetest.Connect(t, m.Edges[1], "ann")
	join(mod, "r")
	join(ann, "r")
	meet(mod, ann)
	edgetest.Must[wire.Keyed](ann, wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(`"to all"`)})
	edgetest.Must[wire.Keyed](ann, wire.OpSignal, wire.SignalArgs{Room: "r", To: mod.Peer(), Data: json.RawMessage(`"to mod"`)})
	edgetest.Must[wire.Keyed](ann, wire.OpLeave, wire.LeaveArgs{Room: "r"})
	itsLeft := edgetest.Await(mod, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == ann.Peer() }).Mid
	edgetest.Must[wire.Keyed](mod, wire.OpLeave, wire.LeaveArgs{Room: "r"})
	closed := func() bool {
		return gauge(t, m.Edges[0], "callmesh_edge_rooms")+gauge(t, m.Edges[1], "callmesh_edge_rooms") == 0
	}
	edgetest.Eventually(t, "both edges have closed the room", closed)
	told := [2]int{len(mod.Events(wire.EvJoined)), len(mod.Events(wire.EvSignal))}
	if next != m.Edges[0] {
		mod.Cut()
		mod = mod.Resume(next)
		told = [2]int{}
	}

	const filled, givenUp = "callmesh_edge_filled_total", "callmesh_edge_holes_given_up_total"
	before, lost := counter(t, next, filled), counter(t, next, givenUp)
	join(mod, "r")
	// So does an edge that still has something to tell of the room which it has closed.
	tail := wire.Envelope{Kind: wire.KindTail, Source: itsLeft.Source, N: itsLeft.N, Edge: m.Edges[1].Bus.Edge()}
	noError(t, m.Edges[1].Bus.PublishLive(bus.RoomScope("r"), bus.ToEdges, tail.Append(nil)))
	edgetest.Eventually(t, "the edge has looked for what it has not heard of", func() bool {
		readBack = counter(t, next, filled) > before
		return readBack || counter(t, next, givenUp) > lost
	})

	ben := edgetest.Connect(t, m.Edges[1], "ben")
	join(ben, "r")
	mod.Flush("r", ben) // the client itself minds what comes twice
	joined, gone := 0, 0
	for _, e := range mod.Events(wire.EvJoined)[told[0]:] {
		if decode[wire.JoinedEvent](t, e).Peer == ann.Peer() {
			joined++
		}
	}
	for _, e := range mod.Events(wire.EvLeft) {
		if decode[wire.LeftEvent](t, e).Peer == ann.Peer() && e.Mid != itsLeft {
			gone++
		}
	}
	if joined != gone {
		t.Errorf("of who is not there mod is told that they joined %d times and left %d times", joined, gone)
	}
	if n := len(mod.Events(wire.EvSignal)) - told[1]; n != 0 {
		t.Errorf("mod has what was sent to it before another %d times", n)
	}
	for _, c := range []*edgetest.Client{mod, ben, ann} {
		c.Close()
	}
	edgetest.Eventually(t, "the room is empty", func() bool { return closed() && gauge(t, next, "callmesh_edge_rooms") == 0 })
	return readBack && joined == 1 // else the edge read back to their last moments at most
}

// Of the roster what the edge reads back counts: whom it does not know of otherwise, and whose joining who joins again had been told of before, is told anew.
func TestWhoJoinsAgainIsToldOfWhomItsEdgeFinds(t *testing.T) {
	m := oneNode(t, 2)
	n := m.Edges[0]
	mod := edgetest.Connect(t, n, "mod")
	edgetest.Eventually(t, "the edge reads back to before it opened the room", func() bool {
		join(mod, "r")
		env := wire.Envelope{Kind: wire.KindEvent, Event: wire.EvJoined, Source: wire.NewSource(), N: 1, At: time.Now().UnixMilli(), Edge: "unheard", From: wire.NewPeerID()}
		env.Body = wire.AppendJSON(nil, wire.JoinedEvent{Head: wire.Head{Ev: env.Event, Mid: env.Mid(), At: env.At}, Room: "r", Peer: env.From, User: wire.User{ID: "ann"}})
		stored := make(chan error, 1)
		n.Bus.Publish(bus.RoomScope("r"), bus.ToAll, env.Append(nil), func(err error) { stored <- err })
		noError(t, bustest.Next(t, "the word that the streams have it", stored))
		edgetest.Await(mod, wire.EvJoined, func(e wire.JoinedEvent) bool { return e.Mid == env.Mid() })
		edgetest.Must[wire.Keyed](mod, wire.OpLeave, wire.LeaveArgs{Room: "r"})
		edgetest.Eventually(t, "the edge has closed the room", func() bool { return gauge(t, n, "callmesh_edge_rooms") == 0 })
		const givenUp = "callmesh_edge_holes_given_up_total"
		lost := counter(t, n, givenUp)
		join(mod, "r")
		tail := wire.Envelope{Kind: wire.KindTail, Source: env.Source, N: env.N, Edge: env.Edge}
		noError(t, m.Edges[1].Bus.PublishLive(bus.RoomScope("r"), bus.ToEdges, tail.Append(nil)))
		readBack := false
		edgetest.Eventually(t, "mod is told anew, or the edge gives up what was sent too long before", func() bool {
			readBack = slices.ContainsFunc(mod.Events(wire.EvJoined), func(e edgetest.Event) bool {
				return e.Mid != env.Mid() && decode[wire.JoinedEvent](t, e).Peer == env.From
			})
			return readBack || counter(t, n, givenUp) > lost
		})
		edgetest.Must[wire.Keyed](mod, wire.OpLeave, wire.LeaveArgs{Room: "r"})
		return readBack
	})
}
