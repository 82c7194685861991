package edge_test

import (
	"strings"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// devices connects one device of the user on each edge.
func devices(t *testing.T, m *edgetest.Mesh, user string) []*edgetest.Client {
	t.Helper()
	var list []*edgetest.Client
	for _, n := range m.Edges {
		list = append(list, edgetest.Connect(t, n, user))
	}
	return list
}

// ring calls the user and waits until every device has rung.
func ring(t *testing.T, caller *edgetest.Client, user wire.UserID, devices []*edgetest.Client) wire.CallOK {
	t.Helper()
	before := time.Now()
	ok := edgetest.Must[wire.CallOK](caller, wire.OpCall, wire.CallArgs{To: user, Media: wire.MediaVideo})
	for _, d := range devices {
		ev := edgetest.Await(d, wire.EvRing, func(e wire.RingEvent) bool { return e.Call == ok.Call })
		expires := time.UnixMilli(ev.ExpiresAt).Sub(before)
		if ev.Room != ok.Room || ev.From != caller.Hello.User || ev.Media != wire.MediaVideo || expires < 0 || expires > 31*time.Second {
			t.Errorf("ring says %+v after call said %+v", ev, ok)
		}
	}
	return ok
}

func awaitCall(c *edgetest.Client, id wire.CallID, state wire.CallState) wire.CallEvent {
	return edgetest.Await(c, wire.EvCall, func(e wire.CallEvent) bool { return e.Call == id && e.State == state })
}

// callEvents lists the states that a device was told of a call, in order.
func callEvents(t *testing.T, c *edgetest.Client, id wire.CallID) string {
	t.Helper()
	var states []string
	for _, e := range c.Events(wire.EvCall) {
		if ev := decode[wire.CallEvent](t, e); ev.Call == id {
			states = append(states, string(ev.State))
		}
	}
	return strings.Join(states, " ")
}

// wantCalls compares what each was told of a call: all of it, in order, so that nothing came that should not.
func wantCalls(t *testing.T, id wire.CallID, want map[*edgetest.Client]string) {
	t.Helper()
	for c, states := range want {
		edgetest.Eventually(t, "the states "+states, func() bool { return len(callEvents(t, c, id)) >= len(states) })
		if got := callEvents(t, c, id); got != states {
			t.Errorf("%s on %s was told %q, want %q", c.Hello.User.ID, c.Hello.Edge, got, states)
		}
	}
}

func answer(c *edgetest.Client, id wire.CallID, accept bool, reason wire.Reason) edgetest.Answer {
	return c.Do(wire.OpAnswer, wire.AnswerArgs{Call: id, Accept: accept, Reason: reason})
}

func TestCallAccepted(t *testing.T) {
	m := oneNode(t, 3)
	ann, ann2 := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ann")
	ben, eve := devices(t, m, "ben"), edgetest.Connect(t, m.Edges[2], "eve")
	call := ring(t, ann, "ben", ben)
	if region, ok := call.Call.Region(); !ok || region != "eu" || len(call.Room) < 20 {
		t.Errorf("call says %+v", call)
	}
	wantError(t, "a stranger's answer", answer(eve, call.Call, true, ""), wire.CodeForbidden, "the call is between other users")
	wantError(t, "a stranger's hangup", eve.Do(wire.OpHangup, wire.HangupArgs{Call: call.Call}), wire.CodeForbidden, "the call is between other users")
	wantError(t, "the caller's own answer", answer(ann, call.Call, true, ""), wire.CodeForbidden, "only the callee can answer")
	wantError(t, "the answer of the caller's other device", answer(ann2, call.Call, true, ""), wire.CodeForbidden, "only the callee can answer")

	ok := edgetest.Must[wire.AnswerOK](ben[1], wire.OpAnswer, wire.AnswerArgs{Call: call.Call, Accept: true})
	if ok.Room != call.Room {
		t.Errorf("answer says room %q, call said %q", ok.Room, call.Room)
	}
	if ev := awaitCall(ann, call.Call, wire.CallAccepted); ev.By != ben[1].Peer() {
		t.Errorf("accepted by %q, want %q", ev.By, ben[1].Peer())
	}
	for _, d := range []*edgetest.Client{ben[0], ben[2]} {
		if ev := awaitCall(d, call.Call, wire.CallTaken); ev.By != "" {
			t.Errorf("taken names %q", ev.By)
		}
		wantError(t, "a late answer", answer(d, call.Call, true, ""), wire.CodeTaken, "the call was answered on another device")
		wantError(t, "a late refusal", answer(d, call.Call, false, wire.ReasonBusy), wire.CodeTaken, "the call was answered on another device")
	}
	wantError(t, "a refusal after one's own answer", answer(ben[1], call.Call, false, ""), wire.CodeTaken, "")
	join(ann, ok.Room)
	if ids := join(ben[1], ok.Room); len(ids) != 1 || ids[0] != ann.Peer() {
		t.Errorf("in the call's room there are %v", ids)
	}
	edgetest.Must[wire.Empty](ben[1], wire.OpHangup, wire.HangupArgs{Call: call.Call})
	if ev := awaitCall(ann, call.Call, wire.CallEnded); ev.By != ben[1].Peer() {
		t.Errorf("ended by %q, want %q", ev.By, ben[1].Peer())
	}
	wantError(t, "an answer after the end", answer(ben[0], call.Call, true, ""), wire.CodeTaken, "")
	wantError(t, "the winner's answer after the end", answer(ben[1], call.Call, true, ""), wire.CodeGone, "")
	wantCalls(t, call.Call, map[*edgetest.Client]string{ann: "accepted ended", ann2: "", ben[0]: "taken", ben[2]: "taken", eve: ""})
	if got := append(eve.Events(""), ann2.Events("")...); len(got) != 0 {
		t.Errorf("somebody else heard %s", got[0].Raw)
	}
}

// TestAnswerRepeated has a device ask again, as it does when the connection was lost before the answer: it is still the one that answered.
func TestAnswerRepeated(t *testing.T) {
	m := oneNode(t, 2)
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), devices(t, m, "ben")
	call := ring(t, ann, "ben", ben)
	for range 3 {
		if a := answer(ben[0], call.Call, true, ""); a.Error != nil {
			t.Fatalf("the same answer again: %v", a.Error)
		}
	}
	edgetest.Must[wire.Empty](ann, wire.OpHangup, wire.HangupArgs{Call: call.Call})
	awaitCall(ben[0], call.Call, wire.CallEnded)
	wantCalls(t, call.Call, map[*edgetest.Client]string{ann: "accepted", ben[0]: "ended", ben[1]: "taken"})
}

func TestCallRefused(t *testing.T) {
	m := oneNode(t, 3)
	for _, tt := range []struct {
		reason wire.Reason
		state  wire.CallState
	}{{"", wire.CallDeclined}, {wire.ReasonDeclined, wire.CallDeclined}, {wire.ReasonBusy, wire.CallBusy}} {
		ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), devices(t, m, "ben")
		call := ring(t, ann, "ben", ben)
		if a := answer(ben[2], call.Call, false, tt.reason); a.Error != nil {
			t.Fatal(a.Error)
		}
		if ev := awaitCall(ann, call.Call, tt.state); ev.By != ben[2].Peer() {
			t.Errorf("%s by %q, want %q", tt.state, ev.By, ben[2].Peer())
		}
		wantCalls(t, call.Call, map[*edgetest.Client]string{ann: string(tt.state), ben[0]: "taken", ben[1]: "taken", ben[2]: ""})
		wantError(t, "an answer after the refusal", answer(ben[0], call.Call, true, ""), wire.CodeTaken, "")
		for _, c := range []*edgetest.Client{ann, ben[0]} {
			wantError(t, "a hangup after the refusal", c.Do(wire.OpHangup, wire.HangupArgs{Call: call.Call}), wire.CodeGone, "there is no such call, or it is over")
		}
		for _, c := range append(ben, ann) {
			c.Close()
		}
	}
}

func TestCallCancelled(t *testing.T) {
	m := oneNode(t, 3)
	for name, cancel := range map[string]func(*edgetest.Client, wire.CallID){
		"hangup": func(c *edgetest.Client, id wire.CallID) {
			edgetest.Must[wire.Empty](c, wire.OpHangup, wire.HangupArgs{Call: id})
		},
		"close": func(c *edgetest.Client, _ wire.CallID) { c.Close() },
	} {
		ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), devices(t, m, "ben")
		call := ring(t, ann, "ben", ben)
		cancel(ann, call.Call)
		for _, d := range ben {
			if ev := awaitCall(d, call.Call, wire.CallCancelled); ev.By != "" {
				t.Errorf("%s: cancelled names %q", name, ev.By)
			}
			wantError(t, name+": a late answer", answer(d, call.Call, true, ""), wire.CodeGone, "there is no such call, or it is over")
			wantCalls(t, call.Call, map[*edgetest.Client]string{d: "cancelled"})
		}
		if next := edgetest.Connect(t, m.Edges[1], "ben"); len(next.Hello.Missed) != 0 {
			t.Errorf("%s: a cancelled call is kept as missed: %+v", name, next.Hello.Missed)
		}
	}
}

// TestCalleeHangsUpRinging: to hang up before answering is to decline.
func TestCalleeHangsUpRinging(t *testing.T) {
	m := oneNode(t, 2)
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), devices(t, m, "ben")
	call := ring(t, ann, "ben", ben)
	edgetest.Must[wire.Empty](ben[1], wire.OpHangup, wire.HangupArgs{Call: call.Call})
	if ev := awaitCall(ann, call.Call, wire.CallDeclined); ev.By != ben[1].Peer() {
		t.Errorf("declined by %q", ev.By)
	}
	wantCalls(t, call.Call, map[*edgetest.Client]string{ann: "declined", ben[0]: "taken", ben[1]: ""})
}

func TestCallMissed(t *testing.T) {
	m := oneNode(t, 3, limited(func(l *edge.Limits) { l.Ring = time.Second }))
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), devices(t, m, "ben")
	before := time.Now().UnixMilli()
	call := ring(t, ann, "ben", ben)
	for _, c := range append(ben, ann) {
		if ev := awaitCall(c, call.Call, wire.CallMissed); ev.By != "" {
			t.Errorf("missed names %q", ev.By)
		}
	}
	wantError(t, "a late answer", answer(ben[0], call.Call, true, ""), wire.CodeGone, "there is no such call, or it is over")
	wantError(t, "a late hangup", ann.Do(wire.OpHangup, wire.HangupArgs{Call: call.Call}), wire.CodeGone, "")
	next := edgetest.Connect(t, m.Edges[2], "ben")
	if got := next.Hello.Missed; len(got) != 1 || got[0].Call != call.Call || got[0].From != ann.Hello.User || got[0].Media != wire.MediaVideo ||
		got[0].At < before || got[0].At > time.Now().UnixMilli() {
		t.Errorf("the next hello has missed %+v", got)
	}
	if again := edgetest.Connect(t, m.Edges[1], "ben"); len(again.Hello.Missed) != 0 {
		t.Errorf("the hello after that has missed %+v", again.Hello.Missed)
	}
	// Another call takes as long, and by then the other edges' backstops for the first have passed: nobody is told twice.
	for range 3 {
		second := ring(t, ann, "ben", ben)
		awaitCall(ann, second.Call, wire.CallMissed)
	}
	wantCalls(t, call.Call, map[*edgetest.Client]string{ann: "missed", ben[0]: "missed", ben[1]: "missed", ben[2]: "missed"})
	if got := edgetest.Connect(t, m.Edges[0], "ben").Hello.Missed; len(got) != 3 || got[0].At > got[1].At || got[1].At > got[2].At {
		t.Errorf("three missed calls come as %+v", got)
	}
}

func TestCallOffline(t *testing.T) {
	m := oneNode(t, 2)
	ann := edgetest.Connect(t, m.Edges[0], "ann")
	a := ann.Do(wire.OpCall, wire.CallArgs{To: "ben", Media: wire.MediaAudio})
	wantError(t, "a call to nobody", a, wire.CodeOffline, "the user is not online")
	ben := edgetest.Connect(t, m.Edges[1], "ben")
	if got := ben.Hello.Missed; len(got) != 1 || got[0].From != ann.Hello.User || got[0].Media != wire.MediaAudio || got[0].Call == "" {
		t.Errorf("the next hello has missed %+v", got)
	}
	if got := edgetest.Connect(t, m.Edges[0], "ben").Hello.Missed; len(got) != 0 {
		t.Errorf("the hello after that has missed %+v", got)
	}
	ben.Close()
	wantError(t, "a call to oneself", ann.Do(wire.OpCall, wire.CallArgs{To: "ann", Media: wire.MediaAudio}), wire.CodeBadRequest, "to: users can't call themselves")
	for _, id := range []wire.CallID{"", "eu", "eu.*", "eu.>", "*.aaaaaaaaaaaaaaaaaaaa", "eu.aaaaaaaaaaaaaaaaaaaa", "us.aaaaaaaaaaaaaaaaaaaa", "eu.aaaaaaaaaaaaaaaaaaa.", "eu.AAAAAAAAAAAAAAAAAAAA"} {
		wantError(t, "answer "+string(id), answer(ann, id, true, ""), wire.CodeGone, "there is no such call, or it is over")
		wantError(t, "hangup "+string(id), ann.Do(wire.OpHangup, wire.HangupArgs{Call: id}), wire.CodeGone, "there is no such call, or it is over")
	}
}

// TestCallInTheGrace: a device that has just lost its connection still counts as online, and hears of the call when it is back.
func TestCallInTheGrace(t *testing.T) {
	m := oneNode(t, 2)
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
	ben.Cut()
	call := edgetest.Must[wire.CallOK](ann, wire.OpCall, wire.CallArgs{To: "ben", Media: wire.MediaAudio, Room: "our room"})
	if call.Room != "our room" {
		t.Errorf("the call happens in %q", call.Room)
	}
	ben = ben.Resume(m.Edges[0])
	if ev := edgetest.Await[wire.RingEvent](ben, wire.EvRing, nil); ev.Call != call.Call || ev.Room != "our room" {
		t.Errorf("ring says %+v", ev)
	}
	if a := answer(ben, call.Call, true, ""); a.Error != nil {
		t.Fatal(a.Error)
	}
	awaitCall(ann, call.Call, wire.CallAccepted)
}

// TestFirstAnswerWins has three devices on three edges answer at once, again and again.
func TestFirstAnswerWins(t *testing.T) {
	m := oneNode(t, 3)
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), devices(t, m, "ben")
	for round := range 20 {
		call := ring(t, ann, "ben", ben)
		var answers []<-chan edgetest.Answer
		for i := range ben {
			d := ben[(round+i)%3]
			answers = append(answers, d.Start(wire.OpAnswer, wire.AnswerArgs{Call: call.Call, Accept: (round+i)%4 != 0}))
		}
		var winner *edgetest.Client
		for i, ch := range answers {
			d := ben[(round+i)%3]
			switch a := edgetest.Answered(t, wire.OpAnswer, ch); {
			case a.Error != nil:
				wantError(t, "a loser", a, wire.CodeTaken, "")
			case winner != nil:
				t.Fatalf("round %d: two answers got ok", round)
			default:
				winner = d
			}
		}
		if winner == nil {
			t.Fatalf("round %d: no answer got ok", round)
		}
		told := edgetest.Await(ann, wire.EvCall, func(e wire.CallEvent) bool { return e.Call == call.Call })
		if told.By != winner.Peer() {
			t.Errorf("round %d: the caller was told of %q, and %q got ok", round, told.By, winner.Peer())
		}
		want := map[*edgetest.Client]string{ann: string(told.State)}
		for _, d := range ben {
			if want[d] = "taken"; d == winner {
				want[d] = ""
			}
		}
		wantCalls(t, call.Call, want)
	}
}

// TestCallEnds covers each way in which an accepted call ends: each side learns it, once.
func TestCallEnds(t *testing.T) {
	m := oneNode(t, 3)
	hangup := wire.HangupArgs{}
	for _, tt := range []struct {
		name     string
		end      func(t *testing.T, caller, callee *edgetest.Client)
		ann, ben string
	}{
		{"the caller hangs up", func(_ *testing.T, a, _ *edgetest.Client) { edgetest.Must[wire.Empty](a, wire.OpHangup, hangup) }, "accepted", "ended"},
		{"the callee hangs up", func(_ *testing.T, _, b *edgetest.Client) { edgetest.Must[wire.Empty](b, wire.OpHangup, hangup) }, "accepted ended", ""},
		{"the caller's session ends", func(_ *testing.T, a, _ *edgetest.Client) { a.Close() }, "accepted", "ended"},
		{"the callee's session ends", func(_ *testing.T, _, b *edgetest.Client) { b.Close() }, "accepted ended", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
			defer ann.Close()
			defer ben.Close()
			call := ring(t, ann, "ben", []*edgetest.Client{ben})
			if a := answer(ben, call.Call, true, ""); a.Error != nil {
				t.Fatal(a.Error)
			}
			awaitCall(ann, call.Call, wire.CallAccepted)
			hangup.Call = call.Call
			tt.end(t, ann, ben)
			wantCalls(t, call.Call, map[*edgetest.Client]string{ann: tt.ann, ben: tt.ben})
			third := edgetest.Connect(t, m.Edges[2], "ben")
			edgetest.Eventually(t, "the call is over", func() bool {
				a := third.Do(wire.OpHangup, hangup)
				return a.Error != nil && a.Error.Code == wire.CodeGone
			})
			third.Close()
		})
	}
	t.Run("both hang up at once", func(t *testing.T) {
		ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
		for range 10 {
			call := ring(t, ann, "ben", []*edgetest.Client{ben})
			if a := answer(ben, call.Call, true, ""); a.Error != nil {
				t.Fatal(a.Error)
			}
			awaitCall(ann, call.Call, wire.CallAccepted)
			first := ann.Start(wire.OpHangup, wire.HangupArgs{Call: call.Call})
			second := ben.Start(wire.OpHangup, wire.HangupArgs{Call: call.Call})
			a, b := edgetest.Answered(t, wire.OpHangup, first), edgetest.Answered(t, wire.OpHangup, second)
			// One of the two ended it, and the other was told so; to whom it was over already, it is gone.
			switch {
			case a.Error == nil && b.Error != nil:
				wantError(t, "the second", b, wire.CodeGone, "")
				wantCalls(t, call.Call, map[*edgetest.Client]string{ann: "accepted", ben: "ended"})
			case b.Error == nil && a.Error != nil:
				wantError(t, "the second", a, wire.CodeGone, "")
				wantCalls(t, call.Call, map[*edgetest.Client]string{ann: "accepted ended", ben: ""})
			default:
				t.Fatalf("both at once got %+v and %+v", a, b)
			}
		}
	})
}
