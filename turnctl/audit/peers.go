package audit

import (
	"net/netip"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/verdict"
)

// peer is an address that a stranger would try to reach through the relay.
type peer struct {
	name     string
	addr     netip.Addr // IPv4-mapped ones stay so: 16 bytes on the wire
	what     string
	severity verdict.Severity
}

// line is the line of turnserver.conf that closes it.
func (p peer) line() string {
	for _, d := range coturn.DenyList() {
		if d.Range.Contains(p.addr) {
			r := d.Range.String()
			if p.addr.Is4In6() {
				r = coturn.MappedRange
			}
			return "denied-peer-ip=" + r
		}
	}
	return "denied-peer-ip=" + p.addr.String()
}

// peers are tried in this order, on an allocation of their own family.
func peers() []peer {
	var list []peer
	for _, p := range []struct {
		name, addr, what string
		severity         verdict.Severity
	}{
		{"peer.loopback", "127.0.0.1", "services on the relay's own loopback", verdict.Critical},
		{"peer.loopback-other", "127.0.0.53", "services on the relay's own loopback", verdict.Critical},
		{"peer.this-host", "0.0.0.0", "the relay itself, by the address of nobody (CVE-2020-26262)", verdict.Critical},
		{"peer.metadata", "169.254.169.254", "the cloud's metadata service, which hands out credentials", verdict.Critical},
		{"peer.metadata-azure", "168.63.129.16", "Azure's own services", verdict.High},
		{"peer.metadata-oracle", "192.0.0.192", "Oracle's metadata service", verdict.High},
		{"peer.metadata-alibaba", "100.100.100.200", "Alibaba's metadata service", verdict.High},
		{"peer.private-10", "10.0.0.1", "private networks behind the relay", verdict.High},
		{"peer.private-172", "172.16.0.1", "private networks behind the relay", verdict.High},
		{"peer.private-192", "192.168.0.1", "private networks behind the relay", verdict.High},
		{"peer.link-local", "169.254.1.1", "neighbours on the relay's own link", verdict.High},
		{"peer.cgnat", "100.64.0.1", "networks behind carrier-grade NAT", verdict.High},
		{"peer.benchmark", "198.18.0.1", "networks for measurements", verdict.Medium},
		{"peer.multicast", "224.0.0.251", "everybody on the relay's own link at once", verdict.High},
		{"peer.reserved", "240.0.0.1", "addresses that some clouds use inside", verdict.Medium},
		{"peer.broadcast", "255.255.255.255", "everybody on the relay's own link at once", verdict.High},
		{"peer.loopback6", "::1", "services on the relay's own loopback", verdict.Critical},
		{"peer.unspecified6", "::", "the relay itself, by the address of nobody (CVE-2020-26262)", verdict.Critical},
		{"peer.unique-local", "fd00::1", "private networks behind the relay", verdict.High},
		{"peer.metadata6", "fd00:ec2::254", "AWS's metadata service", verdict.Critical},
		{"peer.link-local6", "fe80::1", "neighbours on the relay's own link", verdict.High},
		{"peer.multicast6", "ff02::1", "everybody on the relay's own link at once", verdict.High},
		{"peer.mapped-loopback", "::ffff:127.0.0.1", "the relay's own loopback, in the IPv4-mapped form (CVE-2026-27624)", verdict.Critical},
		{"peer.mapped-private", "::ffff:10.0.0.1", "private networks, in the IPv4-mapped form (CVE-2026-27624)", verdict.High},
		{"peer.mapped-metadata", "::ffff:169.254.169.254", "the metadata service, in the IPv4-mapped form (CVE-2026-27624)", verdict.Critical},
		{"peer.translated-loopback", "::ffff:0:7f00:1", "the relay's own loopback, in the IPv4-translated form", verdict.Medium},
		{"peer.nat64-private", "64:ff9b::a00:1", "private networks, through NAT64", verdict.High},
		{"peer.nat64-metadata", "64:ff9b::a9fe:a9fe", "the metadata service, through NAT64", verdict.High},
		{"peer.nat64-local", "64:ff9b:1::a00:1", "private networks, through local NAT64", verdict.High},
		{"peer.6to4-private", "2002:a00:1::1", "private networks, through 6to4", verdict.Medium},
		{"peer.teredo", "2001::1", "any IPv4 address, through Teredo", verdict.Medium},
	} {
		list = append(list, peer{p.name, netip.MustParseAddr(p.addr), p.what, p.severity})
	}
	return list
}
