package edge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/coder/websocket"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// deaf is a device that says hello and reads only so many frames of what it is answered. Pongs are part of reading.
func deaf(t *testing.T, n *edgetest.Node, hello wire.HelloArgs, frames int) (ok wire.HelloOK, ws *websocket.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), edgetest.Patience)
	defer cancel()
	ws, res, err := websocket.Dial(ctx, n.URL, &websocket.DialOptions{Subprotocols: []string{wire.Subprotocol}})
	noError(t, err)
	if res.Body != nil {
		_ = res.Body.Close()
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	ws.SetReadLimit(-1)
	raw, err := json.Marshal(hello)
	noError(t, err)
	before := gauge(t, n, "callmesh_edge_sessions")
	noError(t, ws.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"id":1,"op":"hello",%s`, raw[1:])))
	for range frames {
		_, frame, err := ws.Read(ctx)
		noError(t, err)
		answer := struct{ OK *wire.HelloOK }{&ok}
		noError(t, json.Unmarshal(frame, &answer))
	}
	edgetest.Eventually(t, "the session is there", func() bool { return gauge(t, n, "callmesh_edge_sessions") > before })
	return ok, ws
}

func missOne(t *testing.T, n *edgetest.Node, user wire.UserID) (from *edgetest.Client) {
	t.Helper()
	from = edgetest.Connect(t, n, "ann")
	wantError(t, "a call to nobody", from.Do(wire.OpCall, wire.CallArgs{To: user, Media: wire.MediaAudio}), wire.CodeOffline, "")
	return from
}

// TestMissedCallsComeUntilTheyArrive loses hellos' oks in several ways.
func TestMissedCallsComeUntilTheyArrive(t *testing.T) {
	m := oneNode(t, 2)
	hello := wire.HelloArgs{Token: token(t, "ben")}
	missOne(t, m.Edges[0], "ben")
	_, ws := deaf(t, m.Edges[0], hello, 0)
	noError(t, ws.CloseNow())
	next := edgetest.Connect(t, m.Edges[1], "ben")
	if len(next.Hello.Missed) != 1 {
		t.Fatalf("after an ok that was lost the next hello has missed %+v", next.Hello.Missed)
	}
	wantMissed(t, "the one after that", edgetest.Connect(t, m.Edges[0], "ben"))

	// A device that has read the ok and proves nothing, as its edge dies just then: its key proves it.
	next.Close()
	edgetest.Eventually(t, "ben is offline", func() bool { return gauge(t, m.Edges[1], "callmesh_edge_sessions") == 0 })
	edgetest.Eventually(t, "and missed another", func() bool {
		c := edgetest.Connect(t, m.Edges[1], "cid")
		defer c.Close()
		a := c.Do(wire.OpCall, wire.CallArgs{To: "ben2", Media: wire.MediaAudio})
		return a.Error != nil && a.Error.Code == wire.CodeOffline
	})
	hello = wire.HelloArgs{Token: token(t, "ben2")}
	ok, ws := deaf(t, m.Edges[0], hello, 1)
	if len(ok.Missed) != 1 {
		t.Fatalf("hello has missed %+v", ok.Missed)
	}
	noError(t, ws.CloseNow())
	hello.Resume = &wire.Resume{Session: ok.Session, Key: ok.Key, Seen: map[wire.Source]uint64{}}
	again, _ := deaf(t, m.Edges[1], hello, 1)
	if !again.Resumed || len(again.Missed) != 0 {
		t.Errorf("the resume of who has got them is %v and has missed %+v", again.Resumed, again.Missed)
	}
	wantMissed(t, "another device", edgetest.Connect(t, m.Edges[0], "ben2"))
}

// TestMissedCallsGoToOneDevice has a second device come before the first has proven that it got them, which it then does.
func TestMissedCallsGoToOneDevice(t *testing.T) {
	m := oneNode(t, 1)
	missOne(t, m.Edges[0], "ben").Close()
	edgetest.Eventually(t, "nobody is there", func() bool { return gauge(t, m.Edges[0], "callmesh_edge_sessions") == 0 })
	ok, ws := deaf(t, m.Edges[0], wire.HelloArgs{Token: token(t, "ben")}, 1)
	if len(ok.Missed) != 1 {
		t.Errorf("the first device has missed %+v", ok.Missed)
	}
	second := edgetest.Dial(t, m.Edges[0].URL)
	hello := second.Start(wire.OpHello, wire.HelloArgs{Token: token(t, "ben")})
	edgetest.Eventually(t, "the second device says hello", func() bool { return gauge(t, m.Edges[0], "callmesh_edge_sessions") == 2 })
	select {
	case a := <-hello:
		t.Errorf("the second device did not wait: %s", a.OK)
	case <-time.After(200 * time.Millisecond): // nothing shows that something waits but that it lasts
	}
	go func() { _, _, _ = ws.Read(context.Background()) }() // and with it, the pong
	if got := decode[wire.HelloOK](t, edgetest.Event{Raw: edgetest.Answered(t, wire.OpHello, hello).OK}); len(got.Missed) != 0 {
		t.Errorf("the second device has missed %+v", got.Missed)
	}
}

// TestMissedCallsOfARegionThatIsCutOff wait for a hello that can read them, and hold none up.
func TestMissedCallsOfARegionThatIsCutOff(t *testing.T) {
	m := edgeInEach(t)
	missOne(t, m.Edges[0], "ben")
	missOne(t, m.Edges[1], "ben")
	m.super.Isolate(bustest.Blackhole, "asia")
	hello := func() []wire.Missed {
		before := time.Now()
		ben := edgetest.Connect(t, m.Edges[0], "ben")
		defer ben.Close()
		if took := time.Since(before); took > 4*time.Second {
			t.Errorf("a hello took %s", took)
		}
		ben.MustRaw(wire.OpPing, wire.PingArgs{}) // so that the hello's ok has come to be read
		return ben.Hello.Missed
	}
	if got := hello(); len(got) != 1 {
		t.Errorf("the first hello has missed %+v", got)
	}
	// A client that closes at once may not have proven yet that it got what it was told. Then it is told again.
	edgetest.Eventually(t, "a hello that tells of no call", func() bool { return len(hello()) == 0 })
	m.super.Heal()
	m.super.Await()
	edgetest.Eventually(t, "the other region's missed call", func() bool {
		ben := edgetest.Connect(t, m.Edges[0], "ben")
		defer ben.Close()
		return len(ben.Hello.Missed) == 1
	})
}
