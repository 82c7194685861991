package main

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// conns bounds the HTTP connections of one listener, in all and of one address. A WebSocket is not one of them any more once it is open: the edge
// bounds those. What is bounded here is who connects and then says nothing, or says it slowly.
type conns struct {
	total, each int
	exempt      []netip.Prefix // proxies, which are many clients
	refused     *prometheus.CounterVec

	mu    sync.Mutex // guards the following
	open  map[net.Conn]netip.Addr
	count map[netip.Addr]int
}

const (
	connsFull    = "full"
	connsAddress = "address"
)

func newConns(total, each int, exempt []netip.Prefix, reg prometheus.Registerer) *conns {
	c := &conns{
		total: total, each: each, exempt: exempt, open: make(map[net.Conn]netip.Addr), count: make(map[netip.Addr]int),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "callmesh_http_refused_total", Help: "HTTP connections closed at once, by why: full (too many in all), address (too many of one).",
		}, []string{"why"}),
	}
	c.refused.WithLabelValues(connsFull)
	c.refused.WithLabelValues(connsAddress)
	reg.MustRegister(c.refused, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "callmesh_http_connections", Help: "Open HTTP connections of the page's listener, WebSockets left out.",
	}, func() float64 {
		c.mu.Lock()
		defer c.mu.Unlock()
		return float64(len(c.open))
	}))
	return c
}

// watch is the server's ConnState.
func (c *conns) watch(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if why := c.add(conn); why != "" {
			c.refused.WithLabelValues(why).Inc()
			_ = conn.Close()
		}
	case http.StateHijacked, http.StateClosed:
		c.drop(conn)
	case http.StateActive, http.StateIdle:
	}
}

func (c *conns) add(conn net.Conn) (why string) {
	peer, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
	addr := peer.Addr().Unmap().WithZone("")
	if addr.IsLoopback() || slices.ContainsFunc(c.exempt, func(r netip.Prefix) bool { return r.Contains(addr) }) {
		addr = netip.Addr{}
	} else if p, err := addr.Prefix(64); err == nil && addr.Is6() {
		addr = p.Addr()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(c.open) >= c.total:
		return connsFull
	case addr.IsValid() && c.count[addr] >= c.each:
		return connsAddress
	}
	c.open[conn] = addr
	if addr.IsValid() {
		c.count[addr]++
	}
	return ""
}

func (c *conns) drop(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	addr, known := c.open[conn]
	if !known {
		return
	}
	delete(c.open, conn)
	if addr.IsValid() {
		if c.count[addr]--; c.count[addr] <= 0 {
			delete(c.count, addr)
		}
	}
}
