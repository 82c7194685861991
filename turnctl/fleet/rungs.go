package fleet

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"callmesh/turnctl/verdict"
)

// rungs are the metrics of what the last check of each URL found, step by step. They change together, so that nobody reads half of one check and half of
// another, and a step that was not tried any more has none. The label rung is bounded: the steps of package check, for two families of addresses.
type rungs struct {
	up, seconds, expiry *prometheus.Desc

	mu   sync.Mutex // guards last
	last map[string][]verdict.Item
}

func newRungs(prefix string) *rungs {
	labels := []string{"url", "rung"}
	return &rungs{
		up:      prometheus.NewDesc(prefix+"rung_up", "Each step of the last check: 1 where it passed, 0 where it failed; none where it was not tried or could not be told.", labels, nil),
		seconds: prometheus.NewDesc(prefix+"rung_seconds", "How long each step of the last check took, of those that wait for an answer.", labels, nil),
		// The name that an edge has for its own: whoever is told that one ends need not know what serves it.
		expiry: prometheus.NewDesc("callmesh_tls_certificate_expiry_timestamp_seconds", "When the certificate that the relay shows expires, in Unix time.", []string{"url"}, nil),
		last:   map[string][]verdict.Item{},
	}
}

func (r *rungs) checked(url string, items []verdict.Item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last[url] = items
}

// Describe implements prometheus.Collector.
func (r *rungs) Describe(to chan<- *prometheus.Desc) {
	to <- r.up
	to <- r.seconds
	to <- r.expiry
}

// Collect implements prometheus.Collector.
func (r *rungs) Collect(to chan<- prometheus.Metric) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for url, items := range r.last {
		seen := map[string]bool{}
		if at := expiry(items); at > 0 {
			to <- prometheus.MustNewConstMetric(r.expiry, prometheus.GaugeValue, at, url)
		}
		for _, i := range items {
			// The same series twice would make all of /metrics an error.
			if seen[i.Name] || i.Status == verdict.Skipped || i.Status == verdict.Unknown {
				continue
			}
			seen[i.Name] = true
			up := 1.0
			if i.Status == verdict.Fail {
				up = 0
			}
			to <- prometheus.MustNewConstMetric(r.up, prometheus.GaugeValue, up, url, i.Name)
			if i.Took > 0 {
				to <- prometheus.MustNewConstMetric(r.seconds, prometheus.GaugeValue, i.Took.Seconds(), url, i.Name)
			}
		}
	}
}

// expiry is when the first of the certificates expires that a check was shown, in Unix time; 0 for none.
func expiry(items []verdict.Item) (at float64) {
	for _, i := range items {
		for _, v := range i.Values {
			if v.Name == "certificate_expiry_timestamp_seconds" && (at == 0 || v.Value < at) {
				at = v.Value
			}
		}
	}
	return at
}
