package report

import (
	"cmp"
	"slices"

	"callmesh/bus/wire"
	"callmesh/probe/nat"
	"callmesh/probe/rate"
)

// PairRow is one pair in one mode.
type PairRow struct {
	// Names are the agents; of a call they are empty, and Pair is what tells it from others.
	Names    [2]string          `json:"names"`
	Pair     string             `json:"pair"`
	Regions  [2]string          `json:"regions"`
	Networks [2]string          `json:"networks"`
	NATs     [2]string          `json:"nats"`
	Mode     wire.TraversalMode `json:"mode"`
	Attempts int                `json:"attempts"` // that were tried
	OK       int                `json:"connected"`
	Rate     Estimate           `json:"rate"`
	MedianMs int64              `json:"medianMs,omitempty"`
	// Step is where most of those that failed did, and Why what the last of them said.
	Step string `json:"step,omitempty"`
	Why  string `json:"why,omitempty"`

	classes [2]nat.Class
}

// rows gives each pair of each mode.
func rows(attempts []wire.Traversal) []PairRow {
	type key struct {
		pair string
		mode int
	}
	of := map[key][]wire.Traversal{}
	for _, a := range attempts {
		if a.Result != wire.ResultNoSignalling {
			k := key{a.Pair, slices.Index(modes, a.Mode)}
			of[k] = append(of[k], a)
		}
	}
	list := make([]PairRow, 0, len(of))
	for k, attempts := range of {
		list = append(list, rowOf(k.pair, modes[k.mode], attempts))
	}
	slices.SortFunc(list, func(a, b PairRow) int {
		return cmp.Or(cmp.Compare(slices.Index(modes, a.Mode), slices.Index(modes, b.Mode)), cmp.Compare(a.Pair, b.Pair))
	})
	return list
}

func rowOf(pair string, m wire.TraversalMode, attempts []wire.Traversal) PairRow {
	last := attempts[len(attempts)-1]
	r := PairRow{Pair: plain(pair), Mode: m, Attempts: len(attempts), MedianMs: timesOf(attempts).P50}
	for i, e := range last.Ends {
		r.Names[i], r.Regions[i], r.Networks[i], r.NATs[i] = string(e.Name), ByRegion.label(e), networkOf(e), classOf(e).String()
		r.classes[i] = classOf(e)
	}
	steps := map[string]int{}
	for _, a := range attempts {
		if a.Result == wire.ResultConnected {
			r.OK++
			continue
		}
		steps[stepOf(a)]++
		r.Why = cmp.Or(a.Why, r.Why)
	}
	if c := counts(steps); len(c) > 0 {
		r.Step = c[0].Name
	}
	r.Rate = estimate(rate.Rate{Successes: r.OK, Attempts: r.Attempts})
	return r
}

const defaultTop = 10

// rankPairs gives the slowest of those that connect, and the worst of those that do not always: first those that are the most surely bad, which is not the same as a low rate of few attempts.
func rankPairs(attempts []wire.Traversal, top int) (slowest, worst []PairRow) {
	top = cmp.Or(top, defaultTop)
	slowest, worst = []PairRow{}, []PairRow{}
	for _, r := range rows(attempts) {
		if r.MedianMs > 0 {
			slowest = append(slowest, r)
		}
		if r.OK < r.Attempts {
			worst = append(worst, r)
		}
	}
	slices.SortStableFunc(slowest, func(a, b PairRow) int { return cmp.Compare(b.MedianMs, a.MedianMs) })
	slices.SortStableFunc(worst, func(a, b PairRow) int { return cmp.Compare(a.Rate.High, b.Rate.High) })
	return slowest[:min(top, len(slowest))], worst[:min(top, len(worst))]
}

// Prediction holds what direct attempts came to against what the two NATs let expect.
type Prediction struct {
	// Agree and Differ are pairs; of Unsure ones at least one behaviour that matters could not be told.
	Agree  int `json:"agree"`
	Differ int `json:"differ"`
	Unsure int `json:"unsure"`
	// Differences are all pairs that differ, with what is worth knowing of each.
	Differences []Difference `json:"differences"`
}

// Difference is a pair that came to something else than was expected.
type Difference struct {
	PairRow
	Expected nat.Expected `json:"expected"`
	// SameNetwork: both ends bear the same label, so there may be one NAT, or none, between them, and the prediction is of two.
	SameNetwork bool `json:"sameNetwork"`
}

// makePrediction is nil where nothing was tried directly.
func makePrediction(attempts []wire.Traversal) *Prediction {
	p := &Prediction{Differences: []Difference{}}
	for _, r := range rows(only(attempts, wire.ModeDirect)) {
		connects := 2*r.OK > r.Attempts
		switch expected := nat.Predict(r.classes[0], r.classes[1]); {
		case expected == nat.Unsure:
			p.Unsure++
		case (expected == nat.Direct) == connects:
			p.Agree++
		default:
			p.Differ++
			same := r.Networks[0] == r.Networks[1] && r.Networks[0] != unknown
			p.Differences = append(p.Differences, Difference{PairRow: r, Expected: expected, SameNetwork: same})
		}
	}
	if p.Agree+p.Differ+p.Unsure == 0 {
		return nil
	}
	return p
}
