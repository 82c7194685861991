package edge

import (
	"github.com/prometheus/client_golang/prometheus"

	"callmesh/bus/wire"
)

// relayGauges tell how many relays this edge knows, and in which state; so many labels and no more, however many relays and regions there are.
type relayGauges struct {
	relays *Relays
	region wire.Region
}

var relaysDesc = prometheus.NewDesc("callmesh_edge_relays",
	"Relays in the registry, by where they stand (own: the edge's region, other) and by state (healthy, full, draining, failing).", []string{"region", "state"}, nil)

// Describe implements [prometheus.Collector].
func (g *relayGauges) Describe(ch chan<- *prometheus.Desc) { ch <- relaysDesc }

// Collect implements [prometheus.Collector].
func (g *relayGauges) Collect(ch chan<- prometheus.Metric) {
	type labels struct{ region, state string }
	counts := make(map[labels]int)
	for _, region := range []string{"own", "other"} {
		for _, state := range []string{"healthy", "full", "draining", "failing"} {
			counts[labels{region, state}] = 0
		}
	}
	if g.relays.opts.Registry != nil {
		for _, r := range g.relays.opts.Registry.List() {
			l := labels{"other", "healthy"}
			if r.Region == g.region {
				l.region = "own"
			}
			switch {
			case r.Health != wire.RelayHealthy:
				l.state = "failing"
			case r.Draining:
				l.state = "draining"
			case r.Full():
				l.state = "full"
			}
			counts[l]++
		}
	}
	for l, n := range counts {
		ch <- prometheus.MustNewConstMetric(relaysDesc, prometheus.GaugeValue, float64(n), l.region, l.state)
	}
}
