package edge

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// The headers in which a proxy says for whom it asks.
const (
	HeaderXForwardedFor = "X-Forwarded-For"
	HeaderForwarded     = "Forwarded" // RFC 7239
)

// proxyTrust says whose word about a client's address counts.
type proxyTrust struct {
	proxies []netip.Prefix
	// header is the one that the proxies write. The other is not looked at: a proxy passes on what it does not know, so it would be the client's.
	header string
}

// client tells whom a request comes from: the TCP peer, or if that is a trusted proxy, the right-most hop that is none. What stands further
// left may have been made up by the client. direct says that no proxy's word was needed; ignored, that there was one which nobody trusts.
func (p *proxyTrust) client(r *http.Request) (addr netip.Addr, direct, ignored bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	addr = peer.Addr().Unmap()
	if err != nil || !p.trusts(addr) {
		return addr, true, r.Header.Get(HeaderXForwardedFor) != "" || r.Header.Get(HeaderForwarded) != ""
	}
	header := p.header
	if header == "" {
		header = HeaderXForwardedFor
	}
	lines := r.Header.Values(header)
	if len(lines) == 0 {
		return addr, true, false // it asks for itself
	}
	// Several header lines are one list (RFC 9110, section 5.3).
	hops := strings.Split(strings.Join(lines, ","), ",")
	for _, hop := range slices.Backward(hops) {
		if strings.EqualFold(header, HeaderForwarded) {
			hop = forwardedFor(hop)
		}
		a, ok := parseHop(hop)
		if !ok {
			return addr, direct, false // the proxy does not say: it stands for all of its clients
		}
		if addr = a; !p.trusts(addr) {
			return addr, false, false
		}
	}
	return addr, false, false
}

func (p *proxyTrust) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(p.proxies, func(r netip.Prefix) bool { return r.Contains(a) })
}

// forwardedFor takes the address out of one element of a Forwarded header, such as `for="[2001:db8::1]:4711";proto=https`. Elements are cut at
// every comma, also within quotes: none of those that a proxy writes has one there, and a quote that the client left open must not swallow them.
func forwardedFor(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(name, "for") {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// parseHop reads an address with or without a port.
func parseHop(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return a.Unmap().WithZone(""), err == nil
}

// addressGroup is what limits count as one: an IPv4 address, or the /64 that a single IPv6 customer has at the least (RFC 6177).
func addressGroup(a netip.Addr) netip.Addr {
	if a = a.Unmap().WithZone(""); !a.Is6() {
		return a
	}
	p, err := a.Prefix(64)
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr()
}

// addressOf counts the caller in at the address that a request comes from; leave it with [book.leave]. It is nil for this machine's own, unless
// those are limited too.
func (e *Edge) addressOf(r *http.Request) *entry[netip.Addr] {
	addr, direct, ignored := e.trust.client(r)
	if ignored {
		e.untrusted.Do(func() {
			e.log.Warn("a proxy says for whom it asks, and it is not among the trusted proxies: all of its clients count as one address; "+
				"if it is yours, name it in trusted-proxies", "proxy", addr)
		})
	}
	if direct && addr.IsLoopback() && !e.limits.LimitLoopback {
		return nil
	}
	return e.addresses.enter(addressGroup(addr))
}
