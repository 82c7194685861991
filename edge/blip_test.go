package edge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// These tests take the bus away from one edge for a moment, while something happens that it can hear of from nobody later.

// half starts two edges, of which the second reaches NATS through a proxy.
func half(t *testing.T, change ...edgetest.Config) (m *edgetest.Mesh, p *bustest.Proxy) {
	t.Helper()
	c := bustest.Cluster(t, 1)
	p = bustest.NewProxy(t, strings.TrimPrefix(c.URL(0), "nats://"))
	return edgetest.Start(t, "eu", []string{c.URL(0), "nats://" + p.Addr()}, change...), p
}

// cutOff takes the bus from an edge and returns once the edge knows.
func cutOff(t *testing.T, n *edgetest.Node, p *bustest.Proxy) {
	t.Helper()
	p.Cut()
	edgetest.Eventually(t, "the edge notices that the bus is gone", func() bool { return !n.Bus.Ready() })
}

// gauge reads a metric of an edge that has no labels.
func gauge(t *testing.T, n *edgetest.Node, name string) float64 {
	t.Helper()
	families, err := n.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func TestTheLastWordsOfAPeerAreHeardAfterABlip(t *testing.T) {
	m, p := half(t)
	a, b := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
	join(a, "r")
	join(b, "r")
	meet(a, b)
	cutOff(t, m.Edges[1], p)
	say(t, a, "r", 0, 1)
	a.MustRaw(wire.OpLeave, wire.LeaveArgs{Room: "r"}) // and with it, its edge
	p.Heal()
	wantHeard(t, 1, b)
	edgetest.Await(b, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == a.Peer() })
}

func TestAnEdgeThatCameDuringABlipIsHeardFromItsBeginning(t *testing.T) {
	m, p := half(t)
	a, b := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
	join(b, "r")
	cutOff(t, m.Edges[1], p)
	join(a, "r")
	say(t, a, "r", 0, 3)
	p.Heal()
	meet(b, a)
	wantHeard(t, 3, b)
	say(t, a, "r", 3, 4)
	wantHeard(t, 4, b)
}

// TestAnEdgeThatWasCutOffLetsGo resumes a session in a call elsewhere while its edge can't hear of that. The edge must not end it later.
func TestAnEdgeThatWasCutOffLetsGo(t *testing.T) {
	m, p := half(t, withGrace(3*time.Second))
	b, a := edgetest.Connect(t, m.Edges[0], "ben"), edgetest.Connect(t, m.Edges[1], "ann")
	call := edgetest.Must[wire.CallOK](a, wire.OpCall, wire.CallArgs{To: "ben", Media: wire.MediaAudio})
	edgetest.Must[wire.AnswerOK](b, wire.OpAnswer, wire.AnswerArgs{Call: call.Call, Accept: true})
	edgetest.Await[wire.CallEvent](a, wire.EvCall, nil)
	cutOff(t, m.Edges[1], p)
	a.Cut()
	again := a.Resume(m.Edges[0])
	p.Heal()
	edgetest.Eventually(t, "the edge lets the session go", func() bool { return gauge(t, m.Edges[1], "callmesh_edge_sessions") == 0 })
	third := again.Resume(m.Edges[0])
	if !third.Hello.Resumed {
		t.Error("the next resume was not whole")
	}
	edgetest.Must[wire.Empty](third, wire.OpHangup, wire.HangupArgs{Call: call.Call}) // it still goes on
	for _, c := range []*edgetest.Client{a, again, third} {
		for _, e := range c.Events(wire.EvCall) {
			if decode[wire.CallEvent](t, e).State == wire.CallEnded {
				t.Errorf("ann was told %s", e.Raw)
			}
		}
	}
}

func TestPresenceIsAskedAgainAfterABlip(t *testing.T) {
	m, p := half(t)
	a, b := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
	if ok := edgetest.Must[wire.PresenceOK](b, wire.OpPresence, wire.PresenceArgs{Users: []wire.UserID{"ann"}}); !ok.Online["ann"] {
		t.Fatal("ann is said to be offline")
	}
	cutOff(t, m.Edges[1], p)
	a.Close()
	p.Heal()
	edgetest.Await(b, wire.EvPresence, func(e wire.PresenceEvent) bool { return e.User == "ann" && !e.Online })
}

// TestARepeatAfterAnEdgeDied has sender and receiver on one edge, which dies with what it remembers.
func TestARepeatAfterAnEdgeDied(t *testing.T) {
	m := on(t, 2)
	s, r := edgetest.Connect(t, m.Edges[0], "sam"), edgetest.Connect(t, m.Edges[0], "rae")
	join(s, "r")
	join(r, "r")
	meet(s, r)
	post := wire.PostArgs{Room: "r", Data: json.RawMessage(`0`), Key: "k"}
	edgetest.Must[wire.PostOK](s, wire.OpPost, post)
	wantHeard(t, 1, r)
	m.Edges[0].Stop()
	r2, s2 := r.Resume(m.Edges[1]), s.Resume(m.Edges[1])
	edgetest.Must[wire.PostOK](s2, wire.OpPost, post)
	say(t, s2, "r", 1, 2)
	wantHeard(t, 2, r, r2)
}

// TestAResumeHasNothingFromBeforeTheJoin lets a room empty and fill again within the time that a resume reads back.
func TestAResumeHasNothingFromBeforeTheJoin(t *testing.T) {
	m := on(t, 2)
	a, b := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[0], "ben")
	join(a, "r")
	join(b, "r")
	meet(a, b)
	say(t, a, "r", 0, 3)
	for _, c := range []*edgetest.Client{a, b} {
		c.MustRaw(wire.OpLeave, wire.LeaveArgs{Room: "r"})
	}
	eve := edgetest.Connect(t, m.Edges[1], "eve")
	join(eve, "r")
	eve.Cut()
	again := eve.Resume(m.Edges[1])
	if !again.Hello.Resumed {
		t.Error("the resume was not whole")
	}
	join(b, "r")
	again.Flush("r", b)
	if got := heard(t, eve, again); len(got) != 0 {
		t.Errorf("she heard %v from before she came", got)
	}
}

// TestAReaderThatStopsIsCut fills the way to a client that no longer reads, and then makes the edge want to close in good order.
func TestAReaderThatStopsIsCut(t *testing.T) {
	m := on(t, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 2*edgetest.Patience)
	defer cancel()
	ws, res, err := websocket.Dial(ctx, m.Edges[0].URL, &websocket.DialOptions{Subprotocols: []string{wire.Subprotocol}})
	if err != nil {
		t.Fatal(err)
	}
	if res.Body != nil {
		_ = res.Body.Close()
	}
	defer func() { _ = ws.CloseNow() }()
	write := func(format string, args ...any) bool {
		return ws.Write(ctx, websocket.MessageText, fmt.Appendf(nil, format, args...)) == nil
	}
	write(`{"id":1,"op":"hello","token":%q}`, edgetest.Token(t, "eve", time.Hour))
	write(`{"id":2,"op":"join","room":"r"}`)
	post := strings.Repeat("x", 60<<10)
	other := edgetest.Connect(t, m.Edges[0], "ann")
	edgetest.Eventually(t, "both are in the room", func() bool { return len(join(other, "r")) == 1 })
	for range 24 { // more than the sockets' buffers hold, less than the queue's bound
		edgetest.Must[wire.PostOK](other, wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(`"` + post + `"`)})
	}
	write(`nonsense`)
	other.Close()
	edgetest.Eventually(t, "the socket is gone", func() bool { return gauge(t, m.Edges[0], "callmesh_edge_sockets") == 0 })
}
