package coturn

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Render makes a turnserver.conf for a version: each line with a comment that says what for, and no key that the version does not know.
// What [Relay.Check] finds must be mended before. The same relay always gives the same text.
func (r Relay) Render(v Version) (Config, error) {
	if ps := r.Check(v); len(ps) > 0 {
		return Config{}, fmt.Errorf("coturn: %s: %s", ps[0].Key, ps[0].Text)
	}
	if len(r.Relays) == 0 {
		r.Relays = r.Listen
	}
	w := &writer{}
	w.comment("coturn %s, rendered by turnctl; change it there and render again.", v)
	if r.Region != "" {
		w.comment("Region: %s", r.Region)
	}
	r.addresses(w, v)
	r.users(w)
	r.tls(w, v)
	r.limits(w)
	r.quiet(w, v)
	r.peers(w)
	r.operation(w, v)
	for _, l := range w.lines {
		if l.Key != "" && v.Key(l.Key) != Known {
			return Config{}, fmt.Errorf("coturn: rendered %s, which coturn %s does not take; this is a mistake in turnctl", l.Key, v)
		}
	}
	return Config{Lines: w.lines}, nil
}

type writer struct{ lines []Line }

func (w *writer) comment(format string, args ...any) {
	w.lines = append(w.lines, Line{Comment: "# " + fmt.Sprintf(format, args...)})
}

// set writes a setting under its reason.
func (w *writer) set(why, key string, value any) {
	if why != "" {
		w.lines = append(w.lines, Line{})
		for part := range strings.SplitSeq(why, "\n") {
			w.comment("%s", part)
		}
	}
	w.lines = append(w.lines, Line{Key: key, Value: fmt.Sprint(value)})
}

func (w *writer) flag(why, key string) {
	w.set(why, key, "")
	w.lines[len(w.lines)-1].Bare = true
}

func (r Relay) addresses(w *writer, v Version) {
	why := "Where clients reach the relay. Named, since coturn takes every address of the host otherwise."
	for _, a := range r.Listen {
		w.set(why, "listening-ip", a)
		why = ""
	}
	if r.Second.IsValid() {
		w.set("A second address of the same family, for NAT behaviour discovery (RFC 5780).", "listening-ip", r.Second)
		w.set("The other port of discovery.", "alt-listening-port", r.Port+1)
	}
	w.set("UDP and TCP; TLS has a port of its own below.", "listening-port", r.Port)
	why = "Where peers' packets leave and arrive."
	for _, a := range r.Relays {
		w.set(why, "relay-ip", a)
		why = ""
	}
	if !slices.ContainsFunc(r.Relays, netip.Addr.Is4) {
		// RFC 8656, section 7.2, has IPv4 for who asks for no family.
		w.set("Browsers ask for no family, and would be refused for want of an IPv4 address here.", "allocation-default-address-family", "ipv6")
	}
	if r.External.IsValid() {
		w.set("The relay's address as others see it, for the NAT in front must pass all ports on as they are.\nWithout the private address, which is let in below where it has to be.", "external-ip", r.External)
	}
	w.set("One UDP port for each allocation; the firewall must let all of them in.", "min-port", r.MinPort)
	w.set("", "max-port", r.MaxPort)
	switch {
	case v.RFC5780OptIn() && r.Second.IsValid():
		w.flag("Offer NAT behaviour discovery.", "rfc5780")
	case !v.RFC5780OptIn() && !r.Second.IsValid():
		w.flag("No NAT behaviour discovery: its longer answers help who floods others in this relay's name.", "no-rfc5780")
	}
}

func (r Relay) users(w *writer) {
	w.set("The name that credentials are made for: the same wherever they are minted.", "realm", r.Realm)
	w.flag("Time-limited credentials made from a shared secret (TURN REST); nobody gets in without. No user= beside it: coturn would pass it over.", "use-auth-secret")
	if r.UserDB != "" {
		w.set("The shared secrets are rows here, for this realm, read anew at each login:\nso they can be rotated without a restart, and this file holds none.", "userdb", r.UserDB)
	}
	for i, s := range r.Secrets {
		why := ""
		if i == 0 {
			why = "Keep this file readable for coturn's user alone (mode 0640): whoever has the secret can make credentials."
		}
		w.set(why, "static-auth-secret", s.Reveal())
	}
	w.set("Clients must fetch a new nonce every ten minutes, so that what was overheard cannot be replayed for long.", "stale-nonce", 600)
}

func (r Relay) tls(w *writer, v Version) {
	if r.TLSOff {
		w.flag("No TLS: tls-off. Callers whose networks pass nothing but TLS on 443 cannot use this relay.", "no-tls")
	} else {
		w.set("TLS, for networks that pass nothing else; 443 gets through most of them.", "tls-listening-port", r.TLSPort)
		w.set("coturn's user must be able to read both; SIGUSR2 makes coturn read them again.", "cert", r.Cert)
		w.set("", "pkey", r.Key)
		if !v.OldTLSOptIn() {
			w.flag("TLS 1.2 or newer (RFC 8996).", "no-tlsv1")
			w.flag("", "no-tlsv1_1")
		}
	}
	switch {
	case r.DTLS && v.DTLSOptIn():
		w.flag("TLS over UDP too.", "dtls")
	case !r.DTLS && !v.DTLSOptIn():
		w.flag("No DTLS: no browser asks for it, and it can be flooded.", "no-dtls")
	}
}

func (r Relay) limits(w *writer) {
	w.set("Allocations at a time: of one user, by the name behind the expiry in the credential, and of all.", "user-quota", r.UserQuota)
	w.set("", "total-quota", r.Quota())
	if r.SessionBytes > 0 {
		w.set(fmt.Sprintf("Bytes, not bits, a second for each allocation and direction: %s.", megabits(r.SessionBytes)), "max-bps", r.SessionBytes)
	}
	if r.CapacityBytes > 0 {
		w.set(fmt.Sprintf("Bytes a second for all together: %s. Each allocation takes max-bps of it, used or not.", megabits(r.CapacityBytes)), "bps-capacity", r.CapacityBytes)
	}
}

func megabits(bytes uint64) string {
	return strconv.FormatFloat(float64(bytes)*8/1e6, 'f', -1, 64) + " Mbit/s"
}

func (r Relay) quiet(w *writer, v Version) {
	w.flag("A checksum in each message, by which STUN is told from other packets (RFC 8489, section 14.7).", "fingerprint")
	if !v.SoftwareOptIn() {
		w.flag("Do not tell strangers the version.", "no-software-attribute")
	}
	if !v.OldSTUNOptIn() {
		w.flag("Short answers to short questions: no STUN of before 2008, and no addresses that nobody asked for.", "no-stun-backward-compatibility")
		w.flag("", "response-origin-only-with-rfc5780")
	}
	if !r.TCPRelay {
		w.flag("No relaying over TCP to peers (RFC 6062): browsers do not ask for it, and inner services speak TCP.", "no-tcp-relay")
	}
}

func (r Relay) peers(w *writer) {
	w.flag("No peers on multicast addresses.", "no-multicast-peers")
	w.lines = append(w.lines, Line{})
	w.comment("What no user may send to through this relay. Ranges, since coturn reads no CIDR form.")
	for _, d := range DenyList() {
		w.comment("%s", d.Why)
		w.set("", "denied-peer-ip", rangeText(d.Range))
	}
	for i, p := range r.DenyPeers {
		if i == 0 {
			w.comment("deny-peer")
		}
		w.set("", "denied-peer-ip", RangeOf(p))
	}
	allowed, loopback := r.allowed()
	for i, a := range allowed {
		why := ""
		if i == 0 {
			why = "Exceptions, which outweigh every rule above: allow-peer, and the relay's own address where that is not a public one,\nsince two callers on this relay are each other's peers there. Behind NAT too: coturn takes external-ip for it before it looks here."
		}
		w.set(why, "allowed-peer-ip", a)
	}
	if loopback {
		w.flag("One of them is on loopback. Only for tests: nobody outside reaches such a relay.", "allow-loopback-peers")
	}
}

// rangeText is a range as coturn reads it; the mapped ones stand in the form of the advisory.
func rangeText(r Range) string {
	if s := r.String(); s != "::ffff:0.0.0.0-::ffff:255.255.255.255" {
		return s
	}
	return MappedRange
}

// allowed are the exceptions, and whether coturn's own guard of loopback must step aside for them.
func (r Relay) allowed() (list []Range, loopback bool) {
	add := func(a Range) {
		if !slices.Contains(list, a) {
			list = append(list, a)
		}
		loopback = loopback || a.From.IsLoopback() || a.To.IsLoopback()
	}
	for _, p := range r.AllowPeers {
		add(RangeOf(p))
	}
	for _, a := range r.Relays {
		denied := slices.ContainsFunc(DenyList(), func(d Denied) bool { return d.Range.Contains(a) })
		if denied {
			add(Range{a, a})
		}
	}
	return list, loopback
}

func (r Relay) operation(w *writer, v Version) {
	switch {
	case r.CLIPassword.IsZero() && !v.CLIOptIn():
		w.flag("No telnet interface.", "no-cli")
	case !r.CLIPassword.IsZero():
		if v.CLIOptIn() {
			w.flag("The telnet interface, by which turnctl drains the relay.", "cli")
			w.set("", "cli-ip", "127.0.0.1")
		} else {
			w.set("The telnet interface, by which turnctl drains the relay: on this host alone.", "cli-ip", "127.0.0.1")
		}
		w.set("", "cli-port", r.CLIPort)
		w.set("A salted hash of the password.", "cli-password", r.hashCLIPassword())
	}
	if r.PrometheusPort != 0 {
		w.flag("coturn's metrics. They ask nobody who they are: keep the port behind the firewall.", "prometheus")
		w.set("", "prometheus-port", r.PrometheusPort)
	}
	switch r.Log {
	case "syslog":
		w.flag("Log to syslog.", "syslog")
	case "", "stdout":
		w.set("Log to where systemd or the container engine picks it up.", "log-file", "stdout")
	default:
		w.set("Log to one file, for logrotate to turn over (SIGHUP).", "log-file", r.Log)
		w.flag("", "simple-log")
		w.flag("", "no-stdout-log")
	}
}

// hashCLIPassword is what `turnadmin -P` makes of a password: SHA-256 over salt and password, of which coturn stores both in hex.
// The salt comes from what names the relay, so that it is another for each, and rendering again changes nothing.
func (r Relay) hashCLIPassword() string {
	name := sha256.Sum256(fmt.Append(nil, "turnctl cli-password ", r.Realm, r.Listen, r.Port))
	salt := name[:8]
	sum := sha256.Sum256(append(slices.Clone(salt), r.CLIPassword.Reveal()...))
	return "$5$" + hex.EncodeToString(salt) + "$" + hex.EncodeToString(sum[:])
}
