package edge_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
	"callmesh/turnctl/turnauth"
)

func TestRoomsPerSession(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.Rooms = 3 }))
	c := edgetest.Connect(t, m.Edges[0], "ann")
	for _, room := range []wire.RoomID{"a", "b", "c"} {
		join(c, room)
	}
	wantError(t, "one room more", c.Do(wire.OpJoin, wire.JoinArgs{Room: "d"}), wire.CodeRoomFull, "the session is in 3 rooms, which is the limit: leave one first")
	join(c, "a") // again is not one more
	edgetest.Must[wire.Keyed](c, wire.OpLeave, wire.LeaveArgs{Room: "b"})
	join(c, "d")
	wantError(t, "leaving twice", c.Do(wire.OpLeave, wire.LeaveArgs{Room: "b"}), wire.CodeNotInRoom, "the session is not in this room: join it first")
}

func TestRoomFull(t *testing.T) {
	m := oneNode(t, 2, limited(func(l *edge.Limits) { l.Peers = 3 }))
	var in []*edgetest.Client
	for i := range 3 {
		c := edgetest.Connect(t, m.Edges[i%2], fmt.Sprint("user", i))
		join(c, "r")
		for _, other := range in {
			meet(other, c)
		}
		in = append(in, c)
	}
	for i, n := range m.Edges {
		late := edgetest.Connect(t, n, "late")
		wantError(t, fmt.Sprint("edge ", i), late.Do(wire.OpJoin, wire.JoinArgs{Room: "r"}), wire.CodeRoomFull, "the room has 3 peers, which is the limit")
		wantError(t, "a post into a full room", late.Do(wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(`1`)}), wire.CodeNotInRoom, "")
		late.Close()
	}
	join(in[0], "r") // who is in it may join it again
	edgetest.Must[wire.Keyed](in[2], wire.OpLeave, wire.LeaveArgs{Room: "r"})
	edgetest.Await(in[1], wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == in[2].Peer() && e.Reason == wire.ReasonLeave })
	join(edgetest.Connect(t, m.Edges[1], "late"), "r")
}

func TestInfo(t *testing.T) {
	m := oneNode(t, 2)
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
	join(ben, "r")
	join(ann, "r")
	if ev := edgetest.Await[wire.JoinedEvent](ben, wire.EvJoined, nil); string(ev.Info) != "null" || ev.Peer != ann.Peer() || ev.User != ann.Hello.User {
		t.Errorf("who says nothing of itself joins as %+v", ev)
	}
	exact := json.RawMessage(`"` + strings.Repeat("x", 4094) + `"`)
	long := json.RawMessage(`"` + strings.Repeat("x", 4095) + `"`)
	edgetest.Must[wire.Keyed](ann, wire.OpUpdate, wire.UpdateArgs{Room: "r", Info: exact})
	edgetest.Await(ben, wire.EvUpdated, func(e wire.UpdatedEvent) bool { return string(e.Info) == string(exact) })
	for _, a := range []edgetest.Answer{
		ann.Do(wire.OpUpdate, wire.UpdateArgs{Room: "r", Info: long}),
		ann.Do(wire.OpJoin, wire.JoinArgs{Room: "r", Info: long}),
		ann.Do(wire.OpJoin, wire.JoinArgs{Room: "another", Info: long}),
	} {
		wantError(t, "long info", a, wire.CodeTooLarge, "info has 4097 bytes: want at most 4096")
	}
	wantError(t, "the refused room", ann.Do(wire.OpLeave, wire.LeaveArgs{Room: "another"}), wire.CodeNotInRoom, "")
	// To join again replaces the info.
	ok := edgetest.Must[wire.JoinOK](ann, wire.OpJoin, wire.JoinArgs{Room: "r", Info: json.RawMessage(`{"slots":[1,2.50]}`)})
	if len(ok.Peers) != 1 || ok.Peers[0].Peer != ben.Peer() || ok.Peers[0].User != ben.Hello.User || ok.Peers[0].Region != "eu" {
		t.Errorf("joining again finds %+v", ok.Peers)
	}
	edgetest.Await(ben, wire.EvUpdated, func(e wire.UpdatedEvent) bool {
		return e.Room == "r" && e.Peer == ann.Peer() && string(e.Info) == `{"slots":[1,2.50]}`
	})
	cid := edgetest.Connect(t, m.Edges[1], "cid")
	ok = edgetest.Must[wire.JoinOK](cid, wire.OpJoin, wire.JoinArgs{Room: "r"})
	if i := slices.IndexFunc(ok.Peers, func(p wire.Peer) bool { return p.Peer == ann.Peer() }); i < 0 || string(ok.Peers[i].Info) != `{"slots":[1,2.50]}` {
		t.Errorf("a later peer finds %+v", ok.Peers)
	}
	for _, e := range ben.Events(wire.EvJoined) {
		if decode[wire.JoinedEvent](t, e).Peer == ben.Peer() {
			t.Errorf("one's own joining came back: %s", e.Raw)
		}
	}
}

// TestRateLimit uses up the burst: what is over it is refused and not done, and the connection goes on.
func TestRateLimit(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.Rate, l.Burst = 0.001, 10 }))
	n := m.Edges[0]
	ann, ben := edgetest.Connect(t, n, "ann"), edgetest.Connect(t, n, "ben")
	join(ann, "r")
	join(ben, "r")
	for i := range 9 {
		if a := ann.Do(wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(fmt.Sprint(i))}); a.Error != nil {
			t.Fatalf("post %d within the burst: %v", i, a.Error)
		}
	}
	for range 3 {
		wantError(t, "over the burst", ann.Do(wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(`"over the burst"`)}), wire.CodeRateLimited, "more than 0.001 frames a second: slow down")
	}
	for range 3 { // frames that are bad for another reason count too
		wantError(t, "over the burst", ann.Ask(99, `{"id":99,"op":"teleport"}`), wire.CodeRateLimited, "")
	}
	ben.Flush("r", third(t, n))
	for _, e := range ben.Events(wire.EvPost) {
		if strings.Contains(string(e.Raw), "over the burst") {
			t.Errorf("a refused post was delivered: %s", e.Raw)
		}
	}
}

// third is somebody else in the room, with a burst of their own.
func third(t *testing.T, n *edgetest.Node) *edgetest.Client {
	t.Helper()
	c := edgetest.Connect(t, n, "cid")
	join(c, "r")
	return c
}

func TestFlooding(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.Rate, l.Burst = 0.001, 5 }))
	c := edgetest.Connect(t, m.Edges[0], "ann")
	for range 5 {
		edgetest.Must[wire.Keyed](c, wire.OpPing, wire.PingArgs{})
	}
	for i := range 10 {
		wantError(t, fmt.Sprint("refusal ", i), c.Do(wire.OpPing, wire.PingArgs{}), wire.CodeRateLimited, "")
	}
	c.Send([]byte(`{"id":77,"op":"ping"}`))
	wantClose(t, "who goes on regardless", c, wire.CloseFlooding, "too many frames after being told so")
}

func TestReport(t *testing.T) {
	m := oneNode(t, 1)
	n := m.Edges[0]
	ann, ben := edgetest.Connect(t, n, "ann"), edgetest.Connect(t, n, "ben")
	join(ann, "r")
	join(ben, "r")
	outcome := wire.Outcome{Result: wire.ResultConnected, Path: wire.PathRelay, Protocol: wire.ProtocolTLS, Ms: 900, RTTMs: 38.5, RelayRegion: "eu"}
	edgetest.Must[wire.Empty](ann, wire.OpReport, wire.ReportArgs{Room: "r", Peer: ben.Peer(), Outcome: outcome})
	if a := ann.Ask(50, fmt.Sprintf(`{"id":50,"op":"report","room":"r","peer":%q,"outcome":{"path":"host","newer":[1]}}`, ben.Peer())); a.Error != nil {
		t.Errorf("a member that a newer page may report: %v", a.Error)
	}
	want := `
		# HELP callmesh_edge_outcomes_total What peers reported of their attempts to connect.
		# TYPE callmesh_edge_outcomes_total counter
		callmesh_edge_outcomes_total{path="host",protocol="",result="connected"} 1
		callmesh_edge_outcomes_total{path="relay",protocol="tls",result="connected"} 1
	`
	if err := testutil.GatherAndCompare(n.Registry, strings.NewReader(want), "callmesh_edge_outcomes_total"); err != nil {
		t.Error(err)
	}
	wantError(t, "a report from outside", ann.Do(wire.OpReport, wire.ReportArgs{Room: "other", Peer: ben.Peer(), Outcome: outcome}), wire.CodeNotInRoom, "the session is not in this room: join it first")
	wantError(t, "a report of nobody", ann.Do(wire.OpReport, wire.ReportArgs{Room: "r", Peer: "x", Outcome: outcome}), wire.CodeNoSuchPeer, "no peer has such an id")
	outcome.Path = "teleport"
	wantError(t, "a report of what is none", ann.Do(wire.OpReport, wire.ReportArgs{Room: "r", Peer: ben.Peer(), Outcome: outcome}), wire.CodeBadRequest,
		"outcome.path: want one of [host srflx prflx relay]")
}

func TestICEServers(t *testing.T) {
	const secret = "the secret of the test relays"
	urls := []string{"stun:127.0.0.1:3478", "turn:127.0.0.1:3478?transport=udp", "turns:127.0.0.1:5349?transport=tcp"}
	relays := edge.NewRelays("eu", edge.RelayOptions{
		Static: urls, Secrets: func() []turnauth.Secret { return []turnauth.Secret{turnauth.NewSecret(secret)} }, TTL: time.Hour,
	})
	m := oneNode(t, 1, func(_ *bus.Options, o *edge.Options) { o.ICE = relays })
	c := edgetest.Connect(t, m.Edges[0], "user-ann")
	check := func(what string, servers []wire.ICEServer, ttl int64) {
		t.Helper()
		if len(servers) != 2 || ttl != 3600 {
			t.Fatalf("%s has %+v for %d s", what, servers, ttl)
		}
		if stun := servers[0]; !slices.Equal(stun.URLs, urls[:1]) || stun.Username != "" || stun.Credential != "" {
			t.Errorf("%s has %+v", what, stun)
		}
		turn := servers[1]
		if expires, _, _ := strings.Cut(turn.Username, ":"); expires < fmt.Sprint(time.Now().Unix()) {
			t.Errorf("%s has credentials that have expired: %s", what, turn.Username)
		}
		if !slices.Equal(turn.URLs, urls[1:]) || !strings.Contains(turn.Username, ":") || strings.Contains(turn.Username, "user-") || turn.Credential == "" || strings.Contains(fmt.Sprint(turn), secret) {
			t.Errorf("%s has %+v", what, turn)
		}
	}
	check("hello", c.Hello.ICEServers, c.Hello.ICETTL)
	ok := edgetest.Must[wire.ICEOK](c, wire.OpICE, wire.ICEArgs{})
	check("ice", ok.ICEServers, ok.ICETTL)

	without := edgetest.Connect(t, oneNode(t, 1).Edges[0], "ann")
	if got := string(without.MustRaw(wire.OpICE, wire.ICEArgs{})); got != `{"iceServers":[],"iceTtl":0}` {
		t.Errorf("without relays ice says %s", got)
	}
}

// TestPingFramesAreBounded sends what no client needs: its own pings are requests.
func TestPingFramesAreBounded(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.PingRate, l.PingBurst = 0.001, 3 }))
	c := edgetest.Connect(t, m.Edges[0], "ann")
	for range 3 {
		if err := c.PingFrame(); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.PingFrame() // never answered
	wantClose(t, "too many ping frames", c, wire.CloseFlooding, "too many ping or pong frames")
}
