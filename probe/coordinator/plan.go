// Package coordinator has agents try pairs: it plans who tries whom how often, tells both, and stores what came of it.
package coordinator

import (
	"cmp"
	"slices"

	"callmesh/bus/wire"
)

// Attempt is one that is planned: the nth of two agents, A before B by name, in a mode.
type Attempt struct {
	A, B wire.AgentID
	Mode wire.TraversalMode
	N    int
}

// Key is [wire.Traversal.Key] of its record.
func (a Attempt) Key(run wire.RunID) string {
	t := wire.Traversal{Source: wire.SourceProbe, Run: run, Pair: wire.PairOf(a.A, a.B), Mode: a.Mode, N: a.N}
	return t.Key()
}

// Plan is every unordered pair of the agents, in every mode, so many times. Repetitions are the outermost, so that each mode of each pair is spread over the whole run: what
// changes meanwhile, as the time of day, is in all of them alike. Pairs that follow each other have no agent in common if that can be, so that they can be tried at once.
func Plan(agents []wire.AgentID, modes []wire.TraversalMode, repeat int) []Attempt {
	pairs := rounds(agents)
	plan := make([]Attempt, 0, len(pairs)*len(modes)*repeat)
	for n := 1; n <= repeat; n++ {
		for _, m := range modes {
			for _, p := range pairs {
				plan = append(plan, Attempt{min(p[0], p[1]), max(p[0], p[1]), m, n})
			}
		}
	}
	return plan
}

// rounds are all pairs in the order of a round-robin tournament (the circle method): in each round everybody has at most one.
func rounds(agents []wire.AgentID) (pairs [][2]wire.AgentID) {
	seats := slices.Compact(slices.Sorted(slices.Values(agents)))
	if len(seats)%2 == 1 {
		seats = append(seats, "") // whoever meets it rests
	}
	n := len(seats)
	for range n - 1 {
		for i := range n / 2 {
			if a, b := seats[i], seats[n-1-i]; a != "" && b != "" {
				pairs = append(pairs, [2]wire.AgentID{a, b})
			}
		}
		// The first stays, the others move on by one.
		last := seats[n-1]
		copy(seats[2:], seats[1:n-1])
		seats[1] = last
	}
	return pairs
}

// Remaining is what of a plan is not stored yet.
func Remaining(plan []Attempt, run wire.RunID, stored map[string]bool) []Attempt {
	return slices.DeleteFunc(slices.Clone(plan), func(a Attempt) bool { return stored[a.Key(run)] })
}

// steps in the order in which an attempt goes through them.
var steps = []wire.Step{wire.StepSignal, wire.StepGather, wire.StepCheck, wire.StepDTLS, wire.StepMedia}

// half is one agent's side of an attempt: its result, or if that is nil why there is none.
type half struct {
	agent  wire.Agent
	result *wire.AgentResult
	gone   string
}

// merge makes the record of what both agents tell, in the order of their names. What stopped an attempt is what stopped it earliest at either end. Where an agent was lost in the
// middle nothing is known of the network, whatever the other one saw: that is an attempt without signalling.
func merge(a Attempt, run wire.RunID, at int64, halves [2]half) wire.Traversal {
	t := wire.Traversal{
		At: at, Source: wire.SourceProbe, Run: run, N: a.N, Pair: wire.PairOf(a.A, a.B), Mode: a.Mode, Ends: [2]wire.TraversalEnd{halves[0].agent.End(), halves[1].agent.End()},
	}
	for _, h := range halves {
		if h.result == nil {
			t.Outcome, t.Why = wire.Outcome{Result: wire.ResultNoSignalling, Step: wire.StepSignal}, "agent "+string(h.agent.ID)+" "+h.gone
			return t
		}
	}
	first, second := halves[0].result, halves[1].result
	from := first
	if stage(second) < stage(first) {
		from = second
	}
	t.Outcome, t.GatherMs, t.PairMs, t.ConnectMs, t.JitterMs, t.Loss, t.KbitPerS = from.Outcome, first.GatherMs, first.PairMs, first.ConnectMs, from.JitterMs, from.Loss, from.KbitPerS
	t.Why = cmp.Or(from.Why, first.Why, second.Why)
	if t.Result != wire.ResultConnected {
		t.Path, t.Protocol, t.RelayRegion = "", "", ""
		return t
	}
	t.Theirs, t.Why = second.Path, ""
	// Either end's relay carries both.
	if first.Path == wire.PathRelay || second.Path == wire.PathRelay {
		t.Path, t.Theirs = wire.PathRelay, wire.PathRelay
	}
	if second.RelayRegion != first.RelayRegion {
		t.RelayRegion = cmp.Or(t.RelayRegion, second.RelayRegion)
		if first.RelayRegion != "" && second.RelayRegion != "" {
			t.RelayRegion = "" // one of two, and which is not known here
		}
	}
	return t
}

// stage is how far a side came: the place of the step at which it failed, or behind all if it connected.
func stage(r *wire.AgentResult) int {
	if r.Result == wire.ResultConnected {
		return len(steps)
	}
	return slices.Index(steps, r.Step)
}
