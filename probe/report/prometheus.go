package report

import (
	"io"

	"github.com/prometheus/client_golang/prometheus"

	"callmesh/bus/wire"
)

// maxRegionSeries bounds the series by region: labels come from outside.
const maxRegionSeries = 1000

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("callmesh_probe_"+name, help, labels, nil)
}

var (
	descAttempts  = desc("attempts", "Attempts to connect, by what they came to.", "source", "mode", "result")
	descPairs     = desc("pairs", "Pairs that were tried, by whether all, some or none of their attempts connected.", "source", "mode", "connected")
	descRate      = desc("success_ratio", "Share of the tried attempts (over=attempts) or pairs (over=pairs) that connected, with the ends of its 95% interval.", "source", "mode", "over", "bound")
	descSteps     = desc("failures", "Attempts that did not connect, by the step at which they failed.", "source", "mode", "step")
	descTimes     = desc("connect_seconds", "Quantiles of the time to the open channel.", "source", "mode", "quantile")
	descFirstPair = desc("first_pair_seconds", "Quantiles of the time to the first pair that answered a check, without ICE's waits for better ones.", "source", "mode", "quantile")
	descRegions   = desc("region_success_ratio", "Share of the tried attempts between two regions that connected, with the ends of its 95% interval.", "source", "mode", "a", "b", "bound")
	descTried     = desc("region_attempts", "Tried attempts between two regions.", "source", "mode", "a", "b")
	descRelay     = desc("relay_share", "Share of what connected, as calls do, that went through a relay, with the ends of its 95% interval.", "source", "bound")
	descPredicted = desc("predicted_pairs", "Pairs by whether direct attempts came to what their NATs let expect.", "result")
	descLast      = desc("last_attempt_timestamp_seconds", "When the last attempt began.", "source")
	descUnread    = desc("unread_lines", "Lines of the input that could not be read, and are in no figure; missing while there are none.")
)

// Collector gives a report to a registry, as gauges. Networks and pairs have no series: there can be too many of them.
type Collector struct{ Report func() *Report }

// Describe implements prometheus.Collector.
func (c Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descAttempts, descPairs, descRate, descSteps, descTimes, descFirstPair, descRegions, descTried, descRelay, descPredicted, descLast, descUnread} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	bounds := func(d *prometheus.Desc, e Estimate, labels ...string) {
		if e.Share == nil {
			return
		}
		for bound, v := range map[string]float64{"estimate": *e.Share, "low": e.Low, "high": e.High} {
			send(d, v, append(labels[:len(labels):len(labels)], bound)...)
		}
	}
	r := c.Report()
	if r.Unread > 0 {
		send(descUnread, float64(r.Unread))
	}
	for i := range r.Sources {
		s := &r.Sources[i]
		source := string(s.Source)
		send(descLast, float64(s.Until)/1000, source)
		for _, m := range s.Modes {
			mode := string(m.Mode)
			m.collect(send, source, mode)
			bounds(descRate, m.Rate, source, mode, "attempts")
			bounds(descRate, m.PairRate, source, mode, "pairs")
		}
		s.collectRegions(send, bounds)
		if s.Relay != nil {
			bounds(descRelay, Estimate{&s.Relay.Estimate, s.Relay.Low, s.Relay.High}, source)
		}
		if p := s.Prediction; p != nil {
			send(descPredicted, float64(p.Agree), "agree")
			send(descPredicted, float64(p.Differ), "differ")
			send(descPredicted, float64(p.Unsure), "unsure")
		}
	}
}

type sender func(d *prometheus.Desc, v float64, labels ...string)

func (m *Mode) collect(send sender, source, mode string) {
	send(descAttempts, float64(m.Connected), source, mode, string(wire.ResultConnected))
	send(descAttempts, float64(m.Failed), source, mode, string(wire.ResultFailed))
	send(descAttempts, float64(m.NoCandidates), source, mode, string(wire.ResultNoCandidates))
	send(descAttempts, float64(m.NoSignalling), source, mode, string(wire.ResultNoSignalling))
	send(descPairs, float64(m.PairsAlways), source, mode, "all")
	send(descPairs, float64(m.PairsMixed), source, mode, "some")
	send(descPairs, float64(m.Pairs-m.PairsAlways-m.PairsMixed), source, mode, "none")
	for _, c := range m.Steps {
		send(descSteps, float64(c.N), source, mode, c.Name)
	}
	m.Times.collect(send, descTimes, source, mode)
	m.FirstPair.collect(send, descFirstPair, source, mode)
}

func (t *Times) collect(send sender, d *prometheus.Desc, source, mode string) {
	if t.N == 0 {
		return
	}
	for q, v := range map[string]int64{"0.1": t.P10, "0.5": t.P50, "0.9": t.P90, "0.95": t.P95, "0.99": t.P99} {
		send(d, float64(v)/1000, source, mode, q)
	}
}

func (s *Source) collectRegions(send sender, bounds func(*prometheus.Desc, Estimate, ...string)) {
	for _, g := range s.Groups {
		if g.By != ByRegion {
			continue
		}
		for _, c := range g.Cells[:min(len(g.Cells), maxRegionSeries)] {
			send(descTried, float64(c.Tried()), string(s.Source), string(c.Mode), c.A, c.B)
			bounds(descRegions, c.Rate, string(s.Source), string(c.Mode), c.A, c.B)
		}
	}
}

// Prometheus writes the text exposition format, for a textfile collector.
func (r *Report) Prometheus(w io.Writer) error {
	return expose(w, Collector{func() *Report { return r }})
}
