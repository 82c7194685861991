package bus

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	connected   prometheus.Gauge
	disconnects prometheus.Counter
	published   *prometheus.CounterVec // how: kept, live
	failed      *prometheus.CounterVec // why: unavailable, timeout, refused
	ackSeconds  prometheus.Histogram
	pending     prometheus.Gauge
	received    prometheus.Counter
	dropped     prometheus.Counter
	replays     prometheus.Counter
	replayed    prometheus.Counter
	edges       prometheus.Gauge
	regions     *prometheus.GaugeVec // state: heard, silent
	lameDucks   prometheus.Counter
	rulings     prometheus.Gauge
	watches     prometheus.Counter
	relayReads  prometheus.Counter
	agentReads  prometheus.Counter
}

// newMetrics registers with reg, which may be nil. Labels are few and bounded: never a room, a peer or a user.
func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		connected:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "callmesh_bus_connected", Help: "1 while there is a connection to NATS."}),
		disconnects: prometheus.NewCounter(prometheus.CounterOpts{Name: "callmesh_bus_disconnects_total", Help: "Connections to NATS that were lost."}),
		published: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "callmesh_bus_published_total", Help: "Messages published, by whether a replay stream keeps them.",
		}, []string{"how"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "callmesh_bus_publish_failures_total", Help: "Messages whose delivery is unknown, by why.",
		}, []string{"why"}),
		ackSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "callmesh_bus_ack_seconds", Help: "Time from publish to the stream's ack.",
			// 0.25 is what the alert asks for: between two bounds a quantile is a guess.
			Buckets: []float64{0.0001, 0.00025, 0.0006, 0.0015, 0.004, 0.01, 0.025, 0.06, 0.12, 0.25, 0.6, 1.5, 5},
		}),
		pending:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "callmesh_bus_pending_acks", Help: "Publishes that wait for their ack."}),
		received: prometheus.NewCounter(prometheus.CounterOpts{Name: "callmesh_bus_received_total", Help: "Messages heard from other processes."}),
		dropped:  prometheus.NewCounter(prometheus.CounterOpts{Name: "callmesh_bus_dropped_total", Help: "Times that messages were dropped because this process read too slowly; the holes are filled from the streams."}),
		replays:  prometheus.NewCounter(prometheus.CounterOpts{Name: "callmesh_bus_replays_total", Help: "Reads of replay streams; resumes that come together share one."}),
		replayed: prometheus.NewCounter(prometheus.CounterOpts{Name: "callmesh_bus_replayed_total", Help: "Messages read from replay streams."}),
		edges:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "callmesh_bus_edges", Help: "Other edges that hold a lease."}),
		regions: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "callmesh_bus_regions", Help: "Regions that have streams, this one too, by whether an edge of them is heard (heard, silent). A silent one is cut off, or has no edge left.",
		}, []string{"state"}),
		lameDucks: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "callmesh_bus_lame_ducks_total", Help: "NATS nodes that were left because they were about to shut down.",
		}),
		rulings: prometheus.NewGauge(prometheus.GaugeOpts{Name: "callmesh_bus_rulings", Help: "Rulings of moderators (kicks and locks) that are remembered here."}),
		watches: prometheus.NewCounter(prometheus.CounterOpts{Name: "callmesh_bus_watches_total", Help: "Times that a region's rulings of moderators were read from the beginning: once per region, and after losses."}),
	}
	m.relayReads = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "callmesh_bus_relay_watches_total", Help: "Times that a region's relays were read from the beginning: once per region, and after losses.",
	})
	m.agentReads = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "callmesh_bus_agent_watches_total", Help: "Times that a region's agents of probe were read from the beginning: once per region, and after losses.",
	})
	if reg != nil {
		reg.MustRegister(m.connected, m.disconnects, m.published, m.failed, m.ackSeconds, m.pending, m.received, m.dropped, m.replays, m.replayed, m.edges, m.regions, m.lameDucks, m.rulings, m.watches, m.relayReads, m.agentReads)
	}
	return m
}
