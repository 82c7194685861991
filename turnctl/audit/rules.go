package audit

import (
	"net/netip"
	"strings"

	"callmesh/turnctl/coturn"
)

// rules are what a configuration says about peers, as a version of coturn understands it.
type rules struct {
	version            coturn.Version
	allowed, denied    []rule
	loopback, noCasts  bool
	unreadable         []rule // lines that coturn cannot read
	externalWhitelists []rule // private addresses of external-ip mappings
}

type rule struct {
	line  coturn.Line
	addrs coturn.Range
	err   error
}

func readRules(c coturn.Config, v coturn.Version) rules {
	r := rules{version: v, loopback: c.On("allow-loopback-peers"), noCasts: c.On("no-multicast-peers")}
	for _, l := range c.Lines {
		switch l.Key {
		case "allowed-peer-ip", "denied-peer-ip":
			addrs, err := coturn.ParseRange(l.Value)
			switch {
			case err != nil:
				r.unreadable = append(r.unreadable, rule{l, addrs, err})
			case l.Key == "allowed-peer-ip":
				r.allowed = append(r.allowed, rule{line: l, addrs: addrs})
			default:
				r.denied = append(r.denied, rule{line: l, addrs: addrs})
			}
		case "external-ip":
			if _, private, ok := strings.Cut(l.Value, "/"); ok {
				if a, err := netip.ParseAddr(private); err == nil {
					white := rule{line: l, addrs: coturn.Range{From: a, To: a}}
					r.allowed = append(r.allowed, white)
					r.externalWhitelists = append(r.externalWhitelists, white)
				}
			}
		}
	}
	return r
}

// permits says whether coturn would send to a peer, and which line says so where one does. The order is coturn's: its own guards, then what is allowed, then
// what is denied, then everything else.
func (r rules) permits(a netip.Addr) (bool, *rule) {
	v := r.version
	seen := a
	if a.Is4In6() && v.ChecksMappedPeers() {
		seen = a.Unmap()
	}
	guarded := seen
	if a.Is4In6() && !v.AtLeast(4, 13, 0) { // CVE-2026-53450: the guard of loopback was the last to learn of them
		guarded = a
	}
	switch {
	case a.IsUnspecified() || a.Is4() && a.As4()[0] == 0:
		return !v.AtLeast(4, 5, 2), nil
	case isLoopback(guarded) && !r.loopback:
		return false, nil
	case r.noCasts && isCast(seen):
		return false, nil
	}
	for i := range r.allowed {
		if r.allowed[i].addrs.Contains(seen) {
			return true, &r.allowed[i]
		}
	}
	for _, d := range r.denied {
		if d.addrs.Contains(seen) {
			return false, nil
		}
	}
	if v.AtLeast(4, 13, 1) && (embedsIPv4(seen) || isInner6(seen) || seen.IsLinkLocalUnicast()) {
		return false, nil
	}
	return true, nil
}

// isLoopback is not Addr.IsLoopback, which looks through the mapped form: coturn did not.
func isLoopback(a netip.Addr) bool {
	return a.Is4() && a.As4()[0] == 127 || a == netip.IPv6Loopback()
}

func isCast(a netip.Addr) bool { return a.Is4() && a.As4()[0] >= 224 || a.Is6() && a.As16()[0] == 0xff }

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
	siteLocal = netip.MustParsePrefix("fec0::/10")
)

// embedsIPv4 are forms that 4.13.1 reads as the IPv4 address within; what is tried in them is all denied as IPv4.
func embedsIPv4(a netip.Addr) bool { return nat64.Contains(a) || sixToFour.Contains(a) }

func isInner6(a netip.Addr) bool {
	return a.Is6() && (a.IsPrivate() || siteLocal.Contains(a))
}
