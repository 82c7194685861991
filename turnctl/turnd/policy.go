package turnd

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"callmesh/turnctl/ownaddr"
)

// never are addresses that no exception opens: nobody is there.
var never = prefixes("0.0.0.0/32", "224.0.0.0/4", "255.255.255.255/32", "::/128", "ff00::/8")

// inner are the IPv4 ranges behind which a relay would be a way in (RFC 6890), and what cloud
// providers answer metadata on outside of them.
var inner = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "240.0.0.0/4",
	"168.63.129.16/32", // Azure: DHCP, DNS and guest agent
)

// global6 is what of IPv6 is not refused at once; embedding within it carries IPv4 addresses
// (Teredo, 6to4), with which any IPv4 range could be named anew.
var (
	global6   = netip.MustParsePrefix("2000::/3")
	embedding = prefixes("2001::/32", "2002::/16")
)

func prefixes(list ...string) []netip.Prefix {
	ps := make([]netip.Prefix, len(list))
	for i, s := range list {
		ps[i] = netip.MustParsePrefix(s)
	}
	return ps
}

// policy says which peers the relay may send to.
type policy struct {
	relay     netip.Addr // the relay's own address; which ports of it are open is not said here
	relayOpen bool       // all of its ports are
	allow     []netip.Prefix
	own       func() []netip.Addr // this machine's addresses
}

func newPolicy(relay netip.Addr, allow []netip.Prefix) policy {
	p := policy{relay: relay, own: cached(ownaddr.List, 10*time.Second)}
	for _, a := range allow {
		// ::ffff:10.0.0.0/104 means 10.0.0.0/8; peers are compared unmapped.
		if a.Addr().Is4In6() && a.Bits() >= 96 {
			a = netip.PrefixFrom(a.Addr().Unmap(), a.Bits()-96)
		}
		p.allow = append(p.allow, a.Masked())
		p.relayOpen = p.relayOpen || a.IsSingleIP() && a.Addr() == relay
	}
	return p
}

// allows says whether the relay may send to ip at all. Mapped addresses are taken for the IPv4
// addresses that they are (CVE-2026-27624 is what happens otherwise).
func (p policy) allows(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	switch {
	case !ip.IsValid() || in(never, ip):
		return false
	case ip == p.relay || in(p.allow, ip):
		return true
	case ip.Is4() && in(inner, ip):
		return false
	case ip.Is6() && (!global6.Contains(ip) || in(embedding, ip)):
		return false
	}
	return !slices.Contains(p.own(), ip)
}

func in(ps []netip.Prefix, ip netip.Addr) bool {
	for _, p := range ps {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

func cached(get func() []netip.Addr, age time.Duration) func() []netip.Addr {
	var (
		mu   sync.Mutex
		list []netip.Addr
		at   time.Time
	)
	return func() []netip.Addr {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); at.IsZero() || now.Sub(at) > age {
			list, at = get(), now
		}
		return list
	}
}
