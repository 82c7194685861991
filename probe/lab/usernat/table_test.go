package usernat_test

import (
	"net/netip"
	"testing"
	"time"

	"callmesh/probe/lab/usernat"
	"callmesh/probe/nat"
)

var (
	start = time.Unix(1_000_000, 0)
	host  = netip.MustParseAddrPort("10.1.0.2:4000")
	a1    = netip.MustParseAddrPort("203.0.113.1:3478")
	a2    = netip.MustParseAddrPort("203.0.113.1:3479")
	b1    = netip.MustParseAddrPort("203.0.113.2:3478")
)

func table(m nat.Mapping, f nat.Filtering, p usernat.Ports) *usernat.Table {
	return usernat.NewTable(usernat.Behaviour{Mapping: m, Filtering: f, Ports: p, Delta: 2, Lifetime: time.Minute})
}

func TestMappings(t *testing.T) {
	for m, same := range map[nat.Mapping][2]bool{nat.EIM: {true, true}, nat.ADM: {true, false}, nat.APDM: {false, false}} {
		for _, p := range []usernat.Ports{usernat.Keep, usernat.Random, usernat.Sequence} {
			n := table(m, nat.EIF, p)
			first, second, third := n.Out(start, host, a1), n.Out(start, host, a2), n.Out(start, host, b1)
			if (first == second) != same[0] || (first == third) != same[1] || n.Out(start, host, a1) != first {
				t.Errorf("%s, %s: %d, %d, %d", m, p, first, second, third)
			}
			if p == usernat.Keep && first != host.Port() {
				t.Errorf("%s: port %d became %d", m, host.Port(), first)
			}
			if p == usernat.Sequence && m == nat.APDM && (second-first != 2 && first < 65533 || third-second != 2 && second < 65533) {
				t.Errorf("in sequence: %d, %d, %d", first, second, third)
			}
		}
	}
}

func TestFilterings(t *testing.T) {
	for f, lets := range map[nat.Filtering][3]bool{nat.EIF: {true, true, true}, nat.ADF: {true, true, false}, nat.APDF: {true, false, false}} {
		n := table(nat.EIM, f, usernat.Random)
		port := n.Out(start, host, a1)
		for i, from := range []netip.AddrPort{a1, a2, b1} {
			inner, ok := n.In(start, from, port)
			if ok != lets[i] || ok && inner != host {
				t.Errorf("%s lets %s in: %t, to %s", f, from, ok, inner)
			}
		}
		if _, ok := n.In(start, a1, port+1); ok {
			t.Errorf("%s: in by a port that nobody has", f)
		}
	}
}

// What comes in does not keep a mapping alive, what goes out does.
func TestLifetime(t *testing.T) {
	n := table(nat.EIM, nat.EIF, usernat.Keep)
	port := n.Out(start, host, a1)
	n.Out(start.Add(50*time.Second), host, a1)
	if _, ok := n.In(start.Add(100*time.Second), a1, port); !ok {
		t.Error("forgotten though it was used")
	}
	if _, ok := n.In(start.Add(110*time.Second), a1, port); ok {
		t.Error("not forgotten after its lifetime")
	}
	if other := netip.MustParseAddrPort("10.1.1.2:4000"); n.Out(start.Add(111*time.Second), other, a1) != port {
		t.Error("its port is not free again")
	}
}

func TestTwoHostsNeverShareAPort(t *testing.T) {
	for _, p := range []usernat.Ports{usernat.Keep, usernat.Random, usernat.Sequence} {
		n := table(nat.APDM, nat.APDF, p)
		seen := map[uint16]bool{}
		for i := range 6_000 {
			to := netip.AddrPortFrom(a1.Addr(), uint16(i%4_000+1))
			port := n.Out(start, netip.AddrPortFrom(host.Addr(), uint16(i/4_000+5000)), to)
			if port == 0 || seen[port] {
				t.Fatalf("%s: port %d twice, or none", p, port)
			}
			seen[port] = true
		}
	}
}

// A port is free when its mapping is over, not only when the table happens to be swept.
func TestAPortIsFreeWhenItsMappingIsOver(t *testing.T) {
	n := table(nat.EIM, nat.EIF, usernat.Keep)
	swept := start.Add(time.Hour)
	n.Out(swept, netip.MustParseAddrPort("10.1.0.9:9"), a1) // the table is swept now, and not again for a minute
	port := n.Out(swept.Add(-time.Second), host, a1)
	other := netip.MustParseAddrPort("10.1.1.2:4000")
	if got := n.Out(swept.Add(59*time.Second), other, a1); got != port {
		t.Errorf("the port of a mapping that is over is not given: %d, want %d", got, port)
	}
	if inner, ok := n.In(swept.Add(59*time.Second), a1, port); !ok || inner != other {
		t.Errorf("it leads to %s, %t", inner, ok)
	}
}

// All ports are given before there are none, steps of two included; and then they come free again.
func TestPortsRunOut(t *testing.T) {
	const all = 65536 - 1024
	for _, p := range []usernat.Ports{usernat.Keep, usernat.Sequence} {
		n := table(nat.APDM, nat.APDF, p)
		seen := map[uint16]bool{}
		for i := range all {
			port := n.Out(start, netip.AddrPortFrom(host.Addr(), uint16(1024+i)), a1)
			if port < 1024 || seen[port] {
				t.Fatalf("%s: port %d, the %dth, twice or none", p, port, i)
			}
			seen[port] = true
		}
		if port := n.Out(start, host, b1); port != 0 {
			t.Errorf("%s: port %d, of which there is no more", p, port)
		}
		if port := n.Out(start.Add(time.Hour), host, b1); port == 0 {
			t.Errorf("%s: no port, though all mappings are over", p)
		}
	}
}
