package coordinator

import (
	"fmt"
	"reflect"
	"testing"

	"callmesh/bus/wire"
)

func names(n int) (all []wire.AgentID) {
	for i := range n {
		all = append(all, wire.AgentID(fmt.Sprintf("a%02d", i)))
	}
	return all
}

func TestPlan(t *testing.T) {
	for n := range 9 {
		plan := Plan(append(names(n), names(n)...), []wire.TraversalMode{wire.ModeDirect, wire.ModeAll}, 3)
		if want := n * max(0, n-1) / 2 * 2 * 3; len(plan) != want {
			t.Errorf("%d agents: %d attempts, want %d", n, len(plan), want)
		}
		seen := map[Attempt]bool{}
		for _, a := range plan {
			if a.A >= a.B || seen[a] {
				t.Errorf("%d agents: %+v", n, a)
			}
			seen[a] = true
		}
		// As many as can be at once follow each other.
		at := map[wire.AgentID]bool{}
		for _, a := range plan[:min(len(plan), n/2)] {
			if at[a.A] || at[a.B] {
				t.Errorf("%d agents: the first round has somebody twice: %v", n, plan[:n/2])
			}
			at[a.A], at[a.B] = true, true
		}
	}
	plan := Plan(names(3), wire.Modes(), 2)
	left := Remaining(plan, "r", map[string]bool{plan[0].Key("r"): true, plan[5].Key("other"): true})
	if !reflect.DeepEqual(left, plan[1:]) {
		t.Errorf("left: %v", left)
	}
}

func TestMerge(t *testing.T) {
	side := func(result wire.Result, step wire.Step, path wire.PathKind) *wire.AgentResult {
		return &wire.AgentResult{Outcome: wire.Outcome{Result: result, Step: step, Path: path, Ms: 100}}
	}
	ok := func(path wire.PathKind) *wire.AgentResult { return side(wire.ResultConnected, "", path) }
	failed := func(step wire.Step) *wire.AgentResult { return side(wire.ResultFailed, step, "") }
	none := side(wire.ResultNoCandidates, wire.StepGather, "")
	unsignalled := side(wire.ResultNoSignalling, wire.StepSignal, "")
	for name, c := range map[string]struct {
		a, b         *wire.AgentResult
		result       wire.Result
		step         wire.Step
		path, theirs wire.PathKind
	}{
		"direct":                   {ok(wire.PathSrflx), ok(wire.PathPrflx), wire.ResultConnected, "", wire.PathSrflx, wire.PathPrflx},
		"one end's relay":          {ok(wire.PathPrflx), ok(wire.PathRelay), wire.ResultConnected, "", wire.PathRelay, wire.PathRelay},
		"both failed":              {failed(wire.StepDTLS), failed(wire.StepCheck), wire.ResultFailed, wire.StepCheck, "", ""},
		"one had no candidates":    {failed(wire.StepCheck), none, wire.ResultNoCandidates, wire.StepGather, "", ""},
		"one thinks it connected":  {ok(wire.PathHost), failed(wire.StepMedia), wire.ResultFailed, wire.StepMedia, "", ""},
		"one heard nothing":        {failed(wire.StepCheck), unsignalled, wire.ResultNoSignalling, wire.StepSignal, "", ""},
		"one was lost":             {ok(wire.PathHost), nil, wire.ResultNoSignalling, wire.StepSignal, "", ""},
		"one was lost, one failed": {nil, failed(wire.StepCheck), wire.ResultNoSignalling, wire.StepSignal, "", ""},
	} {
		halves := [2]half{{agent: wire.Agent{ID: "a"}, result: c.a, gone: "is gone"}, {agent: wire.Agent{ID: "b"}, result: c.b, gone: "is gone"}}
		r := merge(Attempt{"a", "b", wire.ModeAll, 1}, "run", 1, halves)
		if r.Result != c.result || r.Step != c.step || r.Path != c.path || r.Theirs != c.theirs {
			t.Errorf("%s: %+v", name, r)
		}
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
