package coturn

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
)

// Range is the addresses from From to To, both included, of one family. IPv4-mapped ones are IPv6 here, as they are to coturn.
type Range struct{ From, To netip.Addr }

// ParseRange reads one as coturn writes it: "10.0.0.0-10.255.255.255", or one address. The CIDR form is an error, as coturn reads none.
func ParseRange(s string) (Range, error) {
	if strings.Contains(s, "/") {
		right := ""
		if p, err := netip.ParsePrefix(s); err == nil {
			right = "; write it as " + RangeOf(p).String()
		}
		return Range{}, fmt.Errorf("%q is in CIDR form, which coturn does not read%s", s, right)
	}
	a, b, two := strings.Cut(s, "-")
	from, err := netip.ParseAddr(strings.TrimSpace(a))
	to := from
	if err == nil && two {
		to, err = netip.ParseAddr(strings.TrimSpace(b))
	}
	if err != nil || from.Zone() != "" || to.Zone() != "" {
		return Range{}, fmt.Errorf("%q is no range; write it like 10.0.0.0-10.255.255.255", s)
	}
	if from.BitLen() != to.BitLen() || to.Less(from) {
		return Range{}, fmt.Errorf("%q ends before it begins, or in another family", s)
	}
	return Range{from, to}, nil
}

// RangeOf is the range of a prefix.
func RangeOf(p netip.Prefix) Range {
	p = p.Masked()
	last := p.Addr().AsSlice()
	for i := p.Bits(); i < len(last)*8; i++ {
		last[i/8] |= 1 << (7 - i%8)
	}
	to, _ := netip.AddrFromSlice(last) // as long as it came
	return Range{p.Addr(), to}
}

// Contains says whether the range holds an address, which must be of the very form: ::ffff:10.0.0.1 is not in 10.0.0.0-10.255.255.255.
func (r Range) Contains(a netip.Addr) bool {
	return a.BitLen() == r.From.BitLen() && bytes.Compare(a.AsSlice(), r.From.AsSlice()) >= 0 && bytes.Compare(a.AsSlice(), r.To.AsSlice()) <= 0
}

// isPrefix says whether the range is all that has the bits in common that its ends have.
func (r Range) isPrefix() bool {
	for bits := 0; bits <= r.From.BitLen(); bits++ {
		if p, err := r.From.Prefix(bits); err == nil && RangeOf(p) == r {
			return true
		}
	}
	return false
}

// String is as coturn reads it.
func (r Range) String() string {
	if r.From == r.To {
		return r.From.String()
	}
	return r.From.String() + "-" + r.To.String()
}

// Denied is a range that no relay should send to, and why.
type Denied struct {
	Range Range
	Why   string
}

// DenyList is what is closed to everybody's peers by default: what RFC 6890 and its followers keep from the public Internet, the
// metadata services of cloud providers, and every way in which IPv6 carries an IPv4 address, mapped ones first (CVE-2026-27624).
// It has no ::0: from 4.9 on that matches all of IPv4.
func DenyList() []Denied {
	var list []Denied
	for _, d := range []struct{ prefix, why string }{
		{"0.0.0.0/8", `"this host" (RFC 1122)`},
		{"10.0.0.0/8", "private (RFC 1918)"},
		{"100.64.0.0/10", "carrier-grade NAT (RFC 6598)"},
		{"127.0.0.0/8", "loopback"},
		{"169.254.0.0/16", "link-local, and the metadata service of most clouds"},
		{"168.63.129.16/32", "Azure's own services"},
		{"172.16.0.0/12", "private (RFC 1918)"},
		{"192.0.0.0/24", "IETF protocols, Oracle's metadata service (RFC 6890)"},
		{"192.88.99.0/24", "6to4 relays (RFC 7526)"},
		{"192.168.0.0/16", "private (RFC 1918)"},
		{"198.18.0.0/15", "benchmarks (RFC 2544)"},
		{"224.0.0.0/4", "multicast"},
		{"240.0.0.0/4", "reserved, and broadcast"},
		{"::1/128", "loopback"},
		{"::ffff:0:0/96", "IPv4-mapped: any IPv4 address written anew (CVE-2026-27624)"},
		{"::ffff:0:0:0/96", "IPv4-translated (RFC 2765)"},
		{"64:ff9b::/96", "IPv4 through NAT64 (RFC 6052)"},
		{"64:ff9b:1::/48", "IPv4 through local NAT64 (RFC 8215)"},
		{"100::/64", "discarded (RFC 6666)"},
		{"2001::/32", "Teredo, which carries IPv4"},
		{"2002::/16", "6to4, which carries IPv4"},
		{"fc00::/7", "unique local, and the metadata service of AWS"},
		{"fe80::/10", "link-local"},
		{"fec0::/10", "site-local"},
		{"ff00::/8", "multicast"},
	} {
		list = append(list, Denied{RangeOf(netip.MustParsePrefix(d.prefix)), d.why})
	}
	return list
}
