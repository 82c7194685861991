package check_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/turnctl/check"
	"callmesh/turnctl/turntest"
	"callmesh/turnctl/verdict"
)

// options are those for a relay, with few packets.
func options(t *testing.T, r *turntest.Relay, urls ...string) check.Options {
	t.Helper()
	o := check.Options{Secret: r.Secret, Realm: r.Realm, Packets: 10}
	for _, s := range urls {
		u, err := wire.ParseRelayURL(s)
		if err != nil {
			t.Fatal(err)
		}
		o.URLs = append(o.URLs, u)
	}
	return o
}

// run checks, and fails if a secret or password shows anywhere.
func run(t *testing.T, o check.Options) verdict.Report {
	t.Helper()
	r := check.Run(t.Context(), o)
	for _, f := range verdict.Formats() {
		var b bytes.Buffer
		if err := verdict.Write(&b, f, &r, verdict.Options{}); err != nil {
			t.Fatal(err)
		}
		if s := o.Secret.Reveal(); s != "" && strings.Contains(b.String(), s) {
			t.Errorf("the secret shows in %s:\n%s", f, b.String())
		}
	}
	return r
}

func text(t *testing.T, r verdict.Report) string {
	t.Helper()
	var b strings.Builder
	if err := verdict.Write(&b, verdict.Text, &r, verdict.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wantItem fails unless the item is there with the status, and says some words.
func wantItem(t *testing.T, r verdict.Report, name string, status verdict.Status, words string) {
	t.Helper()
	i := item(t, r, name)
	if i.Status != status || !strings.Contains(i.Summary, words) {
		t.Errorf("%s is %s: %s; want %s with %q in\n%s", name, i.Status, i.Summary, status, words, text(t, r))
	}
}

// item is the one of that name, which must be there.
func item(t *testing.T, r verdict.Report, name string) verdict.Item {
	t.Helper()
	for _, i := range r.Items {
		if i.Name == name {
			return i
		}
	}
	t.Errorf("no item %s in\n%s", name, text(t, r))
	return verdict.Item{}
}

func wantExit(t *testing.T, r verdict.Report, want int) {
	t.Helper()
	if got := r.Exit(); got != want {
		t.Errorf("exit %d, want %d:\n%s", got, want, text(t, r))
	}
}

// Every step over every transport, IPv4 and IPv6, by one relay that has all.
func TestEveryStepOverEveryTransport(t *testing.T) {
	ca := turntest.NewCA(t)
	cert := ca.Issue(t, time.Now().Add(90*24*time.Hour), "turn.example", "203.0.113.1", "2001:db8::1")
	r := turntest.Start(t, turntest.Options{Listen: []string{"203.0.113.1", "203.0.113.2", "2001:db8::1"}, TLS: &cert})
	steps := []string{
		"binding", "challenge", "allocate", "refresh", "permission", "relay-ports", "echo.send", "channel", "echo.channel", "path", "throughput",
		"deallocate", "refuses.wrong-secret", "refuses.expired",
	}
	for prefix, c := range map[string]struct {
		url  string
		more []string
	}{
		"udp4.":  {"turn:203.0.113.1?transport=udp", []string{"rfc5780"}},
		"udp6.":  {"turn:[2001:db8::1]?transport=udp", nil},
		"tcp4.":  {"turn:203.0.113.1?transport=tcp", []string{"connect", "tcp-relay"}},
		"tcp6.":  {"turn:[2001:db8::1]?transport=tcp", []string{"connect", "tcp-relay"}},
		"tls4.":  {"turns:203.0.113.1?transport=tcp", []string{"connect", "handshake", "certificate", "tcp-relay"}},
		"tls6.":  {"turns:[2001:db8::1]?transport=tcp", []string{"connect", "handshake", "certificate", "tcp-relay"}},
		"dtls4.": {"turns:203.0.113.1?transport=udp", []string{"handshake", "certificate"}},
		"dtls6.": {"turns:[2001:db8::1]?transport=udp", []string{"handshake", "certificate"}},
	} {
		t.Run(prefix, func(t *testing.T) {
			o := options(t, r, c.url)
			o.Roots = ca.Pool
			report := run(t, o)
			wantExit(t, report, verdict.ExitHealthy)
			for _, s := range append(steps, c.more...) {
				wantItem(t, report, prefix+s, verdict.OK, "")
			}
			wantItem(t, report, prefix+"software", verdict.Warn, "coturn 4.6.1 has")
		})
	}
}

func TestQuickChecksURLsSideBySide(t *testing.T) {
	r := turntest.Start(t, turntest.Options{Lines: []string{"user-quota=2"}})
	o := options(t, r, r.URL("turn", "udp"), r.URL("turn", "tcp"))
	o.Quick = true
	var told []string
	o.Progress = func(_, step string) { told = append(told, step) }
	report := run(t, o)
	wantExit(t, report, verdict.ExitHealthy)
	wantItem(t, report, "udp4.throughput", verdict.Skipped, "quick")
	wantItem(t, report, "tcp4.echo.channel", verdict.OK, "")
	if len(told) < 20 {
		t.Errorf("progress was told of %v only", told)
	}
}
