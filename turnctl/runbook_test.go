// Package turnctl_test holds what RUNBOOK.md tells operators against what turnctl check says of real faults.
package turnctl_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/turnctl/check"
	"callmesh/turnctl/relaycert"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/turntest"
	"callmesh/turnctl/verdict"
)

func TestMain(m *testing.M) { os.Exit(turntest.Main(m)) }

// fault is how one of the runbook's faults comes about.
type fault struct {
	lines  []string
	rules  string // of the firewall
	secret string // of whoever checks; empty: the relay's
	calls  int    // that run already
	stop   bool
	cert   func(t *testing.T, ca *turntest.CA) turntest.Certificate
}

func goodFor(d time.Duration, name string) func(*testing.T, *turntest.CA) turntest.Certificate {
	return func(t *testing.T, ca *turntest.CA) turntest.Certificate { return ca.Issue(t, time.Now().Add(d), name) }
}

// unreadable is a certificate that is closed to everybody but who may read every file.
func unreadable(t *testing.T, ca *turntest.CA) turntest.Certificate {
	c := ca.Issue(t, time.Now().Add(time.Hour), "turn.example")
	for _, path := range []string{c.CertFile, c.KeyFile} {
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// standIn is what a supervised coturn is given in place of files that are not there.
func standIn(t *testing.T, _ *turntest.CA) turntest.Certificate {
	dir := t.TempDir()
	links := relaycert.NewLinks(filepath.Join(dir, "turnserver.conf"), filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err := links.Start(time.Now()); err != nil {
		t.Fatal(err)
	}
	var c turntest.Certificate
	c.CertFile, c.KeyFile = links.Names()
	return c
}

var faults = map[string]fault{
	"The relay is down":                   {stop: true},
	"UDP is blocked on the way":           {rules: "udp dport 3478 drop"},
	"The firewall drops relay ports":      {rules: "udp dport 50000-50999 drop"},
	"external-ip is wrong":                {lines: []string{"external-ip=198.51.100.1"}},
	"The secret is another one":           {secret: "quite-different-0123456789"},
	"Anybody may use it":                  {lines: []string{"-use-auth-secret", "-static-auth-secret", "no-auth"}},
	"The quota is full":                   {lines: []string{"total-quota=1"}, calls: 1},
	"The certificate has expired":         {cert: goodFor(-time.Hour, "turn.example")},
	"The certificate is for another name": {cert: goodFor(time.Hour, "other.example")},
	"coturn may not read its certificate": {cert: unreadable},
	"The certificate can't be loaded":     {cert: standIn},
}

var says = regexp.MustCompile("(?m)^## (.+)\nCheck says: `([a-z0-9.-]+)` \"(.+)\"$")

// Every fault of the runbook is found by the name and in the words that stand there.
func TestRunbook(t *testing.T) {
	text, err := os.ReadFile("RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	entries := says.FindAllStringSubmatch(string(text), -1)
	if len(entries) != len(faults) || strings.Count(string(text), "\n## ") != len(faults) {
		t.Errorf("the runbook has %d entries that say what check says, of %d; want %d", len(entries), strings.Count(string(text), "\n## "), len(faults))
	}
	for _, e := range entries {
		f, ok := faults[e[1]]
		if !ok {
			t.Errorf("%q is no fault that is made here", e[1])
			continue
		}
		t.Run(e[1], func(t *testing.T) { f.shows(t, e[2], e[3]) })
	}
}

// shows makes the fault and looks for it in what check says.
func (f fault) shows(t *testing.T, item, words string) {
	ca, url := turntest.NewCA(t), "turn"
	o := turntest.Options{Lines: f.lines, Powerless: true}
	if f.cert != nil {
		cert := f.cert(t, ca)
		o.TLS, url = &cert, "turns"
	}
	r := turntest.Start(t, o)
	for range f.calls {
		if _, err := turntest.Call(t, r, r.Secret, "busy"); err != nil {
			t.Fatal(err)
		}
	}
	if f.rules != "" {
		turntest.Firewall(t, f.rules)
	}
	if f.stop {
		r.Stop()
	}
	transport := map[string]string{"turn": "udp", "turns": "tcp"}[url]
	u, err := wire.ParseRelayURL(r.URL(url, transport))
	if err != nil {
		t.Fatal(err)
	}
	with := check.Options{URLs: []turnclient.URL{u}, Secret: r.Secret, Realm: r.Realm, Quick: true, Timeout: 2 * time.Second, Roots: ca.Pool, ServerName: "turn.example"}
	if f.secret != "" {
		with.Secret = turnauth.NewSecret(f.secret)
	}
	report := check.Run(t.Context(), with)
	if report.Exit() != verdict.ExitUnhealthy {
		t.Errorf("exit code %d", report.Exit())
	}
	for _, i := range report.Items {
		if i.Status == verdict.Fail {
			if i.Name != item || !strings.Contains(i.Summary, words) {
				t.Errorf("the first that fails is %s: %s\nthe runbook has %s with %q", i.Name, i.Summary, item, words)
			}
			return
		}
	}
	t.Errorf("nothing fails: %+v", report.Items)
}
