package coturn

// DrainsOnSIGUSR1 says whether SIGUSR1 makes coturn refuse new allocations (403) and exit when the last one ends. Earlier ones die of it.
func (v Version) DrainsOnSIGUSR1() bool { return v.AtLeast(4, 6, 3) }

// RFC5780OptIn says whether NAT behaviour discovery needs the key rfc5780. Earlier ones offer it whenever they have two addresses of a family, unless no-rfc5780.
func (v Version) RFC5780OptIn() bool { return v.AtLeast(4, 7, 0) }

// SoftwareOptIn says whether the SOFTWARE attribute is left out unless asked for. Earlier ones tell everybody their version, unless no-software-attribute.
func (v Version) SoftwareOptIn() bool { return v.AtLeast(4, 7, 0) }

// OldTLSOptIn says whether TLS 1.0 and 1.1 are refused unless asked for. Earlier ones need no-tlsv1 and no-tlsv1_1.
func (v Version) OldTLSOptIn() bool { return v.AtLeast(4, 7, 0) }

// OldSTUNOptIn says whether requests of the STUN before RFC 5389 are passed over unless asked for. Earlier ones need no-stun-backward-compatibility.
func (v Version) OldSTUNOptIn() bool { return v.AtLeast(4, 7, 0) }

// ChecksMappedPeers says whether deny rules for IPv4 hold for IPv4-mapped peers (::ffff:a.b.c.d) too (CVE-2026-27624).
func (v Version) ChecksMappedPeers() bool { return v.AtLeast(4, 9, 0) }

// CLIOptIn says whether the telnet interface is off unless the key cli turns it on. Earlier ones open it on 127.0.0.1:5766 unless no-cli.
func (v Version) CLIOptIn() bool { return v.AtLeast(4, 10, 0) }

// AbortsOnBadRange says whether coturn refuses to start over a peer range that it cannot read, as one in CIDR form. Earlier ones log it and run without the rule.
func (v Version) AbortsOnBadRange() bool { return v.AtLeast(4, 11, 0) }

// DTLSOptIn says whether DTLS needs the key dtls. Earlier ones serve it unless no-dtls.
func (v Version) DTLSOptIn() bool { return v.AtLeast(4, 17, 0) }
