package edge_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// A client whose connection ends before an ok has come has an older key than the edge thinks. What it may do with that, these tests say.

// signals sends a signal until it is accepted, and awaits it.
func signals(t *testing.T, room wire.RoomID, from, to *edgetest.Client, text string) {
	t.Helper()
	data, err := json.Marshal(text)
	noError(t, err)
	var refused *wire.Error
	edgetest.Eventually(t, "a signal is accepted", func() bool {
		refused = nil
		if a := from.Do(wire.OpSignal, wire.SignalArgs{Room: room, To: to.Peer(), Data: data, Key: text + string(to.Peer())}); a.Error != nil {
			refused = a.Error
		}
		return refused == nil
	})
	edgetest.Await(to, wire.EvSignal, func(e wire.SignalEvent) bool { return string(e.Data) == string(data) })
}

// TestAResumeWhoseOkWasLost has a session resumed on one edge, and with the same key on another: it is there alone, and nobody is told that it left.
func TestAResumeWhoseOkWasLost(t *testing.T) {
	const grace = 2 * time.Second
	m := on(t, 2, withGrace(grace))
	type visit struct {
		name        string
		room        wire.RoomID
		here, there *edgetest.Client
		q           *edgetest.Client // where it stays
	}
	var all []visit
	for _, order := range [][]int{{0, 1}, {1, 0}, {0, 0, 1}, {1, 1, 0}, {0, 1, 0}} { // the last is where it stays; it begins on the first edge
		for _, cut := range []bool{true, false} {
			v := visit{name: fmt.Sprintf("over %v, sockets cut: %t", order, cut)}
			v.room = wire.RoomID(v.name)
			q := edgetest.Connect(t, m.Edges[0], "q")
			v.here, v.there = edgetest.Connect(t, m.Edges[0], "here"), edgetest.Connect(t, m.Edges[1], "there")
			for _, c := range []*edgetest.Client{v.here, v.there, q} {
				join(c, v.room)
			}
			meet(v.here, q)
			meet(v.there, q)
			old := q.Past()
			q.Cut()
			var sockets []*edgetest.Client
			for i, at := range order {
				v.q = old.Resume(m.Edges[at])
				if !v.q.Hello.Resumed {
					t.Fatalf("%s: a resume was not whole", v.name)
				}
				if i == len(order)-1 {
					break
				}
				if sockets = append(sockets, v.q); cut { // and the ok is not taken in
					v.q.Cut()
				}
			}
			for _, before := range sockets {
				if code := before.CloseCode(); !cut && code != wire.CloseResumed {
					t.Errorf("%s: an earlier socket was closed with %d", v.name, code)
				}
			}
			all = append(all, v)
		}
	}
	until(t, "the grace is over, and the sweep after it", time.Now().Add(grace+2*time.Second))
	for _, v := range all {
		for _, c := range []*edgetest.Client{v.here, v.there} {
			signals(t, v.room, c, v.q, "still there")
			if list := c.Events(wire.EvLeft); len(list) > 0 {
				t.Errorf("%s: it is said to have left: %s", v.name, list[0].Raw)
			}
			if !slices.Contains(join(c, v.room), v.q.Peer()) {
				t.Errorf("%s: it is not in the roster", v.name)
			}
		}
	}
	if at := gauge(t, m.Edges[0], "callmesh_edge_sessions") + gauge(t, m.Edges[1], "callmesh_edge_sessions"); int(at) != 3*len(all) {
		t.Errorf("the edges hold %v sessions, want %d", at, 3*len(all))
	}
}

// TestAJoinWhoseOkWasLost has a session go on elsewhere without a room that it joined: those who sent to it there are told that it left, and that it has come.
func TestAJoinWhoseOkWasLost(t *testing.T) {
	for name, goesTo := range map[string]int{"elsewhere": 1, "to the same edge": 0} {
		t.Run(name, func(t *testing.T) {
			m := on(t, 2)
			ann, x := edgetest.Connect(t, m.Edges[1], "ann"), edgetest.Connect(t, m.Edges[0], "x")
			ben := edgetest.Connect(t, m.Edges[0], "ben")
			join(ann, "r")
			join(ben, "r")
			old := x.Past()
			join(x, "r")
			for _, c := range []*edgetest.Client{ann, ben} {
				meet(c, x)
				signals(t, "r", c, x, "an offer")
			}
			x.Cut()
			x = old.Resume(m.Edges[goesTo])
			if goesTo == 0 { // which knows that the session is in the room
				if len(x.Hello.Rooms) != 1 {
					t.Fatalf("the rooms are %v", x.Hello.Rooms)
				}
				for range 2 {
					edgetest.Await[wire.SignalEvent](x, wire.EvSignal, nil)
				}
				return
			}
			if len(x.Hello.Rooms) != 0 {
				t.Fatalf("the rooms are %v", x.Hello.Rooms)
			}
			join(x, "r")
			for _, c := range []*edgetest.Client{ann, ben} {
				edgetest.Await(c, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == x.Peer() })
				edgetest.Eventually(t, "it has come again", func() bool { return len(c.Events(wire.EvJoined)) >= 2 })
				signals(t, "r", c, x, "another offer")
				signals(t, "r", x, c, "an answer")
			}
		})
	}
}

// TestAnOldKeyOpensNoRoom has a session resume with a key from before it left a room: it is not in there again, and hears nothing of it.
func TestAnOldKeyOpensNoRoom(t *testing.T) {
	m := on(t, 2)
	ann, x := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[0], "x")
	join(ann, "r")
	join(x, "r")
	join(x, "another")
	ben := edgetest.Connect(t, m.Edges[0], "ben")
	join(ben, "another")
	meet(ann, x)
	old := x.Past()
	edgetest.Must[wire.Keyed](x, wire.OpLeave, wire.LeaveArgs{Room: "r"})
	edgetest.Await(ann, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == x.Peer() })
	edgetest.Must[wire.PostOK](ann, wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(`"secret"`)})
	x.Cut()
	for _, at := range []int{1, 0} {
		x = old.Resume(m.Edges[at])
		if len(x.Hello.Rooms) != 1 || x.Hello.Rooms[0].Room != "another" {
			t.Errorf("it is in %v again", x.Hello.Rooms)
		}
		wantError(t, "a post", x.Do(wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(`1`)}), wire.CodeNotInRoom, "")
		edgetest.Must[wire.PostOK](ann, wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(`"secret"`)})
		x.Flush("another", ben)
		for _, e := range x.Events(wire.EvPost) {
			if strings.Contains(string(e.Raw), "secret") {
				t.Errorf("it hears %s", e.Raw)
			}
		}
		x.Cut()
	}
	if came := ann.Events(wire.EvJoined); len(came) != 1 {
		t.Errorf("it is said to have come %d times", len(came))
	}
}
