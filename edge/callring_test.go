package edge_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// ringing makes calls ring for so long.
func ringing(d time.Duration) edgetest.Config {
	return limited(func(l *edge.Limits) { l.Ring = d })
}

// awaitLate waits until a call of now would no longer be answered by any edge.
func awaitLate(t *testing.T, ring time.Duration) {
	t.Helper()
	late := time.Now().Add(ring + 2*time.Second + 100*time.Millisecond)
	edgetest.Eventually(t, "the end of the ringing", func() bool { return time.Now().After(late) })
}

func callTo(c *edgetest.Client, user wire.UserID) wire.CallOK {
	return edgetest.Must[wire.CallOK](c, wire.OpCall, wire.CallArgs{To: user, Media: wire.MediaAudio})
}

func missedCalls(c *edgetest.Client) (ids []wire.CallID) {
	for _, m := range c.Hello.Missed {
		ids = append(ids, m.Call)
	}
	return ids
}

func wantMissed(t *testing.T, what string, c *edgetest.Client, want ...wire.CallID) {
	t.Helper()
	if got := missedCalls(c); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s has missed %v, want %v", what, got, want)
	}
}

// TestBothEdgesDieWhileItRings: whoever comes back to another edge ends the ringing there.
func TestBothEdgesDieWhileItRings(t *testing.T) {
	t.Run("the caller comes back", func(t *testing.T) {
		m := oneNode(t, 3, ringing(3*time.Second))
		ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
		call := ring(t, ann, "ben", []*edgetest.Client{ben})
		m.Edges[0].Stop()
		m.Edges[1].Stop()
		again := ann.Resume(m.Edges[2])
		awaitCall(again, call.Call, wire.CallMissed)
		wantMissed(t, "the callee's next hello", edgetest.Connect(t, m.Edges[2], "ben"), call.Call)
		wantCalls(t, call.Call, map[*edgetest.Client]string{again: "missed"})
	})
	t.Run("the device comes back", func(t *testing.T) {
		m := oneNode(t, 3, ringing(3*time.Second))
		ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
		call := ring(t, ann, "ben", []*edgetest.Client{ben})
		edgetest.Must[wire.Keyed](ben, wire.OpPing, wire.PingArgs{})
		m.Edges[0].Stop()
		m.Edges[1].Stop()
		again := ben.Resume(m.Edges[2])
		awaitCall(again, call.Call, wire.CallMissed)
		if rings := again.Events(wire.EvRing); len(rings) != 0 {
			t.Errorf("it was rung again: %s", rings[0].Raw)
		}
		awaitCall(ann.Resume(m.Edges[2]), call.Call, wire.CallMissed)
	})
	t.Run("both come back when it is long over", func(t *testing.T) {
		m := oneNode(t, 3, ringing(time.Second))
		ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
		call := ring(t, ann, "ben", []*edgetest.Client{ben})
		m.Edges[0].Stop()
		m.Edges[1].Stop()
		awaitLate(t, time.Second)
		wantMissed(t, "a new device", edgetest.Connect(t, m.Edges[2], "ben"), call.Call)
		again := ann.Resume(m.Edges[2])
		awaitCall(again, call.Call, wire.CallMissed)
		wantError(t, "an answer", answer(ben.Resume(m.Edges[2]), call.Call, true, ""), wire.CodeGone, "")
		wantCalls(t, call.Call, map[*edgetest.Client]string{again: "missed"})
	})
}

// TestNobodyAnswersWhatIsLate: no edge was there to decide, and the first that is asks whether it is too late.
func TestNobodyAnswersWhatIsLate(t *testing.T) {
	for op, ask := range map[string]func(ann, ben *edgetest.Client, id wire.CallID) edgetest.Answer{
		"answer": func(_, ben *edgetest.Client, id wire.CallID) edgetest.Answer { return answer(ben, id, true, "") },
		"hangup": func(ann, _ *edgetest.Client, id wire.CallID) edgetest.Answer {
			return ann.Do(wire.OpHangup, wire.HangupArgs{Call: id})
		},
	} {
		t.Run(op, func(t *testing.T) {
			m := oneNode(t, 3, ringing(time.Second))
			edgetest.Connect(t, m.Edges[1], "ben")
			call := callTo(edgetest.Connect(t, m.Edges[0], "ann"), "ben")
			m.Edges[0].Stop()
			m.Edges[1].Stop()
			awaitLate(t, time.Second)
			noError(t, m.Edges[2].Bus.DropCalls(t.Context(), "eu", "ben", call.Call)) // else ben's hello decides it
			ann, ben := edgetest.Connect(t, m.Edges[2], "ann"), edgetest.Connect(t, m.Edges[2], "ben")
			wantError(t, "what is late", ask(ann, ben, call.Call), wire.CodeGone, "there is no such call, or it is over")
		})
	}
}

// TestRingingEndsAfterABlip takes the bus away from the only edge that knows of the call, until its time has passed.
func TestRingingEndsAfterABlip(t *testing.T) {
	m, p := half(t, ringing(time.Second))
	ann, ben := edgetest.Connect(t, m.Edges[1], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
	call := ring(t, ann, "ben", []*edgetest.Client{ben})
	cutOff(t, m.Edges[1], p)
	awaitLate(t, time.Second)
	p.Heal()
	for _, c := range []*edgetest.Client{ann, ben} {
		awaitCall(c, call.Call, wire.CallMissed)
	}
	wantMissed(t, "the next hello", edgetest.Connect(t, m.Edges[0], "ben"), call.Call)
	wantCalls(t, call.Call, map[*edgetest.Client]string{ann: "missed", ben: "missed"})
}

// TestWhatWasDecidedIsToldThoughTheEdgeDied: an edge dies between a decision and telling it. Those that keep the call's time tell it.
func TestWhatWasDecidedIsToldThoughTheEdgeDied(t *testing.T) {
	for _, tt := range []struct{ decision, ann, ben string }{
		{`{"state":"cancelled","by":"%s"}`, "", "cancelled"},
		{`{"state":"missed"}`, "missed", "missed"},
		{`{"state":"accepted","by":"aaaaaaaaaaaaaaaa"}`, "accepted", "taken"},
		{`{"state":"busy","by":"aaaaaaaaaaaaaaaa"}`, "busy", "taken"},
	} {
		t.Run(tt.ann+" "+tt.ben, func(t *testing.T) {
			m := oneNode(t, 2, ringing(time.Second))
			ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
			call := ring(t, ann, "ben", []*edgetest.Client{ben})
			decision := tt.decision
			if tt.ann == "" {
				decision = fmt.Sprintf(decision, ann.Peer())
			}
			noError(t, m.Edges[0].Bus.CreateCall(context.Background(), call.Call, "decision", []byte(decision)))
			wantCalls(t, call.Call, map[*edgetest.Client]string{ann: tt.ann, ben: tt.ben})
			awaitLate(t, time.Second) // and once only
			wantCalls(t, call.Call, map[*edgetest.Client]string{ann: tt.ann, ben: tt.ben})
		})
	}
}

// TestTheCallersEdgeDies: what the callee does reaches the caller's next edge, and the caller's end ends the ringing from there.
func TestTheCallersEdgeDies(t *testing.T) {
	for name, tt := range map[string]struct {
		do       func(ann, ben *edgetest.Client, id wire.CallID)
		ann, ben string
	}{
		"accepted":  {func(_, ben *edgetest.Client, id wire.CallID) { answer(ben, id, true, "") }, "accepted", ""},
		"busy":      {func(_, ben *edgetest.Client, id wire.CallID) { answer(ben, id, false, wire.ReasonBusy) }, "busy", ""},
		"cancelled": {func(ann, _ *edgetest.Client, _ wire.CallID) { ann.Close() }, "", "cancelled"},
	} {
		t.Run(name, func(t *testing.T) {
			m := oneNode(t, 3)
			ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
			call := ring(t, ann, "ben", []*edgetest.Client{ben})
			m.Edges[0].Stop()
			if name == "cancelled" {
				ann = ann.Resume(m.Edges[2])
			}
			tt.do(ann, ben, call.Call)
			if name != "cancelled" {
				ann = ann.Resume(m.Edges[2])
			}
			wantCalls(t, call.Call, map[*edgetest.Client]string{ann: tt.ann, ben: tt.ben})
		})
	}
}

// TestTheCalleesEdgeDies: the device comes back to another edge, rings on without being rung again, and answers there.
func TestTheCalleesEdgeDies(t *testing.T) {
	url := bustest.Cluster(t, 1).URL(0)
	m := edgetest.Start(t, "eu", []string{url, url, url})
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[1], "ben")
	call := ring(t, ann, "ben", []*edgetest.Client{ben})
	m.Edges[1].Stop()
	again := ben.Resume(m.Edges[2])
	if a := answer(again, call.Call, true, ""); a.Error != nil {
		t.Fatal(a.Error)
	}
	awaitCall(ann, call.Call, wire.CallAccepted)
	if rings := again.Events(wire.EvRing); len(rings) != 0 {
		t.Errorf("it was rung again: %s", rings[0].Raw)
	}
	m.Edges[2].Stop()
	m.Add("eu", url)
	third := again.Resume(m.Edges[3])
	edgetest.Must[wire.Empty](third, wire.OpHangup, wire.HangupArgs{Call: call.Call})
	wantCalls(t, call.Call, map[*edgetest.Client]string{ann: "accepted ended", again: "", third: ""})
}
