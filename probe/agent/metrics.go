package agent

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"callmesh/bus/wire"
)

type metrics struct {
	tests *prometheus.CounterVec
}

// newMetrics registers with reg, which may be nil.
func newMetrics(reg prometheus.Registerer, a *Agent) *metrics {
	m := &metrics{tests: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "callmesh_probe_agent_tests_total", Help: "Pair tests that this agent took part in, by mode and by what they came to here.",
	}, []string{"mode", "result"})}
	for _, mode := range wire.Modes() {
		m.tests.WithLabelValues(string(mode), string(wire.ResultConnected))
	}
	busy := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "callmesh_probe_agent_busy", Help: "Pair tests that run now."}, func() float64 {
		a.mu.Lock()
		defer a.mu.Unlock()
		return float64(a.busyLocked())
	})
	silent := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "callmesh_probe_agent_unannounced_seconds", Help: "How long ago the registry last took what this agent says of itself; -1: never.",
	}, func() float64 {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.said.IsZero() {
			return -1
		}
		return time.Since(a.said).Seconds()
	})
	if reg != nil {
		reg.MustRegister(m.tests, busy, silent)
	}
	return m
}
