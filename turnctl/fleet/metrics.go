package fleet

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of an agent. The label url is bounded: the URLs of one relay, as configured.
type metrics struct {
	up        *prometheus.GaugeVec
	checks    *prometheus.CounterVec // url, result: passed, failed, unmeasured
	seconds   *prometheus.GaugeVec
	busy      *prometheus.GaugeVec // which: now, most
	traffic   prometheus.Gauge
	announces *prometheus.CounterVec
	rungs     *rungs
}

var resultNames = map[Result]string{Passed: "passed", Failed: "failed", Unmeasured: "unmeasured"}

func newMetrics(reg prometheus.Registerer, urls []string) *metrics {
	name := func(s string) string { return "callmesh_turnctl_" + s }
	m := &metrics{
		up:        prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name("relay_up"), Help: "1 while callers can use the relay at this URL, 0 while not."}, []string{"url"}),
		checks:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: name("checks_total"), Help: "Checks of the relay, by what they came to."}, []string{"url", "result"}),
		seconds:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name("check_seconds"), Help: "How long the last check took."}, []string{"url"}),
		busy:      prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name("relay_allocations"), Help: "Allocations of the relay: now, and at most; -1: not known."}, []string{"which"}),
		traffic:   prometheus.NewGauge(prometheus.GaugeOpts{Name: name("relay_bytes_per_second"), Help: "What the relay carries now, both ways together, as it estimates that itself; -1: not known."}),
		announces: prometheus.NewCounterVec(prometheus.CounterOpts{Name: name("announces_total"), Help: "Times that the registry was told, by whether it took that."}, []string{"result"}),
		rungs:     newRungs(name("")),
	}
	for _, u := range urls {
		for _, r := range resultNames {
			m.checks.WithLabelValues(u, r)
		}
	}
	for _, r := range []string{"taken", "failed"} {
		m.announces.WithLabelValues(r)
	}
	m.load(unknown)
	if reg != nil {
		reg.MustRegister(m.up, m.checks, m.seconds, m.busy, m.traffic, m.announces, m.rungs)
	}
	return m
}

func (m *metrics) checked(url string, r Result, took time.Duration) {
	m.checks.WithLabelValues(url, resultNames[r]).Inc()
	m.seconds.WithLabelValues(url).Set(took.Seconds())
}

func (m *metrics) health(url string, h Health) {
	if !h.Known {
		return
	}
	up := 0.0
	if h.OK {
		up = 1
	}
	m.up.WithLabelValues(url).Set(up)
}

func (m *metrics) load(l Load) {
	m.busy.WithLabelValues("now").Set(float64(l.Allocations))
	m.busy.WithLabelValues("most").Set(float64(l.Capacity))
	m.traffic.Set(float64(l.BytesPerSecond))
}

func (m *metrics) announced(err error) {
	result := "taken"
	if err != nil {
		result = "failed"
	}
	m.announces.WithLabelValues(result).Inc()
}
