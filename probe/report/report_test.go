package report_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/probe/nat"
	"callmesh/probe/report"
)

const began = 1760000000000

// probed is the nth attempt of two agents; each is in a network and a region of its own name, and behind the given NAT ("EIM/APDF").
func probed(a, b, natA, natB string, n int, mode wire.TraversalMode, result wire.Result) wire.Traversal {
	end := func(name, class string) wire.TraversalEnd {
		m, f, _ := strings.Cut(class, "/")
		return wire.TraversalEnd{Name: wire.AgentID(name), Region: wire.Region("r-" + name), Network: "n-" + name, Mapping: m, Filtering: f}
	}
	t := wire.Traversal{
		At: began + int64(n)*1000, Source: wire.SourceProbe, Run: "run-1", N: n, Pair: wire.PairOf(wire.AgentID(a), wire.AgentID(b)), Mode: mode,
		Ends: [2]wire.TraversalEnd{end(a, natA), end(b, natB)}, Outcome: wire.Outcome{Result: result},
	}
	switch result {
	case wire.ResultConnected:
		t.Ms, t.PairMs, t.Path, t.Theirs, t.Protocol = int64(100*n), int64(30*n), wire.PathSrflx, wire.PathPrflx, wire.ProtocolUDP
	case wire.ResultFailed:
		t.Step, t.Why = wire.StepCheck, "no pair answered"
	case wire.ResultNoCandidates, wire.ResultNoSignalling:
	}
	return t
}

func called(pair string, at int64, result wire.Result, path wire.PathKind, ms int64) wire.Traversal {
	t := wire.Traversal{
		At: began + at, Source: wire.SourceCall, ID: wire.NewReportID(), Pair: pair, Mode: wire.ModeAll, Ends: [2]wire.TraversalEnd{{Region: "eu", Network: "wifi"}, {}},
		Outcome: wire.Outcome{Result: result, Path: path, Ms: ms},
	}
	if result == wire.ResultFailed {
		t.Step = wire.StepDTLS
	}
	return t
}

func TestPairsAndAttemptsAreToldApart(t *testing.T) {
	var records []wire.Traversal
	add := func(a, b string, results ...wire.Result) {
		for i, r := range results {
			records = append(records, probed(a, b, "EIM/APDF", "EIM/APDF", i+1, wire.ModeDirect, r))
		}
	}
	ok, bad := wire.ResultConnected, wire.ResultFailed
	add("a", "b", ok, ok, ok, ok, ok, ok, ok, ok)
	add("a", "c", ok, bad)
	add("b", "c", bad, wire.ResultNoCandidates, wire.ResultNoSignalling)
	m := report.Make(records, report.Options{}).Sources[0].Modes[0]
	if m.Attempts != 13 || m.Tried() != 12 || m.Connected != 9 || *m.Rate.Share != 0.75 || m.NoSignalling != 1 || m.NoCandidates != 1 {
		t.Errorf("attempts: %+v", m.Tally)
	}
	// Half of the attempts are not most of them.
	if m.Pairs != 3 || m.PairsConnected != 1 || m.PairsAlways != 1 || m.PairsMixed != 1 {
		t.Errorf("pairs: %+v", m.Tally)
	}
	if m.PairRate.High-m.PairRate.Low <= m.Rate.High-m.Rate.Low {
		t.Errorf("three pairs seem surer (%+v) than twelve attempts (%+v)", m.PairRate, m.Rate)
	}
	if m.Clusters != nil {
		t.Errorf("three networks are drawn: %+v", m.Clusters)
	}
	if want := []report.Count{{Name: "check", N: 2}, {Name: "gather", N: 1}, {Name: "signal", N: 1}}; !slices.Equal(m.Steps, want) {
		t.Errorf("steps %v, want %v", m.Steps, want)
	}
	if m.Times.N != 9 || m.Times.P50 != 400 || m.Times.Max != 800 || m.FirstPair.N != 9 || m.FirstPair.P50 != 120 || m.FirstPair.Max != 240 {
		t.Errorf("times %+v, to the first pair %+v", m.Times, m.FirstPair)
	}
	for width, want := range map[int]bool{0: true, 70: false} {
		var text strings.Builder
		if err := report.Make(records, report.Options{}).Text(&text, width); err != nil || strings.Contains(text.String(), "first pair") != want || strings.Contains(text.String(), "120 ms") != want {
			t.Errorf("at width %d: %v\n%s", width, err, text.String())
		}
	}
}

func TestACallThatBothEndsTellOfCountsOnce(t *testing.T) {
	ok, bad := wire.ResultConnected, wire.ResultFailed
	records := []wire.Traversal{
		called("both", 0, ok, wire.PathSrflx, 300), called("both", 900, ok, wire.PathRelay, 500), // relayed if either end is
		called("one", 0, ok, wire.PathHost, 200),
		called("differ", 0, ok, wire.PathHost, 200), called("differ", 100, bad, "", 15000), // connected if both say so
		called("again", 0, ok, wire.PathHost, 100), called("again", 500, ok, wire.PathHost, 100), called("again", 5000, ok, wire.PathHost, 100), called("again", 5100, ok, wire.PathHost, 100),
		called("later", 0, bad, "", 15000), called("later", 60_000, ok, wire.PathHost, 100), // one end each, of two attempts
	}
	slices.Reverse(records) // the order in which they are read means nothing
	s := report.Make(records, report.Options{}).Sources[0]
	if s.Records != 11 || s.Attempts != 7 || s.Pairs != 5 || s.Modes[0].Connected != 5 || s.Modes[0].Failed != 2 {
		t.Fatalf("%d records, %d attempts, %d pairs: %+v", s.Records, s.Attempts, s.Pairs, s.Modes[0].Tally)
	}
	if r := s.Relay; r.Relayed != 1 || r.Attempts != 5 || r.Pairs != 4 || r.Estimate != 0.25 || s.Modes[0].Times.Max != 500 {
		t.Errorf("%+v, slowest %d", r, s.Modes[0].Times.Max)
	}
}

func TestSyntheticAndRealAreNotMixed(t *testing.T) {
	records := stored(t)
	r := report.Make(records, report.Options{})
	if len(r.Sources) != 2 || r.Sources[0].Source != wire.SourceProbe || r.Sources[1].Source != wire.SourceCall {
		t.Fatalf("%d sources", len(r.Sources))
	}
	for i, s := range []wire.TraversalSource{wire.SourceProbe, wire.SourceCall} {
		alone := report.Make(records, report.Options{Source: s})
		if len(alone.Sources) != 1 || !reflect.DeepEqual(alone.Sources[0], r.Sources[i]) {
			t.Errorf("%s alone differs from %s beside the other", s, s)
		}
		if alone.RelayShare.Source != s {
			t.Errorf("the relay share of %s is that of %s", s, alone.RelayShare.Source)
		}
	}
	if r.RelayShare.Source != wire.SourceCall {
		t.Errorf("relays are planned by %s, where there are real calls", r.RelayShare.Source)
	}
	first := report.Make(records, report.Options{Run: "weekly-46"})
	since := report.Make(records, report.Options{Since: time.UnixMilli(r.Until)})
	if len(first.Sources) != 1 || first.Sources[0].Attempts != 180 || len(since.Sources) != 1 || since.Sources[0].Attempts != 1 {
		t.Errorf("by run %+v, by time %+v", first.Sources, since.Sources)
	}
}

// Every two of the nine classes, once as predicted and once not.
func TestPredictionsAreHeldAgainstWhatCame(t *testing.T) {
	var right, wrong []wire.Traversal
	for i, a := range nat.Classes() {
		for j, b := range nat.Classes() {
			as, not := wire.ResultConnected, wire.ResultFailed
			if nat.Predict(a, b) != nat.Direct {
				as, not = not, as
			}
			x, y := fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", j)
			right = append(right, probed(x, y, a.String(), b.String(), 1, wire.ModeDirect, as))
			wrong = append(wrong, probed(x, y, a.String(), b.String(), 1, wire.ModeDirect, not))
		}
	}
	if p := report.Make(right, report.Options{}).Sources[0].Prediction; p.Agree != 81 || p.Differ != 0 || p.Unsure != 0 {
		t.Errorf("as predicted: %+v", p)
	}
	if p := report.Make(wrong, report.Options{}).Sources[0].Prediction; p.Agree != 0 || p.Differ != 81 || len(p.Differences) != 81 {
		t.Errorf("all otherwise: %d agree, %d differ", p.Agree, p.Differ)
	}
	unsure := probed("a", "b", "unknown/unknown", "APDM/APDF", 1, wire.ModeDirect, wire.ResultFailed)
	blocked := probed("a", "b", "unknown/unknown", "EIM/EIF", 1, wire.ModeDirect, wire.ResultFailed)
	blocked.Ends[0].UDPBlocked = true // is a class by itself, and no other's behaviour matters
	if s := report.Make([]wire.Traversal{blocked}, report.Options{}).Sources[0]; s.Prediction.Agree != 1 || s.Prediction.Unsure != 0 || !slices.Equal(s.Groups[1].Labels, []string{"EIM/EIF", "UDP blocked"}) {
		t.Errorf("where UDP is blocked: %+v, %v", s.Prediction, s.Groups[1].Labels)
	}
	relayed := probed("a", "c", "EIM/EIF", "EIM/EIF", 1, wire.ModeAll, wire.ResultFailed) // says nothing of direct paths
	if p := report.Make([]wire.Traversal{unsure, relayed}, report.Options{}).Sources[0].Prediction; p.Unsure != 1 || p.Agree+p.Differ != 0 {
		t.Errorf("what could not be told: %+v", p)
	}
}

func TestQuantilesAndDistribution(t *testing.T) {
	var records []wire.Traversal
	for n := 1; n <= 100; n++ {
		records = append(records, probed("a", "b", "EIM/EIF", "EIM/EIF", n, wire.ModeDirect, wire.ResultConnected)) // 100, 200, … 10000 ms
	}
	got := report.Make(records, report.Options{}).Sources[0].Modes[0].Times
	if got.P10 != 1000 || got.P50 != 5000 || got.P95 != 9500 || got.P99 != 9900 || got.Max != 10000 {
		t.Errorf("%+v", got)
	}
	sum := 0
	for _, n := range got.Histogram {
		sum += n
	}
	if sum != 100 || got.Histogram[0] != 0 || got.Histogram[len(got.Histogram)-1] != 1 || len(got.Histogram) != len(report.TimeBounds)+1 {
		t.Errorf("%v", got.Histogram)
	}
}
