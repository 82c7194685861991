package edge_test

import (
	"testing"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// regions is an edge in each of two regions, eu and asia, whose NATS are joined by a gateway.
type regions struct {
	*edgetest.Mesh
	super *bustest.Mesh
}

func edgeInEach(t *testing.T, change ...edgetest.Config) regions {
	t.Helper()
	super := bustest.Super(t, 1, "eu", "asia")
	m := edgetest.Start(t, "eu", []string{super.Region("eu").URL(0)}, change...)
	m.Add("asia", super.Region("asia").URL(0), change...)
	m.Await()
	for _, n := range m.Edges {
		edgetest.Eventually(t, "both regions are known", func() bool { return len(n.Bus.Regions()) == 2 })
	}
	return regions{m, super}
}

func TestCallsAcrossRegions(t *testing.T) {
	m := edgeInEach(t)
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), devices(t, m.Mesh, "ben")
	for round := range 10 {
		id, state, winner := answerAtOnce(t, ann, ben, round)
		want := map[*edgetest.Client]string{ann: string(state), ben[0]: "taken", ben[1]: "taken"}
		want[winner] = ""
		if state == wire.CallAccepted {
			edgetest.Must[wire.Empty](ann, wire.OpHangup, wire.HangupArgs{Call: id})
			want[winner] = "ended"
		}
		wantCalls(t, id, want)
	}
	if a := edgetest.Connect(t, m.Edges[1], "cid").Do(wire.OpCall, wire.CallArgs{To: "dan", Media: wire.MediaAudio}); a.Error == nil || a.Error.Code != wire.CodeOffline {
		t.Fatalf("a call to nobody: %+v", a)
	}
	if a := ann.Do(wire.OpCall, wire.CallArgs{To: "dan", Media: wire.MediaAudio}); a.Error == nil || a.Error.Code != wire.CodeOffline {
		t.Fatalf("a call to nobody: %+v", a)
	}
	dan := edgetest.Connect(t, m.Edges[0], "dan")
	if got := dan.Hello.Missed; len(got) != 2 || got[0].From.ID != "cid" || got[1].From.ID != "ann" {
		t.Errorf("missed in two regions: %+v", got)
	}
	if got := edgetest.Connect(t, m.Edges[1], "dan").Hello.Missed; len(got) != 0 {
		t.Errorf("the next hello, in the other region, has missed %+v", got)
	}
}
