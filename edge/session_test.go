package edge_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/auth"
	"callmesh/edge/edgetest"
	"callmesh/turnctl/turnauth"
)

// oneNode starts edges on a single NATS node, for what does not depend on how many there are.
func oneNode(t *testing.T, edges int, change ...edgetest.Config) *edgetest.Mesh {
	t.Helper()
	url := bustest.Cluster(t, 1).URL(0)
	return edgetest.Start(t, "eu", slices.Repeat([]string{url}, edges), change...)
}

// limited changes the limits of an edge.
func limited(change func(*edge.Limits)) edgetest.Config {
	return func(_ *bus.Options, o *edge.Options) { change(&o.Limits) }
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError compares an answer with the error that the contract documents; an empty message means any.
func wantError(t testing.TB, what string, got edgetest.Answer, code wire.Code, message string) {
	t.Helper()
	switch {
	case got.Error == nil:
		t.Errorf("%s: got ok %s, want %s", what, got.OK, code)
	case got.Error.Code != code || message != "" && got.Error.Message != message:
		t.Errorf("%s: got %s %q, want %s %q", what, got.Error.Code, got.Error.Message, code, message)
	}
}

func wantClose(t testing.TB, what string, c *edgetest.Client, code wire.CloseCode, reason string) {
	t.Helper()
	gotCode, gotReason := c.CloseReason()
	if gotCode != code || reason != "" && gotReason != reason {
		t.Errorf("%s: closed with %d %q, want %d %q", what, gotCode, gotReason, code, reason)
	}
}

// sign makes a token with any secret and at any time.
func sign(t testing.TB, secret, user string, at time.Time, ttl time.Duration) string {
	t.Helper()
	signer, err := auth.NewSigner(turnauth.NewSecret(secret), func() time.Time { return at })
	noError(t, err)
	token, _, err := signer.Sign(user, "", ttl)
	noError(t, err)
	return token
}

// hello says it on a fresh socket.
func hello(t testing.TB, n *edgetest.Node, a wire.HelloArgs) (*edgetest.Client, edgetest.Answer) {
	t.Helper()
	c := edgetest.Dial(t, n.URL)
	return c, c.Do(wire.OpHello, a)
}

func token(t testing.TB, user string) string { return edgetest.Token(t, user, time.Hour) }

func TestHelloSaysWhatHolds(t *testing.T) {
	m := oneNode(t, 1)
	c := edgetest.Connect(t, m.Edges[0], "ann")
	h, limits := c.Hello, edge.DefaultLimits()
	want := wire.Limits{
		FrameBytes: 65536, Rate: limits.Rate, Burst: limits.Burst, ByteRate: 512 << 10, ByteBurst: 4 << 20,
		InfoBytes: limits.InfoBytes, Rooms: limits.Rooms, Peers: limits.Peers,
		Presence: limits.Presence, HistoryPosts: limits.HistoryPosts, HelloMs: 10_000, GraceMs: 30_000, ReplayMs: 60_000, RingMs: 30_000,
		Contacts: limits.Contacts,
	}
	if h.Limits != want {
		t.Errorf("limits are %+v, want %+v", h.Limits, want)
	}
	if !h.Peer.Valid() || !h.Session.Valid() || h.Key == "" || h.Resumed || h.Rooms == nil || h.Missed == nil || h.ICEServers == nil {
		t.Errorf("hello says %+v", h)
	}
	if h.User != (wire.User{ID: "ann", Name: "ann"}) || h.Edge != m.Edges[0].Bus.Edge() || h.Region != "eu" || h.Heartbeat != 15_000 {
		t.Errorf("hello says %+v", h)
	}
	if got := c.MustRaw(wire.OpPing, wire.PingArgs{}); !strings.Contains(string(got), `"key"`) {
		t.Errorf("ping carries no fresh key: %s", got)
	}
}

// TestResumeRefused tells apart what the contract tells apart: who has no right to a session, and what session is no more.
func TestResumeRefused(t *testing.T) {
	m := oneNode(t, 2)
	ann := edgetest.Connect(t, m.Edges[0], "ann")
	second := edgetest.Connect(t, m.Edges[0], "ann")
	join(ann, "r")
	tampered := func(i int) string {
		b := []byte(ann.Key())
		b[i] ^= 1
		return string(b)
	}
	unknown := "a" + string(ann.Hello.Session[1:])
	if unknown == string(ann.Hello.Session) {
		unknown = "b" + unknown[1:]
	}
	for _, tt := range []struct {
		name    string
		user    string
		resume  wire.Resume
		code    wire.Code
		close   wire.CloseCode
		message string
	}{
		{"another user", "eve", wire.Resume{Session: ann.Hello.Session, Key: ann.Key()}, wire.CodeUnauthorized, wire.CloseBadToken, "the session is another user's"},
		{"no key", "ann", wire.Resume{Session: ann.Hello.Session}, wire.CodeUnauthorized, wire.CloseBadToken, "the key is not this session's"},
		{"a key that is none", "ann", wire.Resume{Session: ann.Hello.Session, Key: "x.y"}, wire.CodeUnauthorized, wire.CloseBadToken, "the key is not this session's"},
		{"a tampered state", "ann", wire.Resume{Session: ann.Hello.Session, Key: tampered(3)}, wire.CodeUnauthorized, wire.CloseBadToken, "the key is not this session's"},
		{"a tampered signature", "ann", wire.Resume{Session: ann.Hello.Session, Key: tampered(len(ann.Key()) - 5)}, wire.CodeUnauthorized, wire.CloseBadToken, "the key is not this session's"},
		{"another session's key", "ann", wire.Resume{Session: ann.Hello.Session, Key: second.Key()}, wire.CodeUnauthorized, wire.CloseBadToken, "the key is not this session's"},
		{"unknown session", "ann", wire.Resume{Session: wire.SessionID(unknown), Key: ann.Key()}, wire.CodeGone, wire.CloseSessionUnknown, "no such session: say hello without resume"},
		{"a session of no form", "ann", wire.Resume{Session: "s", Key: ann.Key()}, wire.CodeGone, wire.CloseSessionUnknown, "no such session: say hello without resume"},
		{"a peer id for a session", "ann", wire.Resume{Session: wire.SessionID(ann.Peer()), Key: ann.Key()}, wire.CodeGone, wire.CloseSessionUnknown, ""},
	} {
		for i, n := range m.Edges {
			resume := tt.resume
			resume.Seen = map[wire.Source]uint64{}
			c, a := hello(t, n, wire.HelloArgs{Token: token(t, tt.user), Resume: &resume})
			wantError(t, tt.name, a, tt.code, tt.message)
			wantClose(t, tt.name, c, tt.close, tt.message)
			if a := ann.Do(wire.OpPing, wire.PingArgs{}); a.Error != nil {
				t.Fatalf("%s on edge %d hurt the session: %v", tt.name, i, a.Error)
			}
		}
	}
	bad, a := hello(t, m.Edges[1], wire.HelloArgs{Token: "x.y.z", Resume: &wire.Resume{Session: ann.Hello.Session, Key: ann.Key(), Seen: map[wire.Source]uint64{}}})
	wantError(t, "a good key without a token", a, wire.CodeUnauthorized, "")
	wantClose(t, "a good key without a token", bad, wire.CloseBadToken, "")
	if got := ann.Events(wire.EvLeft); len(got) != 0 {
		t.Errorf("refused resumes were heard: %s", got[0].Raw)
	}
}

func TestResumedElsewhere(t *testing.T) {
	m := oneNode(t, 2)
	for i, to := range []*edgetest.Node{m.Edges[0], m.Edges[1]} {
		old := edgetest.Connect(t, m.Edges[0], "ann")
		join(old, "r")
		next := old.Resume(to)
		wantClose(t, "the old socket", old, wire.CloseResumed, "the session was resumed on another connection")
		if next.Peer() != old.Peer() || next.Hello.Session != old.Hello.Session || !next.Hello.Resumed {
			t.Errorf("resume %d says %+v", i, next.Hello)
		}
		if len(next.Hello.Rooms) != 1 || next.Hello.Rooms[0].Room != "r" {
			t.Errorf("resume %d is in rooms %+v", i, next.Hello.Rooms)
		}
		again := next.Resume(m.Edges[0])
		wantClose(t, "the second socket", next, wire.CloseResumed, "")
		again.Close()
	}
}

// TestCloseEndsTheSession is for a client's close 1000: nobody resumes it, and its peer does not come back to any roster.
func TestCloseEndsTheSession(t *testing.T) {
	m := oneNode(t, 2)
	watchers := []*edgetest.Client{edgetest.Connect(t, m.Edges[0], "ben"), edgetest.Connect(t, m.Edges[1], "cid")}
	for _, w := range watchers {
		join(w, "r")
	}
	for i, n := range m.Edges {
		ann := edgetest.Connect(t, m.Edges[0], "ann")
		join(ann, "r")
		for _, w := range watchers {
			meet(w, ann)
		}
		ann.Close()
		for _, w := range watchers {
			edgetest.Await(w, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == ann.Peer() && e.Reason == wire.ReasonClosed })
		}
		next, a := ann.TryResume(n)
		wantError(t, "resume of an ended session", a, wire.CodeGone, "")
		wantClose(t, "resume of an ended session", next, wire.CloseSessionUnknown, "")
		for _, reader := range m.Edges {
			late := edgetest.Connect(t, reader, "late")
			if ids := join(late, "r"); slices.Contains(ids, ann.Peer()) {
				t.Errorf("resume on edge %d brought an ended session's peer back to the roster %v", i, ids)
			}
			late.Close()
			// An edge learns of a close in its own time: what is counted below comes after it.
			for _, w := range watchers {
				edgetest.Await(w, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == late.Peer() })
			}
		}
	}
	for i, w := range watchers {
		w.Flush("r", watchers[1-i])
		present, left := map[wire.PeerID]bool{}, map[wire.PeerID]bool{}
		for _, e := range w.Events("") {
			switch e.Ev {
			case wire.EvJoined:
				peer := decode[wire.JoinedEvent](t, e).Peer
				if left[peer] {
					t.Errorf("watcher %d was told that %s came back", i, peer)
				}
				present[peer] = true
			case wire.EvLeft:
				peer := decode[wire.LeftEvent](t, e).Peer
				delete(present, peer)
				left[peer] = true
			}
		}
		delete(present, watchers[1-i].Peer())
		if len(present) > 0 {
			t.Errorf("watcher %d was left with the ghosts %v", i, present)
		}
	}
}

// TestOtherEndsKeepTheSession is for every other end: the peer stays in rosters, and the session resumes.
func TestOtherEndsKeepTheSession(t *testing.T) {
	m := oneNode(t, 2)
	ben := edgetest.Connect(t, m.Edges[1], "ben")
	join(ben, "r")
	for name, end := range map[string]func(*edgetest.Client){
		"cut":  (*edgetest.Client).Cut,
		"3000": func(c *edgetest.Client) { c.CloseWith(3000) },
		"3999": func(c *edgetest.Client) { c.CloseWith(3999) },
		"1001": func(c *edgetest.Client) { c.CloseWith(1001) },
	} {
		ann := edgetest.Connect(t, m.Edges[0], "ann")
		join(ann, "r")
		meet(ben, ann)
		end(ann)
		if next := ann.Resume(m.Edges[1]); !next.Hello.Resumed {
			t.Errorf("%s: the resume was not whole", name)
		}
		for _, e := range ben.Events(wire.EvLeft) {
			if decode[wire.LeftEvent](t, e).Peer == ann.Peer() {
				t.Errorf("%s: %s", name, e.Raw)
			}
		}
	}
}

func TestLostAfterTheGrace(t *testing.T) {
	m := oneNode(t, 2, limited(func(l *edge.Limits) { l.Grace = time.Second }))
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
	join(ann, "r")
	join(ben, "r")
	edgetest.Must[wire.PresenceOK](ben, wire.OpPresence, wire.PresenceArgs{Users: []wire.UserID{"ann"}})
	ann.Cut()
	edgetest.Await(ben, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == ann.Peer() && e.Reason == wire.ReasonLost })
	edgetest.Await(ben, wire.EvPresence, func(e wire.PresenceEvent) bool { return e.User == "ann" && !e.Online })
	for _, n := range m.Edges {
		next, a := ann.TryResume(n)
		wantError(t, "resume after the grace", a, wire.CodeGone, "")
		wantClose(t, "resume after the grace", next, wire.CloseSessionUnknown, "")
	}
}

// TestSilentSocketIsCut has a heartbeat that nobody keeps.
func TestSilentSocketIsCut(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.Heartbeat = 500 * time.Millisecond }))
	c := edgetest.Connect(t, m.Edges[0], "ann")
	if got := c.CloseCode(); got > 0 && got < 5000 {
		t.Errorf("the silent socket got a close frame with %d", got)
	}
}

func decode[T any](t testing.TB, e edgetest.Event) T {
	t.Helper()
	var v T
	noError(t, json.Unmarshal(e.Raw, &v))
	return v
}
