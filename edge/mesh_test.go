package edge_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// three starts three edges on the three nodes of a NATS cluster.
func three(t *testing.T) *edgetest.Mesh {
	t.Helper()
	c := bustest.Cluster(t, 3)
	return edgetest.Start(t, "eu", []string{c.URL(0), c.URL(1), c.URL(2)})
}

func join(c *edgetest.Client, room wire.RoomID) []wire.PeerID {
	ok := edgetest.Must[wire.JoinOK](c, wire.OpJoin, wire.JoinArgs{Room: room})
	var ids []wire.PeerID
	for _, p := range ok.Peers {
		ids = append(ids, p.Peer)
	}
	return ids
}

// meet waits until a has been told of b: before that, a's edge may not know it.
func meet(a, b *edgetest.Client) {
	edgetest.Await(a, wire.EvJoined, func(e wire.JoinedEvent) bool { return e.Peer == b.Peer() })
}

func TestRosterAcrossEdges(t *testing.T) {
	m := three(t)
	a, b, c := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben"), edgetest.Connect(t, m.Edges[2], "cid")
	if got := join(a, "r"); len(got) != 0 {
		t.Fatalf("the first finds %v", got)
	}
	if got := join(b, "r"); !slices.Equal(got, []wire.PeerID{a.Peer()}) {
		t.Fatalf("the second finds %v, want %v", got, a.Peer())
	}
	ok := edgetest.Must[wire.JoinOK](c, wire.OpJoin, wire.JoinArgs{Room: "r", Info: json.RawMessage(`{"x":1}`)})
	if len(ok.Peers) != 2 {
		t.Fatalf("the third finds %+v", ok.Peers)
	}
	for _, other := range []*edgetest.Client{a, b} {
		ev := edgetest.Await(other, wire.EvJoined, func(e wire.JoinedEvent) bool { return e.Peer == c.Peer() })
		if ev.Room != "r" || ev.User.ID != "cid" || ev.Region != "eu" || string(ev.Info) != `{"x":1}` {
			t.Errorf("joined says %+v", ev)
		}
	}
	edgetest.Must[wire.Keyed](c, wire.OpUpdate, wire.UpdateArgs{Room: "r", Info: json.RawMessage(`{"x":2}`)})
	edgetest.Await(a, wire.EvUpdated, func(e wire.UpdatedEvent) bool { return e.Peer == c.Peer() && string(e.Info) == `{"x":2}` })
	edgetest.Must[wire.Keyed](b, wire.OpLeave, wire.LeaveArgs{Room: "r"})
	edgetest.Await(a, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == b.Peer() && e.Reason == wire.ReasonLeave })
	c.Close()
	edgetest.Await(a, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == c.Peer() && e.Reason == wire.ReasonClosed })
}

func TestMessagesReachThoseTheyAreFor(t *testing.T) {
	m := three(t)
	a, b, c := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben"), edgetest.Connect(t, m.Edges[2], "cid")
	d := edgetest.Connect(t, m.Edges[1], "dan") // on an edge with the room, and not in it
	for _, client := range []*edgetest.Client{a, b, c} {
		join(client, "r")
	}
	join(d, "other")
	meet(a, b)
	edgetest.Must[wire.Empty](a, wire.OpSignal, wire.SignalArgs{Room: "r", To: b.Peer(), Data: json.RawMessage(`{"sdp":"x"}`)})
	ok := edgetest.Must[wire.PostOK](a, wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(`["hi",1.50]`)})
	sig := edgetest.Await[wire.SignalEvent](b, wire.EvSignal, nil)
	if sig.From != a.Peer() || string(sig.Data) != `{"sdp":"x"}` || sig.Room != "r" {
		t.Errorf("signal says %+v", sig)
	}
	for _, client := range []*edgetest.Client{b, c} {
		post := edgetest.Await[wire.PostEvent](client, wire.EvPost, nil)
		if post.Mid != ok.Mid || post.At != ok.At || post.From != a.Peer() || post.User.ID != "ann" || string(post.Data) != `["hi",1.50]` {
			t.Errorf("post says %+v, its ok said %+v", post, ok)
		}
	}
	a.Flush("r", b)
	if got := append(c.Events(wire.EvSignal), a.Events(wire.EvSignal)...); len(got) != 0 {
		t.Errorf("a signal for another came: %s", got[0].Raw)
	}
	if got := len(a.Events(wire.EvPost)); got != 1 { // only the flush's
		t.Errorf("%d posts came to their own sender", got-1)
	}
	if got := d.Events(""); len(got) != 0 {
		t.Errorf("somebody outside of the room heard %s", got[0].Raw)
	}
	for _, op := range []struct {
		op   wire.Op
		args any
	}{
		{wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(`1`)}},
		{wire.OpSignal, wire.SignalArgs{Room: "r", To: a.Peer(), Data: json.RawMessage(`1`)}},
		{wire.OpHistory, wire.HistoryArgs{Room: "r"}},
		{wire.OpUpdate, wire.UpdateArgs{Room: "r", Info: json.RawMessage(`1`)}},
		{wire.OpLeave, wire.LeaveArgs{Room: "r"}},
	} {
		if got := d.Do(op.op, op.args); got.Error == nil || got.Error.Code != wire.CodeNotInRoom {
			t.Errorf("%s from outside: %+v", op.op, got)
		}
	}
}

func TestOrderPerSender(t *testing.T) {
	m := three(t)
	a, b := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[2], "ben")
	join(a, "r")
	join(b, "r")
	meet(a, b)
	const n = 500
	var last <-chan edgetest.Answer
	for i := range n {
		if i%2 == 0 {
			last = a.Start(wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(fmt.Sprint(i))})
		} else {
			last = a.Start(wire.OpSignal, wire.SignalArgs{Room: "r", To: b.Peer(), Data: json.RawMessage(fmt.Sprint(i))})
		}
	}
	if got := edgetest.Answered(t, wire.OpSignal, last); got.Error != nil {
		t.Fatal(got.Error)
	}
	var events []edgetest.Event
	edgetest.Eventually(t, "all messages", func() bool {
		events = append(b.Events(wire.EvPost), b.Events(wire.EvSignal)...)
		return len(events) == n
	})
	i := 0
	for _, e := range b.Events("") {
		if e.Ev != wire.EvPost && e.Ev != wire.EvSignal {
			continue
		}
		if !strings.HasSuffix(string(e.Raw), fmt.Sprintf(`"data":%d}`, i)) {
			t.Fatalf("number %d is %s", i, e.Raw)
		}
		i++
	}
}

// TestCraftedIDs uses ids that would mean something in a NATS subject, or that other systems cut or fold.
func TestCraftedIDs(t *testing.T) {
	m := three(t)
	rooms := []wire.RoomID{"a.b", "a", "b", "*", ">", "a.>", "a.*", " ", "a b", "_", "keep", "🎉", "é", "e\u0301", "A", "cm.eu.1.room.YQ.>", "%2e", `"\\`, wire.RoomID(strings.Repeat("x", 128))}
	a, b := edgetest.Connect(t, m.Edges[0], "*"), edgetest.Connect(t, m.Edges[1], "a.>")
	for i, room := range rooms {
		if i%30 == 29 {
			a, b = edgetest.Connect(t, m.Edges[0], "*"), edgetest.Connect(t, m.Edges[1], "a.>")
		}
		join(a, room)
		if got := join(b, room); !slices.Equal(got, []wire.PeerID{a.Peer()}) {
			t.Fatalf("room %q: the second finds %v", room, got)
		}
	}
	for _, room := range rooms {
		edgetest.Must[wire.PostOK](a, wire.OpPost, wire.PostArgs{Room: room, Data: json.RawMessage(`1`)})
	}
	for _, room := range rooms {
		b.Flush(room, a)
	}
	heard := make(map[wire.RoomID]int)
	for _, e := range b.Events(wire.EvPost) {
		var post wire.PostEvent
		if err := json.Unmarshal(e.Raw, &post); err != nil {
			t.Fatal(err)
		}
		heard[post.Room]++
	}
	for _, room := range rooms {
		if heard[room] != 2 { // the post and the flush's
			t.Errorf("room %q heard %d posts", room, heard[room])
		}
	}
	for _, to := range []wire.PeerID{"*", ">", "_", "keep", "edges", "", ".", wire.PeerID(strings.Repeat("a", 16)), wire.PeerID(strings.Repeat("a", 10<<10)), a.Peer() + ".x", a.Peer()} {
		got := a.Do(wire.OpSignal, wire.SignalArgs{Room: "a", To: to, Data: json.RawMessage(`1`)})
		if got.Error == nil || got.Error.Code != wire.CodeNoSuchPeer {
			t.Errorf("signal to %.40q: %+v", to, got)
		}
	}
	for _, room := range []wire.RoomID{"", "\x00", "a\nb", "\u0085", wire.RoomID(strings.Repeat("x", 129)), wire.RoomID(strings.Repeat("x", 10<<10))} {
		got := a.Do(wire.OpJoin, wire.JoinArgs{Room: room})
		if got.Error == nil || got.Error.Code != wire.CodeBadRequest {
			t.Errorf("join %.40q: %+v", room, got)
		}
	}
	for _, call := range []wire.CallID{"", "eu", "eu.*", "eu.>", "*.aaaaaaaaaaaaaaaaaaaa", "eu.aaaaaaaaaaaaaaaaaaaa", "us.aaaaaaaaaaaaaaaaaaaa"} {
		got := a.Do(wire.OpHangup, wire.HangupArgs{Call: call})
		if got.Error == nil || got.Error.Code != wire.CodeGone {
			t.Errorf("hangup %q: %+v", call, got)
		}
	}
}
