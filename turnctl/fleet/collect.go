package fleet

import (
	"github.com/prometheus/client_golang/prometheus"

	"callmesh/bus/wire"
)

// Collector gives the whole fleet to Prometheus, as it is when it is asked. The label relay is bounded as the registry is: its names are operators' own.
type Collector struct {
	// Now is the registry.
	Now func() Registry
}

var (
	upDesc       = prometheus.NewDesc("callmesh_fleet_relay_up", "1 while callers can use the relay, 0 while not.", []string{"region", "relay"}, nil)
	drainDesc    = prometheus.NewDesc("callmesh_fleet_relay_draining", "1 while an operator takes the relay out of service.", []string{"region", "relay"}, nil)
	loadDesc     = prometheus.NewDesc("callmesh_fleet_relay_allocations", "Allocations of the relay; missing where that is not known.", []string{"region", "relay"}, nil)
	capacityDesc = prometheus.NewDesc("callmesh_fleet_relay_capacity_allocations", "Allocations that the relay can have; missing where that is not known.", []string{"region", "relay"}, nil)
	urlsDesc     = prometheus.NewDesc("callmesh_fleet_relay_urls", "URLs of the relay, by whether they work.", []string{"region", "relay", "works"}, nil)
	servingDesc  = prometheus.NewDesc("callmesh_fleet_relays_serving", "Relays of the region that callers are sent to.", []string{"region"}, nil)
)

// Describe implements [prometheus.Collector].
func (c Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{upDesc, drainDesc, loadDesc, capacityDesc, urlsDesc, servingDesc} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	r := c.Now()
	for _, region := range r.regions() {
		serving := 0.0
		for _, s := range r.of(region) {
			at := []string{string(s.Region), string(s.ID)}
			gauge(upDesc, truth(s.Health == wire.RelayHealthy), at...)
			gauge(drainDesc, truth(s.Draining), at...)
			if s.Load >= 0 {
				gauge(loadDesc, float64(s.Load), at...)
			}
			if s.Capacity >= 0 {
				gauge(capacityDesc, float64(s.Capacity), at...)
			}
			gauge(urlsDesc, float64(len(s.URLs)), append(at, "yes")...)
			gauge(urlsDesc, float64(len(s.Down)), append(at, "no")...)
			serving += truth(Serves(&s))
		}
		gauge(servingDesc, serving, string(region))
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
