package edge_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// replicas has streams kept by so many nodes.
func replicas(n int) edgetest.Config {
	return func(b *bus.Options, _ *edge.Options) { b.Replicas = n }
}

// abroad is two regions of n nodes, with an edge on the first node and on the last of each.
type abroad struct {
	*edgetest.Mesh
	nats     *bustest.Mesh
	eu, asia []*edgetest.Node
}

func twoRegions(t *testing.T, n int, change ...edgetest.Config) *abroad {
	t.Helper()
	a := &abroad{nats: bustest.Super(t, n, "eu", "asia")}
	change = append([]edgetest.Config{replicas(n)}, change...)
	a.Mesh = edgetest.Start(t, "eu", nil)
	for _, at := range []int{0, n - 1} {
		a.eu = append(a.eu, a.Add("eu", a.nats.Region("eu").URL(at), change...))
		a.asia = append(a.asia, a.Add("asia", a.nats.Region("asia").URL(at), change...))
	}
	a.Await()
	for _, node := range a.Edges {
		edgetest.Eventually(t, "both regions are known", func() bool { return len(node.Bus.Regions()) == 2 })
	}
	return a
}

func TestTwoRegions(t *testing.T) {
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprint(n, " nodes each"), func(t *testing.T) {
			m := twoRegions(t, n)
			t.Run("roster and messages", func(t *testing.T) { testRosterAbroad(t, m) })
			t.Run("a call", func(t *testing.T) { testCallAbroad(t, m) })
			t.Run("presence", func(t *testing.T) { testPresenceAbroad(t, m) })
			t.Run("a user who moves", func(t *testing.T) { testMoveAbroad(t, m) })
			t.Run("history", func(t *testing.T) { testHistoryAbroad(t, m) })
			t.Run("joins at once", func(t *testing.T) {
				joinAtOnce(t, 50, m.eu[0], m.asia[0], m.eu[1], m.asia[1])
			})
			t.Run("the other region's edges die", func(t *testing.T) { testEdgesDieAbroad(t, m) })
		})
	}
}

func testRosterAbroad(t *testing.T, m *abroad) {
	a, b := edgetest.Connect(t, m.eu[0], "ann"), edgetest.Connect(t, m.asia[0], "ben")
	join(a, "roster")
	if got := join(b, "roster"); !slices.Equal(got, []wire.PeerID{a.Peer()}) {
		t.Errorf("the second finds %v, want %v", got, a.Peer())
	}
	ev := edgetest.Await(a, wire.EvJoined, func(e wire.JoinedEvent) bool { return e.Peer == b.Peer() })
	if ev.Region != "asia" {
		t.Errorf("ben is said to be in %q", ev.Region)
	}
	say(t, a, "roster", 0, 20)
	wantHeard(t, 20, b)
	say(t, b, "roster", 0, 20)
	wantHeard(t, 20, a)
	edgetest.Must[wire.Empty](a, wire.OpSignal, wire.SignalArgs{Room: "roster", To: b.Peer(), Data: json.RawMessage(`"s"`)})
	edgetest.Await[wire.SignalEvent](b, wire.EvSignal, nil)
	b.Close()
	edgetest.Await(a, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == b.Peer() })
}

// testCallAbroad rings devices in both regions, of which one answers.
func testCallAbroad(t *testing.T, m *abroad) {
	a := edgetest.Connect(t, m.eu[0], "ann")
	devices := []*edgetest.Client{edgetest.Connect(t, m.asia[0], "cal"), edgetest.Connect(t, m.eu[1], "cal"), edgetest.Connect(t, m.asia[1], "cal")}
	call := edgetest.Must[wire.CallOK](a, wire.OpCall, wire.CallArgs{To: "cal", Media: wire.MediaVideo})
	var answers []<-chan edgetest.Answer
	for _, d := range devices {
		edgetest.Await(d, wire.EvRing, func(e wire.RingEvent) bool { return e.Call == call.Call })
	}
	for _, d := range devices {
		answers = append(answers, d.Start(wire.OpAnswer, wire.AnswerArgs{Call: call.Call, Accept: true}))
	}
	won := -1
	for i, ch := range answers {
		switch got := edgetest.Answered(t, wire.OpAnswer, ch); {
		case got.Error == nil && won >= 0:
			t.Errorf("devices %d and %d both won", won, i)
		case got.Error == nil:
			won = i
		case got.Error.Code != wire.CodeTaken:
			t.Errorf("device %d: %v", i, got.Error)
		}
	}
	if won < 0 {
		t.Fatal("nobody won")
	}
	if ev := edgetest.Await[wire.CallEvent](a, wire.EvCall, nil); ev.State != wire.CallAccepted || ev.By != devices[won].Peer() {
		t.Errorf("the caller is told %+v, the winner is %s", ev, devices[won].Peer())
	}
	edgetest.Must[wire.Empty](devices[won], wire.OpHangup, wire.HangupArgs{Call: call.Call})
	edgetest.Await(a, wire.EvCall, func(e wire.CallEvent) bool { return e.State == wire.CallEnded })
}

func testPresenceAbroad(t *testing.T, m *abroad) {
	a := edgetest.Connect(t, m.eu[0], "ann")
	if ok := edgetest.Must[wire.PresenceOK](a, wire.OpPresence, wire.PresenceArgs{Users: []wire.UserID{"dora"}}); ok.Online["dora"] {
		t.Error("dora is said to be online before she came")
	}
	d := edgetest.Connect(t, m.asia[1], "dora")
	edgetest.Await(a, wire.EvPresence, func(e wire.PresenceEvent) bool { return e.User == "dora" && e.Online })
	d.Close()
	edgetest.Await(a, wire.EvPresence, func(e wire.PresenceEvent) bool { return e.User == "dora" && !e.Online })
}

// testMoveAbroad resumes a session in the other region and back, while others talk.
func testMoveAbroad(t *testing.T, m *abroad) {
	a, b := edgetest.Connect(t, m.eu[0], "ann"), edgetest.Connect(t, m.eu[1], "ben")
	join(a, "move")
	join(b, "move")
	meet(a, b)
	hops := []*edgetest.Client{b}
	for i, to := range []*edgetest.Node{m.asia[0], m.eu[0], m.asia[1], m.eu[1]} {
		last := hops[len(hops)-1]
		say(t, a, "move", 10*i, 10*i+3)
		last.Cut()
		say(t, a, "move", 10*i+3, 10*i+7)
		next := last.Resume(to)
		if !next.Hello.Resumed {
			t.Errorf("hop %d was not whole", i)
		}
		hops = append(hops, next)
		say(t, a, "move", 10*i+7, 10*i+10)
		say(t, next, "move", i, i+1)
	}
	wantHeard(t, 40, hops...)
	wantHeard(t, 4, a)
	for _, e := range a.Events(wire.EvLeft) {
		t.Errorf("the room was told that somebody left: %s", e.Raw)
	}
}

func testHistoryAbroad(t *testing.T, m *abroad) {
	a, b := edgetest.Connect(t, m.eu[0], "ann"), edgetest.Connect(t, m.asia[0], "ben")
	join(a, "history")
	join(b, "history")
	meet(a, b)
	for i := range 6 {
		from := []*edgetest.Client{a, b}[i%2]
		edgetest.Must[wire.PostOK](from, wire.OpPost, wire.PostArgs{Room: "history", Data: json.RawMessage(fmt.Sprint(i)), Keep: true})
		for _, c := range []*edgetest.Client{a, b} {
			ok := edgetest.Must[wire.HistoryOK](c, wire.OpHistory, wire.HistoryArgs{Room: "history"})
			if len(ok.Posts) != i+1 {
				t.Fatalf("after %d posts, %s finds %d", i+1, c.Hello.Region, len(ok.Posts))
			}
		}
	}
}

// testEdgesDieAbroad kills every edge of a region: its sessions go on in the other one, and miss nothing.
func testEdgesDieAbroad(t *testing.T, m *abroad) {
	a, b := edgetest.Connect(t, m.eu[0], "ann"), edgetest.Connect(t, m.asia[0], "ben")
	join(a, "die")
	join(b, "die")
	meet(a, b)
	say(t, b, "die", 0, 5)
	say(t, a, "die", 0, 5)
	for _, n := range m.asia {
		n.Stop()
	}
	say(t, a, "die", 5, 10)
	again := b.Resume(m.eu[1])
	if !again.Hello.Resumed {
		t.Error("the resume was not whole")
	}
	say(t, again, "die", 5, 10)
	wantHeard(t, 10, b, again)
	wantHeard(t, 10, a)
	for _, e := range a.Events(wire.EvLeft) {
		t.Errorf("the room was told that somebody left: %s", e.Raw)
	}
}

// joinAtOnce lets a client on each of the nodes open the same new room at the same moment, round after round: all must find each other.
func joinAtOnce(t *testing.T, rounds int, nodes ...*edgetest.Node) {
	t.Helper()
	var clients []*edgetest.Client
	for i, n := range nodes {
		clients = append(clients, edgetest.Connect(t, n, fmt.Sprint("user", i)))
	}
	for round := range rounds {
		room := wire.RoomID(fmt.Sprint("round ", round))
		var answers []<-chan edgetest.Answer
		for i := range clients { // each is the first at times
			answers = append(answers, clients[(i+round)%len(clients)].Start(wire.OpJoin, wire.JoinArgs{Room: room}))
		}
		known := make(map[*edgetest.Client]map[wire.PeerID]bool)
		for i, ch := range answers {
			answer := edgetest.Answered(t, wire.OpJoin, ch)
			if answer.Error != nil {
				t.Fatal(answer.Error)
			}
			var ok wire.JoinOK
			if err := json.Unmarshal(answer.OK, &ok); err != nil {
				t.Fatal(err)
			}
			found := map[wire.PeerID]bool{}
			for _, p := range ok.Peers {
				found[p.Peer] = true
			}
			known[clients[(i+round)%len(clients)]] = found
		}
		for _, c := range clients {
			for _, other := range clients {
				if c != other && !known[c][other.Peer()] {
					edgetest.Await(c, wire.EvJoined, func(e wire.JoinedEvent) bool { return e.Room == room && e.Peer == other.Peer() })
				}
			}
		}
		for _, c := range clients {
			edgetest.Must[wire.Keyed](c, wire.OpLeave, wire.LeaveArgs{Room: room})
		}
	}
}

// TestACallInsideARegionStaysThere counts what goes over the gateways while two people in one region call each other, talk and hang up, on two edges:
// no message of theirs. What crosses at any time is heartbeats of edges, and what the NATS servers and JetStream say to one another; they are told apart by
// subject. (A post that is kept is copied into the history of every region.)
func TestACallInsideARegionStaysThere(t *testing.T) {
	m := twoRegions(t, 1)
	far := edgetest.Connect(t, m.asia[0], "far") // the other region is busy with something else
	join(far, "elsewhere")
	m.nats.Crossing().Take()
	callAndTalk(t, edgetest.Connect(t, m.eu[0], "ann"), edgetest.Connect(t, m.eu[1], "ben"))
	kinds := map[string]int{}
	for subject, n := range m.nats.Crossing().Take() {
		kind := crossingKind(subject)
		kinds[kind] += n
		if kind == "" {
			t.Errorf("%d times crossed: %s", n, subject)
		}
	}
	t.Logf("crossed meanwhile: %v", kinds)

	callAndTalk(t, edgetest.Connect(t, m.eu[0], "ann"), far) // proof that the count counts
	crossed := 0
	for subject, n := range m.nats.Crossing().Take() {
		if strings.HasPrefix(subject, "cmtold.eu.") {
			crossed += n
		}
	}
	if crossed < 100 {
		t.Errorf("only %d messages crossed for a call across", crossed)
	}
}

// crossingKind names what may cross though no call does; it is empty for the rest.
func crossingKind(subject string) string {
	if strings.HasPrefix(subject, "cm.") && strings.HasSuffix(subject, ".mark") {
		return "marks, to which streams are read"
	}
	for prefix, kind := range map[string]string{
		"cmx.lease.": "heartbeats of edges",
		"$SYS.":      "NATS servers about themselves",
		"$NRG.":      "JetStream's meta group", "_R_.": "JetStream's meta group", "$JSC.": "JetStream's meta group",
		"$JS.S.":   "the histories, which copy kept posts into every region",
		"$JS.API.": "questions to JetStream, which all its servers hear",
		"_GR_.":    "their answers", "_INBOX.": "their answers",
	} {
		if strings.HasPrefix(subject, prefix) {
			return kind
		}
	}
	return ""
}

// callAndTalk is a whole call: ring, answer, a room, signals, texts, and the end.
func callAndTalk(t *testing.T, a, b *edgetest.Client) {
	t.Helper()
	call := edgetest.Must[wire.CallOK](a, wire.OpCall, wire.CallArgs{To: b.Hello.User.ID, Media: wire.MediaVideo})
	edgetest.Await(b, wire.EvRing, func(e wire.RingEvent) bool { return e.Call == call.Call })
	edgetest.Must[wire.AnswerOK](b, wire.OpAnswer, wire.AnswerArgs{Call: call.Call, Accept: true})
	edgetest.Await(a, wire.EvCall, func(e wire.CallEvent) bool { return e.Call == call.Call })
	join(a, call.Room)
	join(b, call.Room)
	meet(a, b)
	for range 50 {
		edgetest.Must[wire.Empty](a, wire.OpSignal, wire.SignalArgs{Room: call.Room, To: b.Peer(), Data: json.RawMessage(`"sdp"`)})
		edgetest.Must[wire.PostOK](a, wire.OpPost, wire.PostArgs{Room: call.Room, Data: json.RawMessage(`"text"`)})
	}
	edgetest.Eventually(t, "all is heard", func() bool { return len(b.Events(wire.EvPost)) >= 50 && len(b.Events(wire.EvSignal)) >= 50 })
	edgetest.Must[wire.Empty](a, wire.OpHangup, wire.HangupArgs{Call: call.Call})
	edgetest.Await(b, wire.EvCall, func(e wire.CallEvent) bool { return e.Call == call.Call && e.State == wire.CallEnded })
}
