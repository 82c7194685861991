package turnd_test

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/prometheus/client_golang/prometheus"

	"callmesh/turnctl/turnd"
)

// from makes a client that speaks from an address of this machine.
func from(t *testing.T, r *turnd.Relay, ip, user string) *raw {
	t.Helper()
	conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.ParseIP(ip)}, net.UDPAddrFromAddrPort(r.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &raw{t: t, conn: conn, cred: mint(t, secret, user, time.Hour)}
}

// One address can't have all there is, whatever names it goes by.
func TestQuotaOfAnAddress(t *testing.T) {
	reg := prometheus.NewRegistry()
	r := startRelay(t, func(o *turnd.Options) { o.Registerer, o.MaxPerClient = reg, 3 })
	var first *raw
	for i := range 3 {
		c := from(t, r, "127.0.0.66", fmt.Sprint("guest", i))
		if code := c.request(stun.MethodAllocate, transport(udp)); code != 0 {
			t.Fatalf("allocation %d: %d", i, code)
		}
		if first == nil {
			first = c
		}
	}
	if code := from(t, r, "127.0.0.66", "guest3").request(stun.MethodAllocate, transport(udp)); code != 486 {
		t.Errorf("one too many: %d, want 486", code)
	}
	if code := from(t, r, "127.0.0.7", "ann").request(stun.MethodAllocate, transport(udp)); code != 0 {
		t.Errorf("another address: %d", code)
	}
	if n := metric(t, reg, "callmesh_turnd_refused_total", "client"); n != 1 {
		t.Errorf("%v refusals, want 1", n)
	}
	if code := first.request(stun.MethodRefresh, stun.RawAttribute{Type: stun.AttrLifetime, Value: make([]byte, 4)}); code != 0 {
		t.Fatalf("refresh: %d", code)
	}
	eventually(t, "the allocation ends", func() bool { return r.Allocations() == 3 })
	if code := from(t, r, "127.0.0.66", "guest4").request(stun.MethodAllocate, transport(udp)); code != 0 {
		t.Errorf("after one has ended: %d", code)
	}
}

// Those that come at the same moment over TCP are handled beside one another.
func TestQuotaOfAnAddressAtOnce(t *testing.T) {
	r := startRelay(t, func(o *turnd.Options) { o.MaxPerClient = 2 })
	var wg sync.WaitGroup
	for i := range 12 {
		client := newClient(t, r, "tcp", mint(t, secret, fmt.Sprint("guest", i), time.Hour))
		wg.Go(func() {
			if relayed, err := client.Allocate(); err == nil {
				t.Cleanup(func() { _ = relayed.Close() })
			}
		})
	}
	wg.Wait()
	eventually(t, "two are left", func() bool { return r.Allocations() <= 2 })
}

// Connections without an allocation cost something too.
func TestConnectionsOfAnAddress(t *testing.T) {
	reg := prometheus.NewRegistry()
	r := startRelay(t, func(o *turnd.Options) { o.Registerer, o.MaxPerClient = reg, 1 }) // and 18 connections
	for range 30 {
		conn, err := net.Dial("tcp4", r.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
	}
	eventually(t, "the last are refused", func() bool { return metric(t, reg, "callmesh_turnd_refused_total", "client") == 12 })
	other := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.7")}}
	conn, err := other.Dial("tcp4", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	c := &raw{t: t, conn: conn, cred: mint(t, secret, "ann", time.Hour)}
	if code := c.request(stun.MethodAllocate, transport(udp)); code != 0 {
		t.Errorf("another address: %d", code)
	}
}
