package coturn

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"callmesh/turnctl/turnauth"
)

// Relay is what an operator decides about one relay; [Relay.Render] makes a hardened turnserver.conf of it.
type Relay struct {
	// Region is told to whoever reads the configuration; coturn knows no regions.
	Region string
	// Listen are the addresses for clients, Relays those that peers see. Both at least one; Relays is Listen when empty.
	Listen, Relays []netip.Addr
	// External is the public address of a relay behind NAT: one, for one relay address.
	External netip.Addr
	// Second is another address of this host, for NAT behaviour discovery (RFC 5780); none means that it is not offered.
	Second netip.Addr
	// Port for UDP and TCP, TLSPort for TLS and DTLS, MinPort to MaxPort for relayed packets.
	Port, TLSPort, MinPort, MaxPort uint16
	Realm                           string
	// UserDB is coturn's SQLite database, in which the shared secrets are looked up.
	UserDB string
	// Secrets go into the configuration itself; those in the database need not be here.
	Secrets []turnauth.Secret
	// Cert and Key are PEM files that coturn's user can read. TLSOff serves without; DTLS serves TLS over UDP too.
	Cert, Key    string
	TLSOff, DTLS bool
	// TCPRelay offers relaying over TCP to peers (RFC 6062). Browsers do not ask for it.
	TCPRelay bool
	// UserQuota and TotalQuota bound allocations at a time, of one user and of all; TotalQuota 0 means what ports and files allow.
	UserQuota, TotalQuota int
	// SessionBytes is the most that one allocation may relay, in bytes a second and direction, CapacityBytes all together; 0 means no bound.
	SessionBytes, CapacityBytes uint64
	// AllowPeers are opened to peers though they are denied by default, DenyPeers closed beside what is.
	AllowPeers, DenyPeers []netip.Prefix
	// CLIPort of the telnet interface on 127.0.0.1, with CLIPassword; without a password there is none.
	CLIPort     uint16
	CLIPassword turnauth.Secret
	// PrometheusPort of coturn's own metrics; 0 means none. Debian's build has none.
	PrometheusPort uint16
	// HasPrometheus says that the coturn in question was built with it.
	HasPrometheus bool
	// Log is stdout, syslog or the path of a file.
	Log string
}

// Problem is what is wrong with one of a relay's keys, and what would be right.
type Problem struct{ Key, Text string }

const (
	// MinRelayPorts is the smallest relay range: with 11 ports, the second client got 508.
	MinRelayPorts = 100
	// filesLimit is Debian's limit of open files, and filesPerSession what an allocation needs.
	filesLimit, filesPerSession = 20_000, 2
	minSecret                   = 16
)

// Ports is how many relay ports there are.
func (r Relay) Ports() int { return int(r.MaxPort) - int(r.MinPort) + 1 }

// Quota is the bound on all allocations: TotalQuota, or what the ports allow, and Debian's limit of open files.
func (r Relay) Quota() int {
	if r.TotalQuota > 0 {
		return r.TotalQuota
	}
	return min(r.Ports()*max(len(r.Relays), 1), filesLimit/filesPerSession)
}

// Check finds what coturn would ignore without a word, or get wrong.
func (r Relay) Check(v Version) []Problem {
	var ps []Problem
	wrong := func(key, format string, args ...any) { ps = append(ps, Problem{key, fmt.Sprintf(format, args...)}) }
	r.checkAddresses(wrong)
	r.checkPorts(wrong)
	for key, path := range map[string]string{"userdb": r.UserDB, "tls-cert": r.Cert, "tls-key": r.Key, "log": r.Log} {
		if strings.ContainsFunc(path, unicode.IsControl) || strings.ContainsAny(path, "\"") || strings.TrimSpace(path) != path || strings.HasPrefix(path, "=") || len(path) > 900 {
			wrong(key, "a control character, a quotation mark, an outer space or more than 900 bytes would end it early; use another path")
		}
	}
	if strings.ContainsFunc(r.Region, unicode.IsControl) || len(r.Region) > 64 {
		wrong("region", "no name of a region; write it like eu-west")
	}
	switch {
	case r.Realm == "":
		wrong("realm", "missing; give the name that clients and whoever mints credentials know the relay by, like example.org")
	case len(r.Realm) > maxRealm || strings.ContainsAny(r.Realm, " \"=#") || strings.ContainsFunc(r.Realm, unicode.IsControl):
		wrong("realm", "%q is no realm; write it like example.org, in at most %d bytes without spaces", r.Realm, maxRealm)
	}
	for _, s := range r.Secrets {
		if len(s.Reveal()) < minSecret || len(s.Reveal()) > maxSecret || strings.ContainsAny(s.Reveal(), "\"") || strings.ContainsFunc(s.Reveal(), unicode.IsControl) || strings.TrimLeft(strings.TrimSpace(s.Reveal()), "=") != s.Reveal() {
			wrong("secret", "shorter than %d bytes, longer than 255, or with spaces, quotes or = around it, which coturn would drop; make one: openssl rand -base64 32 | tr -d =", minSecret)
		}
	}
	switch {
	case r.TLSOff && (r.Cert != "" || r.Key != "" || r.DTLS):
		wrong("tls-off", "given together with tls-cert, tls-key or dtls, which coturn would pass over; give one or the other")
	case !r.TLSOff && (r.Cert == "" || r.Key == ""):
		wrong("tls-cert", "missing, or its tls-key is; give both, as coturn starts without TLS otherwise, or say tls-off")
	}
	if r.UserQuota <= 0 {
		wrong("user-quota", "%d would let one user take the whole relay; give the most that one needs, like 100", r.UserQuota)
	}
	if r.TotalQuota < 0 {
		wrong("total-quota", "%d is no number of allocations; leave it out for what the ports allow", r.TotalQuota)
	}
	if r.CapacityBytes > 0 && r.SessionBytes == 0 {
		wrong("capacity-bytes", "needs session-bytes: coturn shares it out by what each allocation may take, and passes it over otherwise")
	}
	if r.CapacityBytes > 0 && r.CapacityBytes < r.SessionBytes {
		wrong("capacity-bytes", "less than session-bytes, so no allocation would fit; give at least %d", r.SessionBytes)
	}
	if !r.CLIPassword.IsZero() && len(r.CLIPassword.Reveal()) < minSecret {
		wrong("cli-password", "shorter than %d bytes; its hash stands in the configuration, so make one that cannot be guessed: openssl rand -hex 16", minSecret)
	}
	if r.PrometheusPort != 0 && !r.HasPrometheus {
		wrong("prometheus-port", "coturn %s as Debian builds it knows no Prometheus and would start without; leave it out and run turnctl watch beside it", v)
	}
	return ps
}

func (r Relay) checkAddresses(wrong func(key, format string, args ...any)) {
	if len(r.Listen) == 0 {
		wrong("listen-ip", "missing; give the address that clients reach, like 203.0.113.7: coturn would take every address of this host otherwise")
	}
	for key, list := range map[string][]netip.Addr{"listen-ip": r.Listen, "relay-ip": r.Relays, "external-ip": {r.External}, "second-ip": {r.Second}} {
		for _, a := range list {
			if a.IsValid() && (a.IsMulticast() || a.Is4In6() || a.Zone() != "" || key != "listen-ip" && a.IsUnspecified()) {
				wrong(key, "%s is no address of a host; write it like 203.0.113.7", a)
			}
		}
	}
	relays := r.Relays
	if len(relays) == 0 {
		relays = r.Listen
	}
	if r.External.IsValid() && len(relays) > 1 {
		wrong("external-ip", "needs a single relay-ip: for several, coturn wants each mapped as public/private, and then opens the private ones to every user's peers")
	}
	if r.External.IsValid() && len(relays) == 1 && r.External.Is4() != relays[0].Is4() {
		wrong("external-ip", "%s and the relay's own address %s are of different families", r.External, relays[0])
	}
	if !r.Second.IsValid() {
		return
	}
	same := slices.ContainsFunc(r.Listen, func(a netip.Addr) bool { return a.Is4() == r.Second.Is4() && !a.IsUnspecified() })
	switch {
	case slices.Contains(r.Listen, r.Second) || !same:
		wrong("second-ip", "%s is not another address of the family of listen-ip; RFC 5780 needs two of one family", r.Second)
	case r.External.IsValid():
		wrong("second-ip", "given together with external-ip: behind NAT, coturn tells clients the wrong addresses for discovery; leave one out")
	}
}

func (r Relay) checkPorts(wrong func(key, format string, args ...any)) {
	if r.Port == 0 {
		wrong("port", "0 is no port; write it like 3478")
	}
	if r.MinPort < 1024 || r.MaxPort < r.MinPort {
		wrong("min-port", "%d to %d is no range; write it like min-port 49152 and max-port 65535", r.MinPort, r.MaxPort)
	} else if r.Ports() < MinRelayPorts {
		wrong("max-port", "%d to %d are %d ports, and callers beyond them get 508; give at least %d, like max-port %d", r.MinPort, r.MaxPort, r.Ports(), MinRelayPorts,
			min(int(r.MinPort)+MinRelayPorts-1, 65535))
	}
	if !r.TLSOff && r.TLSPort == r.Port {
		wrong("tls-port", "%d is the port of UDP and TCP too; give another, like 5349 or 443", r.TLSPort)
	}
	taken := map[string]uint16{"port": r.Port, "tls-port": r.TLSPort, "cli-port": r.CLIPort, "prometheus-port": r.PrometheusPort}
	for key, port := range taken {
		if port != 0 && port >= r.MinPort && port <= r.MaxPort && (key != "tls-port" || !r.TLSOff) && (key != "cli-port" || !r.CLIPassword.IsZero()) {
			wrong(key, "%d lies among the relay ports %d to %d; give one outside", port, r.MinPort, r.MaxPort)
		}
	}
}
