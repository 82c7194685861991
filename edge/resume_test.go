package edge_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// withGrace shortens the grace, for tests that wait for its end.
func withGrace(d time.Duration) edgetest.Config {
	return func(_ *bus.Options, o *edge.Options) { o.Limits.Grace = d }
}

func on(t *testing.T, edges int, change ...edgetest.Config) *edgetest.Mesh {
	t.Helper()
	c := bustest.Cluster(t, 1)
	return edgetest.Start(t, "eu", slices.Repeat([]string{c.URL(0)}, edges), change...)
}

// say posts numbered messages from a client and waits for their oks.
func say(t *testing.T, c *edgetest.Client, room wire.RoomID, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		edgetest.Must[wire.PostOK](c, wire.OpPost, wire.PostArgs{Room: room, Data: json.RawMessage(fmt.Sprint(i))})
	}
}

// heard returns the numbers that a client heard, in the order heard.
func heard(t *testing.T, clients ...*edgetest.Client) []int {
	t.Helper()
	var numbers []int
	for _, c := range clients {
		for _, e := range c.Events(wire.EvPost) {
			var post wire.PostEvent
			var n int
			if err := json.Unmarshal(e.Raw, &post); err != nil {
				t.Fatal(err)
			}
			if json.Unmarshal(post.Data, &n) == nil {
				numbers = append(numbers, n)
			}
		}
	}
	return numbers
}

func upTo(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}

func wantHeard(t *testing.T, n int, clients ...*edgetest.Client) {
	t.Helper()
	edgetest.Eventually(t, fmt.Sprintf("%d messages", n), func() bool { return len(heard(t, clients...)) >= n })
	if got := heard(t, clients...); !slices.Equal(got, upTo(n)) {
		t.Errorf("heard %v, want each from 0 to %d once and in order", got, n-1)
	}
}

func TestResumeOnTheSameAndOnAnotherEdge(t *testing.T) {
	m := on(t, 2)
	for i, to := range m.Edges {
		t.Run(fmt.Sprint("edge ", i), func(t *testing.T) {
			room := wire.RoomID(fmt.Sprint("r", i))
			a, b := edgetest.Connect(t, m.Edges[1], "ann"), edgetest.Connect(t, m.Edges[0], "ben")
			join(a, room)
			edgetest.Must[wire.JoinOK](b, wire.OpJoin, wire.JoinArgs{Room: room, Info: json.RawMessage(`{"hat":true}`)})
			meet(a, b)
			say(t, a, room, 0, 5)
			wantHeard(t, 5, b)
			b.Cut()
			say(t, a, room, 5, 10)
			edgetest.Must[wire.Empty](a, wire.OpSignal, wire.SignalArgs{Room: room, To: b.Peer(), Data: json.RawMessage(`"s"`)})
			again := b.Resume(to)
			if !again.Hello.Resumed || again.Peer() != b.Peer() || again.Hello.Session != b.Hello.Session {
				t.Fatalf("resume says %+v", again.Hello)
			}
			if rooms := again.Hello.Rooms; len(rooms) != 1 || rooms[0].Room != room || len(rooms[0].Peers) != 1 || rooms[0].Peers[0].Peer != a.Peer() {
				t.Errorf("the rooms are %+v", again.Hello.Rooms)
			}
			say(t, a, room, 10, 15)
			wantHeard(t, 15, b, again)
			edgetest.Await[wire.SignalEvent](again, wire.EvSignal, nil)
			say(t, again, room, 0, 3)
			wantHeard(t, 3, a)
			for _, e := range a.Events(wire.EvLeft) {
				t.Errorf("the room was told that somebody left: %s", e.Raw)
			}
			c := edgetest.Connect(t, m.Edges[1-i], "cid")
			ok := edgetest.Must[wire.JoinOK](c, wire.OpJoin, wire.JoinArgs{Room: room})
			infos := map[wire.PeerID]string{}
			for _, p := range ok.Peers {
				infos[p.Peer] = string(p.Info)
			}
			if len(infos) != 2 || infos[b.Peer()] != `{"hat":true}` {
				t.Errorf("the roster after the resume is %v", infos)
			}
		})
	}
}

func TestResumeTakesTheOldSocketsPlace(t *testing.T) {
	m := on(t, 2)
	a, b := edgetest.Connect(t, m.Edges[1], "ann"), edgetest.Connect(t, m.Edges[0], "ben")
	join(a, "r")
	join(b, "r")
	meet(a, b)
	say(t, a, "r", 0, 3)
	wantHeard(t, 3, b)
	again := b.Resume(m.Edges[1]) // while the old one is alive and well
	if code := b.CloseCode(); code != wire.CloseResumed {
		t.Errorf("the old socket got %d", code)
	}
	say(t, a, "r", 3, 6)
	wantHeard(t, 6, b, again)
	third := again.Resume(m.Edges[1])
	if code := again.CloseCode(); code != wire.CloseResumed {
		t.Errorf("the old socket on the same edge got %d", code)
	}
	say(t, a, "r", 6, 9)
	wantHeard(t, 9, b, again, third)
}

func TestResumeAfterTheEdgeDied(t *testing.T) {
	m := on(t, 3)
	a, b := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
	join(a, "r")
	join(b, "r")
	meet(a, b)
	say(t, a, "r", 0, 4)
	m.Edges[1].Stop()
	say(t, a, "r", 4, 8)
	again := b.Resume(m.Edges[2])
	if !again.Hello.Resumed {
		t.Error("the resume was not whole")
	}
	say(t, a, "r", 8, 12)
	wantHeard(t, 12, b, again)
	say(t, again, "r", 0, 2)
	wantHeard(t, 2, a)
}

// TestResumeAfterEveryEdgeDied has nothing left but NATS and what the clients hold.
func TestResumeAfterEveryEdgeDied(t *testing.T) {
	c := bustest.Cluster(t, 1)
	m := edgetest.Start(t, "eu", []string{c.URL(0), c.URL(0)})
	a, b := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
	join(a, "r")
	join(b, "r")
	meet(a, b)
	say(t, a, "r", 0, 4)
	m.Edges[0].Stop()
	m.Edges[1].Stop()
	fresh := edgetest.NewNode(t, "eu", c.URL(0))
	a2, b2 := a.Resume(fresh), b.Resume(fresh)
	if !a2.Hello.Resumed || !b2.Hello.Resumed {
		t.Error("a resume was not whole")
	}
	edgetest.Eventually(t, "both are back in the room", func() bool {
		return len(edgetest.Must[wire.JoinOK](a2, wire.OpJoin, wire.JoinArgs{Room: "r"}).Peers) == 1
	})
	say(t, a2, "r", 4, 8)
	wantHeard(t, 8, b, b2)
}

func TestARepeatedKeyIsDeliveredOnce(t *testing.T) {
	m := on(t, 3)
	a, b := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[2], "ben")
	join(a, "r")
	join(b, "r")
	meet(a, b)
	post := wire.PostArgs{Room: "r", Data: json.RawMessage(`0`), Key: "k0", Keep: true}
	edgetest.Must[wire.PostOK](a, wire.OpPost, post)
	edgetest.Must[wire.PostOK](a, wire.OpPost, post)
	a.Cut()
	again := a.Resume(m.Edges[1])
	edgetest.Must[wire.PostOK](again, wire.OpPost, post)
	say(t, again, "r", 1, 3)
	wantHeard(t, 3, b)
	history := edgetest.Must[wire.HistoryOK](b, wire.OpHistory, wire.HistoryArgs{Room: "r"})
	if len(history.Posts) != 1 {
		t.Errorf("the history has it %d times", len(history.Posts))
	}
	// The receiver's network is lost between the copies.
	b.Cut()
	post.Key, post.Data = "k3", json.RawMessage(`3`)
	edgetest.Must[wire.PostOK](again, wire.OpPost, post)
	edgetest.Must[wire.PostOK](again, wire.OpPost, post)
	b2 := b.Resume(m.Edges[0])
	say(t, again, "r", 4, 5)
	wantHeard(t, 5, b, b2)
}

func TestNobodyGhosts(t *testing.T) {
	m := on(t, 2, withGrace(2*time.Second))
	a, b, c := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[0], "ben"), edgetest.Connect(t, m.Edges[1], "cid")
	for _, client := range []*edgetest.Client{a, b, c} {
		join(client, "r")
	}
	meet(a, c)
	b.Cut()
	for _, other := range []*edgetest.Client{a, c} {
		ev := edgetest.Await(other, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == b.Peer() })
		if ev.Reason != wire.ReasonLost {
			t.Errorf("left says %q", ev.Reason)
		}
	}
	if _, answer := b.TryResume(m.Edges[1]); answer.Error == nil || answer.Error.Code != wire.CodeGone {
		t.Errorf("a resume after the grace: %+v", answer)
	}
	m.Edges[1].Stop()
	edgetest.Await(a, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == c.Peer() })
	if peers := edgetest.Must[wire.JoinOK](a, wire.OpJoin, wire.JoinArgs{Room: "r"}).Peers; len(peers) != 0 {
		t.Errorf("the roster still has %+v", peers)
	}
}

// TestTwoWhoJoinAtOnceMeet opens the same room on different nodes at the same moment, when neither can know of the other's interest.
func TestTwoWhoJoinAtOnceMeet(t *testing.T) {
	m := three(t)
	var clients []*edgetest.Client
	for i, n := range m.Edges {
		clients = append(clients, edgetest.Connect(t, n, fmt.Sprint("user", i)))
	}
	for round := range 25 {
		room := wire.RoomID(fmt.Sprint("round ", round))
		var answers []<-chan edgetest.Answer
		for _, c := range clients {
			answers = append(answers, c.Start(wire.OpJoin, wire.JoinArgs{Room: room}))
		}
		known := make([]map[wire.PeerID]bool, len(clients))
		for i, ch := range answers {
			answer := edgetest.Answered(t, wire.OpJoin, ch)
			if answer.Error != nil {
				t.Fatal(answer.Error)
			}
			var ok wire.JoinOK
			if err := json.Unmarshal(answer.OK, &ok); err != nil {
				t.Fatal(err)
			}
			known[i] = map[wire.PeerID]bool{}
			for _, p := range ok.Peers {
				known[i][p.Peer] = true
			}
		}
		for i, c := range clients {
			for j, other := range clients {
				if i != j && !known[i][other.Peer()] {
					edgetest.Await(c, wire.EvJoined, func(e wire.JoinedEvent) bool { return e.Room == room && e.Peer == other.Peer() })
				}
			}
			edgetest.Must[wire.Keyed](c, wire.OpLeave, wire.LeaveArgs{Room: room})
		}
	}
}

// TestAResumeThatEndsAfterItsOK loses the connection between the ok and what was missed, which is behind it.
func TestAResumeThatEndsAfterItsOK(t *testing.T) {
	m := on(t, 2)
	a, b := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[0], "ben")
	join(a, "r")
	join(b, "r")
	meet(a, b)
	say(t, a, "r", 0, 3)
	wantHeard(t, 3, b)
	b.Cut()
	say(t, a, "r", 3, 6)
	for _, to := range []*edgetest.Node{m.Edges[1], m.Edges[0]} {
		b = b.ResumeDeaf(to) // knows the ok's key, and nothing that came behind it
	}
	last := b.Resume(m.Edges[1])
	if !last.Hello.Resumed {
		t.Error("the last resume was not whole")
	}
	edgetest.Eventually(t, "what was missed", func() bool { return len(heard(t, last)) >= 3 })
	if got := heard(t, last); !slices.Equal(got, []int{3, 4, 5}) {
		t.Errorf("heard %v", got)
	}
}
