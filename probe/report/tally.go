package report

import (
	"cmp"
	"math"
	"slices"

	"callmesh/bus/wire"
	"callmesh/probe/rate"
)

const (
	confidence = 0.95
	draws      = 1000
	seed       = 1 // the same records give the same report
	// minClusters is how many networks or pairs there must be: of fewer, what happens to be drawn says more than they do.
	minClusters = 5
)

// Estimate is a share with its interval of 95%. Share is nil of nothing, and the interval then 0 to 1.
type Estimate struct {
	Share *float64 `json:"share"`
	Low   float64  `json:"low"`
	High  float64  `json:"high"`
}

// Tally is what came of some attempts.
type Tally struct {
	Attempts     int `json:"attempts"`
	Connected    int `json:"connected"`
	Failed       int `json:"failed"`
	NoCandidates int `json:"noCandidates"`
	NoSignalling int `json:"noSignalling"` // not tried, and in no rate
	// Rate is connected of tried, as if attempts were independent (Wilson).
	Rate Estimate `json:"rate"`
	// Pairs were tried. Of PairsConnected most attempts connected, which is what PairRate counts; of PairsAlways all, of PairsMixed some and not all.
	Pairs          int      `json:"pairs"`
	PairsConnected int      `json:"pairsConnected"`
	PairsAlways    int      `json:"pairsAlways"`
	PairsMixed     int      `json:"pairsMixed"`
	PairRate       Estimate `json:"pairRate"`
}

// Tried is how many attempts the rate is of.
func (t Tally) Tried() int { return t.Connected + t.Failed + t.NoCandidates }

// Clusters is the interval that comes of drawing whole groups of attempts that are alike.
type Clusters struct {
	By   string  `json:"by"` // network, or pair
	N    int     `json:"n"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

func tallyOf(attempts []wire.Traversal) Tally {
	t := Tally{Attempts: len(attempts)}
	for _, a := range attempts {
		switch a.Result {
		case wire.ResultConnected:
			t.Connected++
		case wire.ResultFailed:
			t.Failed++
		case wire.ResultNoCandidates:
			t.NoCandidates++
		case wire.ResultNoSignalling:
			t.NoSignalling++
		}
	}
	for _, r := range byPair(attempts) {
		t.Pairs++
		if 2*r.Successes > r.Attempts {
			t.PairsConnected++
		}
		switch r.Successes {
		case r.Attempts:
			t.PairsAlways++
		case 0:
		default:
			t.PairsMixed++
		}
	}
	t.Rate = estimate(rate.Rate{Successes: t.Connected, Attempts: t.Tried()})
	t.PairRate = estimate(rate.Rate{Successes: t.PairsConnected, Attempts: t.Pairs})
	return t
}

// byPair is what came of each pair that was tried.
func byPair(attempts []wire.Traversal) map[string]rate.Rate {
	return group(attempts, func(a wire.Traversal) string { return a.Pair })
}

func group[K comparable](attempts []wire.Traversal, key func(wire.Traversal) K) map[K]rate.Rate {
	of := map[K]rate.Rate{}
	for _, a := range attempts {
		if a.Result == wire.ResultNoSignalling {
			continue
		}
		r := of[key(a)]
		r.Attempts++
		if a.Result == wire.ResultConnected {
			r.Successes++
		}
		of[key(a)] = r
	}
	return of
}

func estimate(r rate.Rate) Estimate {
	i := r.Wilson(rate.Z95)
	e := Estimate{Low: i.Low, High: i.High}
	if s := r.Share(); !math.IsNaN(s) {
		e.Share = &s
	}
	return e
}

// makeClusters draws networks; of calls it draws pairs, as a browser says at most of what kind its network is.
func makeClusters(source wire.TraversalSource, attempts []wire.Traversal) *Clusters {
	if source == wire.SourceCall {
		pairs := byPair(attempts)
		if len(pairs) < minClusters {
			return nil
		}
		groups := make([]rate.Rate, 0, len(pairs))
		for _, name := range sorted(pairs) {
			groups = append(groups, pairs[name])
		}
		i := rate.Resample(groups, confidence, draws, seed)
		return &Clusters{By: "pair", N: len(groups), Low: i.Low, High: i.High}
	}
	links, n := linksOf(attempts)
	if n < minClusters {
		return nil
	}
	i := rate.ResampleLinks(links, confidence, draws, seed)
	return &Clusters{By: "network", N: n, Low: i.Low, High: i.High}
}

// linksOf is what came of each two networks, and how many networks there are. An end without a label is a network of its own, by its name.
func linksOf(attempts []wire.Traversal) (links []rate.Link, networks int) {
	type two = [2]string
	of := group(attempts, func(a wire.Traversal) two { return ordered(clusterOf(a.Ends[0]), clusterOf(a.Ends[1])) })
	names := map[string]bool{}
	for k, r := range of {
		links = append(links, rate.Link{A: k[0], B: k[1], Rate: r})
		names[k[0]], names[k[1]] = true, true
	}
	slices.SortFunc(links, func(a, b rate.Link) int { return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B)) })
	return links, len(names)
}

func clusterOf(e wire.TraversalEnd) string {
	if n := networkOf(e); n != unknown {
		return n
	}
	return "\x00" + string(e.Name)
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// counts lists what was counted, the most frequent first.
func counts(m map[string]int) []Count {
	list := make([]Count, 0, len(m))
	for _, name := range sorted(m) {
		list = append(list, Count{name, m[name]})
	}
	slices.SortStableFunc(list, func(a, b Count) int { return cmp.Compare(b.N, a.N) })
	return list
}

// stepOf is where an attempt failed.
func stepOf(a wire.Traversal) string {
	switch {
	case a.Step != "":
		return string(a.Step)
	case a.Result == wire.ResultNoCandidates:
		return string(wire.StepGather)
	case a.Result == wire.ResultNoSignalling:
		return string(wire.StepSignal)
	}
	return unknown
}
