package turnd

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Why a request was refused; the values of the label reason.
const (
	refusedCredentials = "credentials" // wrong secret, realm or form of username
	refusedExpired     = "expired"     // a credential that was good once
	refusedQuota       = "quota"       // too many allocations or permissions
	refusedClient      = "client"      // too many allocations or connections from one address
	refusedPeer        = "peer"        // a peer that the relay does not send to
	refusedCapacity    = "capacity"    // no port, connection or address family left to give
)

type metrics struct {
	allocations        prometheus.Gauge
	tcpConns           prometheus.Gauge
	toPeers, fromPeers prometheus.Counter
	dropped            prometheus.Counter
	refused            *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	bytes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "callmesh_turnd_bytes_total", Help: "Bytes of UDP payload relayed, by direction: to_peers, from_peers.",
	}, []string{"direction"})
	m := &metrics{
		allocations: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "callmesh_turnd_allocations", Help: "Live allocations of the embedded relay.",
		}),
		tcpConns: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "callmesh_turnd_tcp_connections", Help: "Clients connected over TCP.",
		}),
		toPeers:   bytes.WithLabelValues("to_peers"),
		fromPeers: bytes.WithLabelValues("from_peers"),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "callmesh_turnd_dropped_packets_total", Help: "Packets to or from places that the relay keeps apart from its clients.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "callmesh_turnd_refused_total", Help: "Requests refused, by reason: credentials, expired, quota, client, peer, capacity.",
		}, []string{"reason"}),
	}
	for _, reason := range []string{refusedCredentials, refusedExpired, refusedQuota, refusedClient, refusedPeer, refusedCapacity} {
		m.refused.WithLabelValues(reason) // so that each can be watched from the start
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.allocations, m.tcpConns, bytes, m.dropped, m.refused} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("turnd: register metrics: %w", err)
		}
	}
	return m, nil
}
