package edge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// keptReports waits until so many reports are stored.
func keptReports(t *testing.T, b *bus.Bus, n int) (all []wire.Traversal) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		all = nil
		err := b.Traversals(ctx, bus.TraversalFilter{Source: wire.SourceCall}, func(r wire.Traversal) { all = append(all, r) })
		if err == nil && len(all) >= n {
			return all
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%d reports are stored, want %d: %v", len(all), n, err)
		}
	}
}

// Both ends of an attempt report it to different edges: two records of one pair, under the definitions of probe, with nobody's name in them.
func TestReportsAreKept(t *testing.T) {
	m := oneNode(t, 2)
	ann, ben := edgetest.Connect(t, m.Edges[0], "user-ann"), edgetest.Connect(t, m.Edges[1], "user-ben")
	join(ann, "our secret room")
	join(ben, "our secret room")
	meet(ann, ben)
	before := time.Now().UnixMilli()
	direct := wire.Outcome{Result: wire.ResultConnected, Path: wire.PathSrflx, Protocol: wire.ProtocolUDP, Ms: 900, RTTMs: 38.5, Network: "wifi"}
	relayed := wire.Outcome{Result: wire.ResultFailed, Step: wire.StepCheck, Ms: 15_000, RelayRegion: "ben-was-here", Network: "ben was here"}
	edgetest.Must[wire.Empty](ann, wire.OpReport, wire.ReportArgs{Room: "our secret room", Peer: ben.Peer(), Outcome: direct})
	first := keptReports(t, m.Edges[0].Bus, 1)[0]
	edgetest.Must[wire.Empty](ben, wire.OpReport, wire.ReportArgs{Room: "our secret room", Peer: ann.Peer(), Outcome: relayed})
	all := keptReports(t, m.Edges[0].Bus, 2)
	second := all[0]
	if second.ID == first.ID {
		second = all[1]
	}
	if first.Outcome != direct || first.Mode != wire.ModeAll || first.Ends != [2]wire.TraversalEnd{{Region: "eu", Network: "wifi"}, {}} || first.At < before-900 || first.At > time.Now().UnixMilli()-900 {
		t.Errorf("the first is kept as %+v", first)
	}
	// What is no kind of network and no region is a stranger's word.
	if second.Step != wire.StepCheck || second.Network != "" || second.RelayRegion != "" || second.Ends[0].Network != "" {
		t.Errorf("the second is kept as %+v", second)
	}
	if first.Pair != second.Pair {
		t.Errorf("the ends' pairs differ: %s, %s", first.Pair, second.Pair)
	}
	text, err := json.Marshal(all)
	noError(t, err)
	// The names are what no random id can have in it.
	for _, secret := range []string{"user-", "-was-here", "was here", "our secret room", string(ann.Peer()), string(ben.Peer()), "127.0.0.1"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%s is in what is kept: %s", secret, text)
		}
	}
}

// Without a NATS a report is answered at once, and stored when there is one again. Nobody can make an edge store without bound.
func TestReportsWaitForNobody(t *testing.T) {
	p := bustest.NewProcess(t)
	m := edgetest.Start(t, "eu", []string{p.URL()}, limited(func(l *edge.Limits) { l.LimitLoopback, l.ReportRate, l.ReportBurst = true, 0.001, 5 }))
	ann := edgetest.Connect(t, m.Edges[0], "ann")
	join(ann, "r")
	report := wire.ReportArgs{Room: "r", Peer: wire.NewPeerID(), Outcome: wire.Outcome{Result: wire.ResultFailed, Step: wire.StepGather}}
	p.Kill()
	for range 5 {
		edgetest.Must[wire.Empty](ann, wire.OpReport, report)
	}
	wantError(t, "one too many", ann.Do(wire.OpReport, report), wire.CodeRateLimited, "more than 0.001 reports a second from this session: slow down")
	p.Start()
	if got := keptReports(t, m.Edges[0].Bus, 5); len(got) != 5 {
		t.Error(fmt.Sprint(len(got), " are stored"))
	}
}
