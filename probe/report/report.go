// Package report says what stored attempts to connect add up to: how often two networks connect, by which path, how fast, where it fails, and how sure that is.
//
// [Make] is a pure function from records to a [Report]; Text, JSON, CSV, Prometheus and HTML write one. The definitions that every figure rests on:
//
//   - Synthetic attempts (of probe) and real ones (of calls) stand side by side and are never added up.
//   - The rate of a mode is connected of tried. Tried are all attempts but those whose descriptions did not come across: they say nothing of a network, and are counted apart.
//   - Attempts of one pair are not independent. So beside the rate over attempts stands one over pairs, each of which counts once, as connected if most of its attempts were; and an interval that draws whole networks.
//   - Of a real call both ends report. Two reports of one pair that began within [SameAttempt] are one attempt: it came as far as the end that came the least far, is relayed if either end is, and as slow as the slower one.
//   - A record counts once, however often it was stored: [wire.Traversal.Key].
//   - Intervals are of 95%. None of them knows of what was never tried: vantage points are chosen, not drawn.
package report

import (
	"time"

	"callmesh/bus/wire"
)

// Schema is the version of a report's JSON.
const Schema = 1

// SameAttempt is how far apart the two ends' reports of one attempt of a call may begin.
const SameAttempt = 30 * time.Second

// Options say what is reported. The zero value takes every record, groups it by all there is, and chooses the time bucket by the span.
type Options struct {
	Since  time.Time            // attempts that began earlier are left out
	Run    wire.RunID           // pair tests of other runs are left out, and real calls, which belong to none
	Source wire.TraversalSource // the other source is left out
	Group  []Dimension          // which matrices are made
	Bucket time.Duration        // how much time one point of the trend is; rounded up if there would be more than 400
	Unread int                  // lines that were no records, and are told of
	Top    int                  // how many of the slowest and worst pairs are listed; 0: ten
}

// Report is what the records add up to.
type Report struct {
	Schema int `json:"schema"`
	// From and Until are when the first and the last attempt began, Unix ms; 0 without any.
	From  int64 `json:"from,omitempty"`
	Until int64 `json:"until,omitempty"`
	// Ignored are records that can't be counted, as [wire.Traversal.Validate] says.
	Ignored int `json:"ignored"`
	// Unread are lines of the input that are no records.
	Unread int `json:"unread"`
	// RelayShare is what a plan of relays needs: of real calls, or of pair tests in mode all where there are none. It is nil without either.
	RelayShare *RelayShare `json:"relayShare,omitempty"`
	// Sources are pair tests and real calls, those of which there are records.
	Sources []Source `json:"sources"`
}

// Source is all of pair tests, or all of real calls.
type Source struct {
	Source   wire.TraversalSource `json:"source"`
	Records  int                  `json:"records"` // more than attempts, where both ends of a call told
	Attempts int                  `json:"attempts"`
	Pairs    int                  `json:"pairs"`
	Networks int                  `json:"networks"`
	Runs     int                  `json:"runs,omitempty"`
	From     int64                `json:"from"`
	Until    int64                `json:"until"`
	Modes    []Mode               `json:"modes"`
	Groups   []Group              `json:"groups"`
	Trend    Trend                `json:"trend"`
	Paths    []Path               `json:"paths"`
	Relay    *RelayShare          `json:"relayShare,omitempty"`
	// Prediction is of direct pair tests only: of calls the NATs are not known.
	Prediction *Prediction `json:"prediction,omitempty"`
	RelayCosts []RelayCost `json:"relayCosts,omitempty"`
	Slowest    []PairRow   `json:"slowest"`
	Worst      []PairRow   `json:"worst"`
}

// Mode is what came of the attempts that might take the same paths.
type Mode struct {
	Mode wire.TraversalMode `json:"mode"`
	Tally
	// Clusters is the interval of the rate if whole networks are drawn, or of calls, whose networks are not known, whole pairs; nil if there are fewer than [minClusters].
	Clusters *Clusters `json:"clusters,omitempty"`
	// Times are to the open channel, FirstPair to the first pair that answered a check. In mode all, ICE's waits for better pairs are in the first and not in the second. Of calls only the first is known.
	Times     Times `json:"times"`
	FirstPair Times `json:"firstPair"`
	// Steps are where those that failed did.
	Steps []Count `json:"steps"`
}

// Count is how often something was seen.
type Count struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

// Make reports. It never fails: what can't be counted is in Ignored.
func Make(records []wire.Traversal, o Options) *Report {
	r := &Report{Schema: Schema, Unread: o.Unread, Sources: []Source{}}
	bySource := map[wire.TraversalSource][]wire.Traversal{}
	for _, t := range records {
		if t.Validate() != nil {
			r.Ignored++
			continue
		}
		if o.takes(t) {
			bySource[t.Source] = append(bySource[t.Source], tidy(t))
		}
	}
	for _, s := range []wire.TraversalSource{wire.SourceProbe, wire.SourceCall} {
		if len(bySource[s]) == 0 {
			continue
		}
		section := makeSource(s, bySource[s], o)
		r.Sources = append(r.Sources, section)
		if r.From == 0 || section.From < r.From {
			r.From = section.From
		}
		r.Until = max(r.Until, section.Until)
		if section.Relay != nil {
			r.RelayShare = section.Relay // calls come last, and are what relays are for
		}
	}
	return r
}

func (o Options) takes(t wire.Traversal) bool {
	return (o.Since.IsZero() || t.At >= o.Since.UnixMilli()) && (o.Run == "" || t.Run == o.Run) && (o.Source == "" || t.Source == o.Source)
}

func makeSource(source wire.TraversalSource, records []wire.Traversal, o Options) Source {
	attempts := once(source, records)
	s := Source{Source: source, Records: len(records), Attempts: len(attempts), From: attempts[0].At, Until: attempts[len(attempts)-1].At}
	pairs, networks, runs := map[string]bool{}, map[string]bool{}, map[wire.RunID]bool{}
	for _, a := range attempts {
		pairs[a.Pair] = true
		for _, e := range a.Ends {
			networks[networkOf(e)] = true
		}
		if a.Run != "" {
			runs[a.Run] = true
		}
	}
	delete(networks, unknown)
	s.Pairs, s.Networks, s.Runs = len(pairs), len(networks), len(runs)
	for _, m := range modes {
		if of := only(attempts, m); len(of) > 0 {
			s.Modes = append(s.Modes, makeMode(source, m, of))
		}
	}
	for _, d := range o.dimensions(source) {
		s.Groups = append(s.Groups, makeGroup(d, attempts))
	}
	s.Trend = makeTrend(attempts, o.Bucket)
	s.Paths = makePaths(attempts)
	s.Relay = makeRelayShare(source, attempts)
	if source == wire.SourceProbe {
		s.Prediction = makePrediction(attempts)
		s.RelayCosts = makeRelayCosts(attempts)
	}
	s.Slowest, s.Worst = rankPairs(attempts, o.Top)
	return s
}

func makeMode(source wire.TraversalSource, m wire.TraversalMode, attempts []wire.Traversal) Mode {
	steps := map[string]int{}
	for _, a := range attempts {
		if a.Result != wire.ResultConnected {
			steps[stepOf(a)]++
		}
	}
	return Mode{Mode: m, Tally: tallyOf(attempts), Clusters: makeClusters(source, attempts), Times: timesOf(attempts), FirstPair: firstPairs(attempts), Steps: counts(steps)}
}
