package audit

import (
	"net/netip"
	"slices"
	"strings"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/verdict"
)

func (r *reading) tls() {
	served := r.conf.Get("cert") != "" && !r.conf.On("no-tls")
	if !served {
		r.warn("tls.none", verdict.Low, r.line("no-tls"), "cert=… and pkey=…", "no TLS: callers behind firewalls that pass nothing else cannot use this relay")
		return
	}
	before := len(r.items)
	for _, old := range []struct{ off, on, name string }{{"no-tlsv1", "tlsv1", "TLS 1.0"}, {"no-tlsv1_1", "tlsv1_1", "TLS 1.1"}} {
		switch {
		case r.Version.OldTLSOptIn() && r.conf.On(old.on):
			r.bad("tls.old", verdict.Medium, r.line(old.on), "remove "+old.on, "%s is taken, which RFC 8996 forbids", old.name)
		case !r.Version.OldTLSOptIn() && !r.conf.On(old.off):
			r.bad("tls.old", verdict.Medium, r.line(old.off), old.off, "%s is not refused, which RFC 8996 forbids", old.name)
		}
	}
	if len(r.items) == before {
		r.ok("tls.versions", "TLS 1.2 or newer")
	}
}

// doors are the ways in beside TURN.
func (r *reading) doors() {
	v := r.Version
	cliOn := v.CLIOptIn() && r.conf.On("cli") || !v.CLIOptIn() && !r.conf.On("no-cli")
	password, given := r.conf.Last("cli-password")
	switch {
	case !cliOn:
		r.ok("cli.closed", "no telnet interface")
	case !local(r.conf.Get("cli-ip")):
		r.bad("cli.reachable", verdict.High, r.line("cli-ip"), "cli-ip=127.0.0.1", "the telnet interface is open to other machines: who has its password, which is sent in the clear, ends calls")
	case !given || password.Value == "":
		r.warn("cli.password", verdict.Low, password, cliOff(v), "the telnet interface is on without a password, so coturn %s closes it; say so", v)
	case !strings.HasPrefix(password.Value, "$5$") && (len(password.Value) < 8 || defaultSecret(password.Value)):
		r.bad("cli.weak-password", verdict.High, password, "cli-password= with a long one, as turnadmin -P prints it", "the telnet interface has a password that can be guessed")
	default:
		r.ok("cli.local", "the telnet interface is open to this machine alone, with a password")
	}
	if r.conf.On("web-admin") {
		l, _ := r.conf.Last("web-admin")
		if !local(r.conf.Get("web-admin-ip")) || r.conf.On("web-admin-listen-on-workers") {
			r.bad("web-admin.reachable", verdict.High, l, "remove web-admin", "the web administration is open to other machines")
		} else {
			r.warn("web-admin.on", verdict.Medium, l, "remove web-admin", "the web administration is on; it had holes, and turnctl does without")
		}
	}
	if l, ok := r.conf.Last("server-relay"); ok && r.conf.On("server-relay") {
		r.bad("relay.server-relay", verdict.Critical, l, "remove server-relay", "packets from anybody reach a caller's relay address, permission or not")
	}
	if !r.conf.On("no-tcp-relay") {
		r.warn("relay.tcp", verdict.Low, r.line("no-tcp-relay"), "no-tcp-relay", "relaying over TCP (RFC 6062) is offered, which no browser asks for and inner services speak")
	}
	if !v.SoftwareOptIn() && !r.conf.On("no-software-attribute") || v.SoftwareOptIn() && r.conf.On("software-attribute") {
		key, fix := "no-software-attribute", "no-software-attribute"
		if v.SoftwareOptIn() {
			key, fix = "software-attribute", "remove software-attribute"
		}
		r.warn("stun.software", verdict.Low, r.line(key), fix, "coturn tells strangers its version")
	}
}

func cliOff(v coturn.Version) string {
	if v.CLIOptIn() {
		return "remove cli"
	}
	return "no-cli"
}

// local says whether an address of the telnet interface or of the web administration, 127.0.0.1 by default, is on loopback.
func local(ip string) bool {
	a, err := netip.ParseAddr(ip)
	return ip == "" || err == nil && a.IsLoopback()
}

func (r *reading) peers() {
	rules := readRules(r.conf, r.Version)
	for _, w := range rules.externalWhitelists {
		r.bad("peer.external-private", verdict.High, w.line, "external-ip="+strings.SplitN(w.line.Value, "/", 2)[0],
			"a mapping public/private opens the private address %s to every user's peers, whatever is denied", w.addrs)
	}
	own := r.ownAddresses()
	open := 0
	for _, p := range peers() {
		permitted, by := rules.permits(p.addr)
		switch {
		case !permitted:
			continue
		case by != nil && slices.Contains(own, p.addr):
			r.warn(p.name, verdict.Low, by.line, "", "%s may be a peer, as the relay's own address: two callers on it are each other's peers", p.addr)
		case by != nil:
			open++
			r.bad(p.name, p.severity, by.line, "remove the line, or narrow it", "a user can reach %s (%s): %s allows it, which outweighs every rule", p.what, p.addr, by.line.Key)
		default:
			open++
			r.bad(p.name, p.severity, coturn.Line{}, p.line(), "a user can reach %s (%s): no rule denies it to coturn %s", p.what, p.addr, r.Version)
		}
	}
	if open == 0 {
		r.ok("peer.rules", "loopback, private, link-local, metadata and multicast peers are denied, in each of %d forms", len(peers()))
	}
}

// ownAddresses are those that the relay sends from.
func (r *reading) ownAddresses() []netip.Addr {
	var list []netip.Addr
	for _, s := range append(r.conf.Values("relay-ip"), r.conf.Values("listening-ip")...) {
		if a, err := netip.ParseAddr(s); err == nil {
			list = append(list, a)
		}
	}
	return list
}

// vulnerabilities of the version are warnings: the configuration cannot mend what only an upgrade can. Where it could, and does not, it is a finding.
func (r *reading) vulnerabilities() {
	version := beside("version %s", r.Version)
	for _, f := range r.Version.Vulnerabilities() {
		switch {
		case !f.Concerns(r.conf):
			continue
		case f.Workaround != "":
			r.bad("version."+f.ID, f.Severity, version, f.Workaround, "coturn %s: %s (mended in %s)", r.Version, f.Summary, f.FixedIn)
		default:
			r.warn("version."+f.ID, f.Severity, version, "upgrade to coturn "+f.FixedIn.String()+" or later", "coturn %s: %s", r.Version, f.Summary)
		}
	}
}
