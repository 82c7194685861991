package turnd

import (
	"net"
	"net/netip"
	"sync"
)

// clients counts what each address has, so that nobody can take all there is: a user id costs nothing where guests are welcome, an address does.
type clients struct {
	max int // of one address

	// mu guards the following.
	mu sync.Mutex
	by map[netip.Addr]int
}

func newClients(most int) *clients { return &clients{max: most, by: make(map[netip.Addr]int)} }

// full reports whether an address has all that it may have.
func (c *clients) full(a net.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by[clientGroup(a)] >= c.max
}

// add counts one more and reports whether that was one too many.
func (c *clients) add(a net.Addr) (over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := clientGroup(a)
	c.by[g]++
	return c.by[g] > c.max
}

func (c *clients) drop(a net.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := clientGroup(a)
	if c.by[g]--; c.by[g] <= 0 {
		delete(c.by, g)
	}
}

// clientGroup is what counts as one: an IPv4 address, or the /64 that a single IPv6 customer has at the least (RFC 6177).
func clientGroup(a net.Addr) netip.Addr {
	var ip netip.Addr
	switch a := a.(type) {
	case *net.UDPAddr:
		ip = a.AddrPort().Addr()
	case *net.TCPAddr:
		ip = a.AddrPort().Addr()
	}
	if ip = ip.Unmap().WithZone(""); !ip.Is6() {
		return ip
	}
	p, err := ip.Prefix(64)
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr()
}
