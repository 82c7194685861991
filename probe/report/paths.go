package report

import (
	"cmp"
	"math"
	"slices"

	"callmesh/bus/wire"
	"callmesh/probe/rate"
)

// Path is how many of the connected attempts of a mode took a path.
type Path struct {
	Mode     wire.TraversalMode `json:"mode"`
	Path     string             `json:"path"` // direct, relay, or unknown
	Protocol string             `json:"protocol"`
	N        int                `json:"n"`
	Estimate                    // of the connected ones of the mode
}

func makePaths(attempts []wire.Traversal) []Path {
	type key struct{ path, protocol string }
	list := []Path{}
	for _, m := range modes {
		of, all := map[key]int{}, 0
		for _, a := range only(attempts, m) {
			if a.Result == wire.ResultConnected {
				of[key{pathOf(a), protocolOf(a)}]++
				all++
			}
		}
		var paths []Path
		for k, n := range of {
			paths = append(paths, Path{Mode: m, Path: k.path, Protocol: k.protocol, N: n, Estimate: estimate(rate.Rate{Successes: n, Attempts: all})})
		}
		slices.SortFunc(paths, func(a, b Path) int {
			return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Protocol, b.Protocol))
		})
		list = append(list, paths...)
	}
	return list
}

func pathOf(a wire.Traversal) string {
	switch yes, known := relayed(a); {
	case yes:
		return "relay"
	case known:
		return "direct"
	}
	return unknown
}

// RelayShare is which part of what connected in mode all, as calls do, went through a relay. The JSON is what `turnctl plan --results` reads.
type RelayShare struct {
	Source wire.TraversalSource `json:"source"`
	// Estimate is the mean over pairs, each of which counts once; from Low to High is the wider of Wilson's interval over pairs and the one that draws networks.
	Estimate float64 `json:"estimate"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	Pairs    int     `json:"pairs"`
	// Attempts whose path is known, and how many of them were relayed; Unknown are those whose path is not.
	Attempts int `json:"attempts"`
	Relayed  int `json:"relayed"`
	Unknown  int `json:"unknown"`
	// Regions of the relays that carried them.
	Regions []Count `json:"regions"`
}

func makeRelayShare(source wire.TraversalSource, attempts []wire.Traversal) *RelayShare {
	s := RelayShare{Source: source}
	var known []wire.Traversal // with the relayed ones as those that succeeded
	regions := map[string]int{}
	for _, a := range only(attempts, wire.ModeAll) {
		if a.Result != wire.ResultConnected {
			continue
		}
		yes, ok := relayed(a)
		if !ok {
			s.Unknown++
			continue
		}
		s.Attempts++
		a.Result = wire.ResultFailed
		if yes {
			a.Result = wire.ResultConnected
			s.Relayed++
			regions[cmp.Or(string(a.RelayRegion), unknown)]++
		}
		known = append(known, a)
	}
	if len(known) == 0 {
		return nil
	}
	pairs := byPair(known)
	for _, name := range sorted(pairs) {
		s.Estimate += pairs[name].Share() / float64(len(pairs))
	}
	s.Estimate = math.Min(1, s.Estimate) // sums of fractions end a hair above
	i := rate.Wilson(s.Estimate, len(pairs), rate.Z95)
	s.Low, s.High, s.Pairs, s.Regions = i.Low, i.High, len(pairs), counts(regions)
	if c := makeClusters(source, known); c != nil {
		s.Low, s.High = min(s.Low, c.Low), max(s.High, c.High)
	}
	s.Low, s.High = min(s.Low, s.Estimate), max(s.High, s.Estimate)
	return &s
}

// RelayCost is what a relay costs the pairs that can do without: medians over the pairs that connected both directly and in a mode of relays, each by its own median.
type RelayCost struct {
	Mode        wire.TraversalMode `json:"mode"`
	Pairs       int                `json:"pairs"`
	DirectRTTMs float64            `json:"directRttMs"`
	RelayRTTMs  float64            `json:"relayRttMs"`
	AddedRTTMs  float64            `json:"addedRttMs"` // the median of the differences
	DirectLoss  float64            `json:"directLoss"` // from 0 to 1
	RelayLoss   float64            `json:"relayLoss"`
	// KbitPerS is over the pairs of which a transfer was measured either way, and 0 without any.
	DirectKbitPerS float64 `json:"directKbitPerS,omitempty"`
	RelayKbitPerS  float64 `json:"relayKbitPerS,omitempty"`
}

func makeRelayCosts(attempts []wire.Traversal) (list []RelayCost) {
	direct := mediansByPair(only(attempts, wire.ModeDirect))
	for _, m := range []wire.TraversalMode{wire.ModeRelayUDP, wire.ModeRelayTCP, wire.ModeRelayTLS} {
		through := mediansByPair(only(attempts, m))
		var d, r [measures][]float64
		var added []float64
		for _, pair := range sorted(through) {
			a, ok := direct[pair]
			if !ok {
				continue
			}
			b := through[pair]
			added = append(added, b[roundTrip]-a[roundTrip])
			for i := range a {
				if i == kbitPerS && (a[i] == 0 || b[i] == 0) {
					continue // no transfer was measured; as 0 it would pull the median down
				}
				d[i], r[i] = append(d[i], a[i]), append(r[i], b[i])
			}
		}
		if len(added) > 0 {
			list = append(list, RelayCost{
				Mode: m, Pairs: len(added), DirectRTTMs: median(d[roundTrip]), RelayRTTMs: median(r[roundTrip]), AddedRTTMs: median(added),
				DirectLoss: median(d[loss]), RelayLoss: median(r[loss]), DirectKbitPerS: median(d[kbitPerS]), RelayKbitPerS: median(r[kbitPerS]),
			})
		}
	}
	return list
}

// What of a pair a median is taken of.
const (
	roundTrip = iota
	loss
	kbitPerS // 0 where no transfer was measured
	measures
)

// mediansByPair are round trip, loss and throughput of each pair that connected and was measured.
func mediansByPair(attempts []wire.Traversal) map[string][measures]float64 {
	of := map[string][measures][]float64{}
	for _, a := range attempts {
		if a.Result != wire.ResultConnected || a.RTTMs == 0 {
			continue
		}
		v := of[a.Pair]
		v[roundTrip], v[loss] = append(v[roundTrip], a.RTTMs), append(v[loss], a.Loss)
		if a.KbitPerS > 0 {
			v[kbitPerS] = append(v[kbitPerS], a.KbitPerS)
		}
		of[a.Pair] = v
	}
	medians := map[string][measures]float64{}
	for pair, v := range of {
		medians[pair] = [measures]float64{median(v[roundTrip]), median(v[loss]), median(v[kbitPerS])}
	}
	return medians
}

// median is 0 of nothing.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return quantile(v, .5)
}
