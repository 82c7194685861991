package usernat

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"callmesh/probe/nat"
)

// The ports that are given to hosts (RFC 4787, REQ-3, leaves out the well-known ones).
const (
	firstPort = 1024
	lastPort  = 65535
)

// maxSent is to how many places one mapping remembers that it has sent. Once it is full, those that are sent to anew are not let in.
const maxSent = 4096

// Table is who has which outer port, and who may come in by it. It is for one goroutine.
type Table struct {
	b        Behaviour
	mappings map[key]*mapping
	ports    map[uint16]*mapping
	next     int // of a sequence
	swept    time.Time
}

// key is what has one mapping: an inner address, and the destination as far as the mapping depends on it.
type key struct{ inner, to netip.AddrPort }

type mapping struct {
	key
	port uint16
	used time.Time
	sent map[netip.AddrPort]struct{} // destinations, as far as the filtering depends on them
}

// NewTable is an empty table.
func NewTable(b Behaviour) *Table {
	b.defaults()
	return &Table{b: b, mappings: map[key]*mapping{}, ports: map[uint16]*mapping{}, next: firstPort + rand.IntN(lastPort-firstPort)}
}

// Out is the outer port of a packet that a host inside sends. It is 0, which is nobody's, if there is none left.
func (t *Table) Out(now time.Time, inner, to netip.AddrPort) uint16 {
	k := key{inner, t.dependsOn(to)}
	m := t.mappings[k]
	if m != nil && t.over(now, m) {
		t.forget(m)
		m = nil
	}
	if m == nil {
		t.sweep(now)
		port := t.choose(now, inner.Port())
		if port == 0 {
			return 0
		}
		m = &mapping{key: k, port: port, sent: map[netip.AddrPort]struct{}{}}
		t.mappings[k], t.ports[port] = m, m
	}
	m.used = now
	if p := t.pass(to); len(m.sent) < maxSent {
		m.sent[p] = struct{}{}
	}
	return m.port
}

// In is the host inside to which a packet from outside goes, if it is let in.
func (t *Table) In(now time.Time, from netip.AddrPort, port uint16) (inner netip.AddrPort, ok bool) {
	m := t.ports[port]
	if m == nil || t.over(now, m) {
		return netip.AddrPort{}, false
	}
	if _, sent := m.sent[t.pass(from)]; !sent {
		return netip.AddrPort{}, false
	}
	return m.inner, true
}

// dependsOn is what of a destination decides which mapping is used.
func (t *Table) dependsOn(to netip.AddrPort) netip.AddrPort {
	switch t.b.Mapping {
	case nat.APDM:
		return to
	case nat.ADM:
		return netip.AddrPortFrom(to.Addr(), 0)
	case nat.EIM, nat.MappingUnknown:
	}
	return netip.AddrPort{}
}

// pass is what of another's address decides whether it is let in.
func (t *Table) pass(other netip.AddrPort) netip.AddrPort {
	switch t.b.Filtering {
	case nat.APDF:
		return other
	case nat.ADF:
		return netip.AddrPortFrom(other.Addr(), 0)
	case nat.EIF, nat.FilteringUnknown:
	}
	return netip.AddrPort{}
}

// choose is a free port, or 0. One whose mapping is over is free, whether it was swept or not.
func (t *Table) choose(now time.Time, inner uint16) uint16 {
	step := 1
	var at int
	switch t.b.Ports {
	case Keep:
		at = int(inner)
	case Sequence:
		step = t.b.Delta
		at = t.next
	case Random:
		at = firstPort + rand.IntN(lastPort-firstPort+1)
	}
	// Steps of more than one can go round without passing by all ports: then each is looked at.
	for _, by := range [2]int{step, 1} {
		for range lastPort - firstPort + 1 {
			at = wrap(at)
			m := t.ports[uint16(at)]
			if m != nil && t.over(now, m) {
				t.forget(m)
				m = nil
			}
			if m == nil {
				t.next = at + step
				return uint16(at)
			}
			at += by
		}
	}
	return 0
}

// wrap brings a port that was counted past either end back in from the other.
func wrap(port int) int {
	const n = lastPort - firstPort + 1
	return firstPort + ((port-firstPort)%n+n)%n
}

func (t *Table) over(now time.Time, m *mapping) bool { return now.Sub(m.used) >= t.b.Lifetime }

// sweep forgets what is over, not more often than it pays.
func (t *Table) sweep(now time.Time) {
	if now.Sub(t.swept) < t.b.Lifetime {
		return
	}
	t.swept = now
	for _, m := range t.mappings {
		if t.over(now, m) {
			t.forget(m)
		}
	}
}

func (t *Table) forget(m *mapping) {
	delete(t.mappings, m.key)
	delete(t.ports, m.port)
}
