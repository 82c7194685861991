package turnd

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// maxPermits bounds the peers that one client has permissions for at a time.
	maxPermits = 256
	// permitLife is how long a permission lasts (RFC 8656, section 9).
	permitLife = 5 * time.Minute
)

// permits decides on CreatePermission and ChannelBind: the policy, and a bound on how many peers a
// client may name, since each costs memory until it expires.
type permits struct {
	policy  policy
	metrics *metrics

	// mu guards the following.
	mu sync.Mutex
	by map[string]map[netip.Addr]time.Time // by client address: peers, and when they were last named
}

func newPermits(p policy, m *metrics) *permits {
	return &permits{policy: p, metrics: m, by: make(map[string]map[netip.Addr]time.Time)}
}

// allow is the server's permission handler; it is asked for clients that have an allocation.
func (p *permits) allow(client net.Addr, peer net.IP) bool {
	ip, ok := netip.AddrFromSlice(peer)
	ip = ip.Unmap()
	if !ok || !p.policy.allows(ip) {
		p.metrics.refused.WithLabelValues(refusedPeer).Inc()
		return false
	}
	if !p.take(clientKey(client), ip, time.Now()) {
		p.metrics.refused.WithLabelValues(refusedQuota).Inc()
		return false
	}
	return true
}

func (p *permits) take(client string, peer netip.Addr, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	peers := p.by[client]
	if peers == nil {
		peers = make(map[netip.Addr]time.Time)
		p.by[client] = peers
	}
	if _, known := peers[peer]; !known && len(peers) >= maxPermits {
		for ip, named := range peers {
			if now.Sub(named) > permitLife {
				delete(peers, ip)
			}
		}
		if len(peers) >= maxPermits {
			return false
		}
	}
	peers[peer] = now
	return true
}

func (p *permits) forget(client net.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.by, clientKey(client))
}

// clientKey tells UDP clients from TCP ones at the same address.
func clientKey(a net.Addr) string { return a.Network() + " " + a.String() }
