package edge_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

func rings(t *testing.T, c *edgetest.Client, id wire.CallID) (n int) {
	t.Helper()
	for _, e := range c.Events(wire.EvRing) {
		if decode[wire.RingEvent](t, e).Call == id {
			n++
		}
	}
	return n
}

// TestADeviceThatComesWhileItRings is rung too, once, and can answer.
func TestADeviceThatComesWhileItRings(t *testing.T) {
	m := oneNode(t, 3)
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
	call := ring(t, ann, "ben", []*edgetest.Client{ben})
	late := devices(t, m, "ben") // one of them on the edge that rings already
	for _, d := range late {
		ev := edgetest.Await(d, wire.EvRing, func(e wire.RingEvent) bool { return e.Call == call.Call })
		if ev.Room != call.Room || ev.From != ann.Hello.User || ev.Media != wire.MediaVideo || ev.Mid.IsZero() || time.Until(time.UnixMilli(ev.ExpiresAt)) > 30*time.Second {
			t.Errorf("the ring says %+v", ev)
		}
		wantMissed(t, "a hello while it rings", d)
	}
	late[0].Cut()
	late[0] = late[0].Resume(m.Edges[2]) // it is rung, and stays so
	if a := answer(late[2], call.Call, true, ""); a.Error != nil {
		t.Fatal(a.Error)
	}
	wantCalls(t, call.Call, map[*edgetest.Client]string{ann: "accepted", ben: "taken", late[0]: "taken", late[1]: "taken", late[2]: ""})
	for i, want := range []int{0, 1, 1} {
		if n := rings(t, late[i], call.Call); n != want {
			t.Errorf("device %d was rung %d times, want %d", i, n, want)
		}
	}
	if after := edgetest.Connect(t, m.Edges[0], "ben"); len(after.Events("")) != 0 || len(after.Hello.Missed) != 0 {
		t.Errorf("a device that comes after the answer is told %+v and missed %+v", after.Events(""), after.Hello.Missed)
	}
	cancelled := callTo(ann, "ben")
	edgetest.Must[wire.Empty](ann, wire.OpHangup, wire.HangupArgs{Call: cancelled.Call})
	if after := edgetest.Connect(t, m.Edges[1], "ben"); len(after.Events("")) != 0 || len(after.Hello.Missed) != 0 {
		t.Errorf("a device that comes after the end is told %+v and missed %+v", after.Events(""), after.Hello.Missed)
	}
}

// TestADeviceThatComesJustThen says hello in the moment of the call, and is rung once, whichever was first.
func TestADeviceThatComesJustThen(t *testing.T) {
	m := oneNode(t, 2)
	ann := edgetest.Connect(t, m.Edges[0], "ann")
	edgetest.Connect(t, m.Edges[0], "ben") // so that ben is not offline
	for range 60 {
		random := time.Duration(rand.Int64N(int64(4 * time.Millisecond)))
		called := make(chan (<-chan edgetest.Answer), 1)
		go func() {
			defer close(called) // also when the socket is lost, which ends this goroutine
			<-time.After(random)
			called <- ann.Start(wire.OpCall, wire.CallArgs{To: "ben", Media: wire.MediaAudio})
		}()
		late := edgetest.Connect(t, m.Edges[1], "ben")
		got := edgetest.Answered(t, wire.OpCall, <-called)
		if got.Error != nil {
			t.Fatal(got.Error)
		}
		id := decode[wire.CallOK](t, edgetest.Event{Raw: got.OK}).Call
		edgetest.Eventually(t, "the ring", func() bool { return rings(t, late, id) > 0 })
		edgetest.Must[wire.Empty](ann, wire.OpHangup, wire.HangupArgs{Call: id})
		wantCalls(t, id, map[*edgetest.Client]string{late: "cancelled"})
		if n := rings(t, late, id); n != 1 {
			t.Fatalf("rung %d times", n)
		}
		late.Close()
	}
}

// TestCallsPerUser: more sessions don't make for more calls, nor do new ones.
func TestCallsPerUser(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.CallRate, l.CallBurst = 0.001, 3 }))
	first, second := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[0], "ann")
	call := wire.CallArgs{To: "nobody", Media: wire.MediaAudio}
	for _, c := range []*edgetest.Client{first, second, first} {
		wantError(t, "a call", c.Do(wire.OpCall, call), wire.CodeOffline, "")
	}
	wantError(t, "the second session's", second.Do(wire.OpCall, call), wire.CodeRateLimited, "more than 0.001 calls a second: slow down")
	first.Close()
	second.Close()
	wantError(t, "a new session's", edgetest.Connect(t, m.Edges[0], "ann").Do(wire.OpCall, call), wire.CodeRateLimited, "")
	wantError(t, "another user's", edgetest.Connect(t, m.Edges[0], "ben").Do(wire.OpCall, call), wire.CodeOffline, "")
}

// TestCallsAtOnce bounds what one session can keep going.
func TestCallsAtOnce(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.CallRate, l.CallBurst = 10000, 10000 }))
	ann := edgetest.Connect(t, m.Edges[0], "ann")
	edgetest.Connect(t, m.Edges[0], "ben")
	const bound = 512
	var answers []<-chan edgetest.Answer
	for range bound + 1 {
		answers = append(answers, ann.Start(wire.OpCall, wire.CallArgs{To: "ben", Media: wire.MediaAudio}))
	}
	var last wire.CallOK
	for _, ch := range answers[:bound] {
		a := edgetest.Answered(t, wire.OpCall, ch)
		if a.Error != nil {
			t.Fatal(a.Error)
		}
		last = decode[wire.CallOK](t, edgetest.Event{Raw: a.OK})
	}
	wantError(t, "one more", edgetest.Answered(t, wire.OpCall, answers[bound]), wire.CodeRateLimited, "the session is in 512 calls: hang up one first")
	edgetest.Must[wire.Empty](ann, wire.OpHangup, wire.HangupArgs{Call: last.Call})
	callTo(ann, "ben")
}
