package audit

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/verdict"
)

// reading collects what a configuration lets happen.
type reading struct {
	Options
	conf  coturn.Config
	items []verdict.Item
}

func read(o Options) []verdict.Item {
	r := &reading{Options: o, conf: *o.Config}
	r.keys()
	r.users()
	r.quotas()
	r.tls()
	r.doors()
	r.peers()
	r.vulnerabilities()
	return r.items
}

func (r *reading) ok(name, format string, args ...any) {
	r.items = append(r.items, verdict.Item{Name: name, Group: r.Path, Status: verdict.OK, Summary: fmt.Sprintf(format, args...)})
}

// bad is a finding; warn one that does not fail the audit.
func (r *reading) bad(name string, s verdict.Severity, l coturn.Line, fix, format string, args ...any) {
	r.find(verdict.Fail, name, s, l, fix, format, args...)
}

func (r *reading) warn(name string, s verdict.Severity, l coturn.Line, fix, format string, args ...any) {
	r.find(verdict.Warn, name, s, l, fix, format, args...)
}

func (r *reading) find(status verdict.Status, name string, s verdict.Severity, l coturn.Line, fix, format string, args ...any) {
	r.items = append(r.items, verdict.Item{
		Name: name, Group: r.Path, Status: status, Severity: s, Summary: fmt.Sprintf(format, args...), Evidence: evidence(r.Path, l), Fix: fix,
	})
}

// line is the one that counts for a key; the zero Line where there is none.
func (r *reading) line(key string) coturn.Line {
	l, _ := r.conf.Last(key)
	return l
}

// beside is what a finding rests on that is no line of the file.
func beside(format string, args ...any) coturn.Line {
	return coturn.Line{Comment: fmt.Sprintf(format, args...)}
}

// evidence is a line with its number, without its secret. The zero Line is one that the file lacks.
func evidence(path string, l coturn.Line) string {
	switch {
	case l.Key == "" && l.Comment != "":
		return l.Comment
	case l.Key == "":
		return path + ": no such line"
	}
	masked := coturn.Config{Lines: []coturn.Line{l}}.Masked().Lines[0]
	return fmt.Sprintf("%s:%d: %s", path, l.Number, masked)
}

func (r *reading) keys() {
	bad := false
	for _, l := range r.conf.Lines {
		if l.Key == "" {
			continue
		}
		switch r.Version.Key(l.Key) {
		case coturn.Unknown:
			bad = true
			// The value may be a secret whose key was misspelt.
			shown := coturn.Line{Number: l.Number, Key: l.Key, Bare: true}
			r.bad("config.unknown-key", verdict.High, shown, r.Version.Suggest(l.Key),
				"coturn %s knows no key %.60q: it logs \"Bad configuration format\" and runs without", r.Version, l.Key)
		case coturn.Obsolete:
			r.warn("config.obsolete-key", verdict.Low, l, "remove it", "%s asks for what is the default since long: coturn %s passes it over", l.Key, r.Version)
		case coturn.Known:
		}
	}
	for _, u := range readRules(r.conf, r.Version).unreadable {
		bad = true
		consequence := "it logs an error and runs without the rule"
		if r.Version.AbortsOnBadRange() {
			consequence = "it does not start"
		}
		fix := "write it as a range, like " + u.line.Key + "=10.0.0.0-10.255.255.255"
		if p, err := netip.ParsePrefix(u.line.Value); err == nil {
			fix = u.line.Key + "=" + coturn.RangeOf(p).String()
		}
		r.bad("config.bad-range", verdict.Critical, u.line, fix, "coturn %s cannot read this rule: %s", r.Version, consequence)
	}
	if !bad {
		r.ok("config.keys", "coturn %s knows every key, and can read every rule", r.Version)
	}
	if r.Mode.Perm()&0o004 != 0 && r.hasSecret() {
		r.bad("config.mode", verdict.High, beside("%s: %s", r.Path, r.Mode.Perm()), "chmod 640 "+r.Path,
			"every user of this machine can read the secrets in it (mode %04o)", r.Mode.Perm())
	}
}

func (r *reading) hasSecret() bool {
	for _, l := range r.conf.Lines {
		if l.String() != (coturn.Config{Lines: []coturn.Line{l}}).Masked().Lines[0].String() {
			return true
		}
	}
	return false
}

func (r *reading) users() {
	shared, named := r.conf.On("use-auth-secret") || len(r.conf.Values("static-auth-secret")) > 0, r.conf.Values("user")
	noAuth, anonymous := r.conf.Last("no-auth")
	anonymous = anonymous && r.conf.On("no-auth")
	switch {
	case anonymous && !shared && !r.conf.On("lt-cred-mech"):
		r.bad("auth.anonymous", verdict.Critical, noAuth, "use-auth-secret", "anybody may relay through it, without credentials")
	case anonymous:
		r.bad("auth.anonymous", verdict.Critical, noAuth, "remove no-auth", "no-auth stands beside credentials: which of them holds, one line decides")
	case !shared && !r.conf.On("lt-cred-mech") && !r.conf.On("oauth") && len(named) == 0:
		r.bad("auth.anonymous", verdict.Critical, coturn.Line{}, "use-auth-secret", "no key asks for credentials, so anybody may relay through it")
	default:
		r.ok("auth.required", "nobody relays without credentials")
	}
	if l, ok := r.conf.Last("user"); ok && shared {
		r.bad("auth.mixed", verdict.Medium, l, "remove the user lines, or use-auth-secret", "user= beside use-auth-secret: coturn takes the shared secret alone, and passes the users over")
	}
	if r.conf.Get("realm") == "" && (shared || len(named) > 0) {
		r.bad("auth.realm", verdict.Medium, r.line("realm"), "realm=example.org", "no realm: coturn takes the host's domain, and credentials for another are refused")
	}
	weak := false
	for _, l := range r.conf.Lines {
		if l.Key == "static-auth-secret" {
			weak = r.secret(turnauth.NewSecret(l.Value), l) || weak
		}
		if name, password, ok := strings.Cut(l.Value, ":"); l.Key == "user" && ok && !shared && (len(password) < minSecret || defaultSecret(password)) {
			weak = true
			r.bad("auth.weak-password", verdict.High, l, "use-auth-secret, in place of users", "the password of user %.40q is short or well known, and holds for ever", name)
		}
	}
	for _, s := range r.DatabaseSecrets {
		weak = r.secret(s, beside("the user database")) || weak
	}
	if count := len(r.conf.Values("static-auth-secret")) + len(r.DatabaseSecrets); !weak && count > 0 {
		r.ok("auth.secrets", "shared secrets that cannot be guessed: %d", count)
	}
}

// minSecret is the shortest secret in bytes that is not called weak: 16 of base64 are 96 bits.
const minSecret = 16

func (r *reading) secret(s turnauth.Secret, l coturn.Line) bool {
	fix := "turnctl rotate, to one from: openssl rand -base64 32"
	switch text := s.Reveal(); {
	case defaultSecret(text):
		r.bad("auth.default-secret", verdict.Critical, l, fix, "a shared secret that stands in examples: anybody can make credentials")
	case len(text) < minSecret || sameBytes(text):
		r.bad("auth.weak-secret", verdict.High, l, fix, "a shared secret that can be guessed: %d bytes, and one credential overheard is enough to try them all", len(text))
	default:
		return false
	}
	return true
}

// sameBytes says whether a text is made of few letters, as aaaaaaaa.
func sameBytes(s string) bool {
	seen := make(map[byte]bool)
	for i := range len(s) {
		seen[s[i]] = true
	}
	return len(seen) < 5
}

func (r *reading) quotas() {
	number := func(key string) int {
		n, _ := strconv.Atoi(r.conf.Get(key)) // coturn takes what is no number for 0
		return n
	}
	before := len(r.items)
	if number("user-quota") <= 0 {
		r.bad("quota.user", verdict.High, r.line("user-quota"), "user-quota=100", "one user may take every port of the relay")
	}
	if number("total-quota") <= 0 {
		r.bad("quota.total", verdict.Medium, r.line("total-quota"), "total-quota=10000", "allocations without a bound: the relay ends for want of files or ports, not in good order")
	}
	if len(r.items) == before {
		r.ok("quota", "a user may have %d allocations, all together %d", number("user-quota"), number("total-quota"))
	}
	if number("max-bps") <= 0 && number("bps-capacity") <= 0 {
		r.warn("quota.bandwidth", verdict.Low, r.line("max-bps"), "max-bps=3000000", "one allocation may take all of the bandwidth")
	}
	low, high := number("min-port"), number("max-port")
	if low == 0 {
		low = 49152
	}
	if high == 0 {
		high = 65535
	}
	if ports := high - low + 1; ports < coturn.MinRelayPorts {
		r.bad("ports.few", verdict.Medium, r.line("max-port"), fmt.Sprintf("max-port=%d", low+coturn.MinRelayPorts-1), "%d relay ports: one caller can take them all, and the next gets 508", max(ports, 0))
	}
}
