package audit_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/turnctl/audit"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turntest"
	"callmesh/turnctl/verdict"
)

// evidences are what the relay's findings of a name rest on.
func evidences(r *verdict.Report, name string) string {
	var all []string
	for _, i := range r.Items {
		if i.Name == name && i.Status == verdict.Fail && strings.HasPrefix(i.Group, "turn") {
			all = append(all, i.Evidence)
		}
	}
	return strings.Join(all, "\n")
}

func wantOK(t *testing.T, r *verdict.Report, names ...string) {
	t.Helper()
	for _, name := range names {
		if !slices.ContainsFunc(r.Items, func(i verdict.Item) bool {
			return i.Name == name && i.Status == verdict.OK && strings.HasPrefix(i.Group, "turn")
		}) {
			t.Errorf("the relay: %s is not ok", name)
		}
	}
}

// server-relay opens every permission both ways, deny lists or not.
func TestSendWithoutPermission(t *testing.T) {
	conf := render(t, hardened())
	conf.Set("server-relay", "")
	r := run(t, conf.Bytes(), nil)
	_, live := findings(r)
	for _, name := range []string{"relay.server-relay", "peer.loopback", "peer.metadata", "peer.private-10", "peer.private-172", "peer.cgnat", "peer.unique-local"} {
		if !slices.Contains(live, name) {
			t.Errorf("%s is not found in %v", name, live)
		}
	}
	if got := evidences(r, "peer.metadata"); !strings.Contains(got, "Send to 169.254.169.254:") {
		t.Errorf("what it rests on is %q", got)
	}
}

// Audits one after the other, of a relay that gives a user just the allocations that are tried: each finds the quota to the number.
func TestQuotaAgainAndAgain(t *testing.T) {
	conf := render(t, hardened())
	_, target := start(t, conf.Bytes())
	for range 3 {
		r := audit.Run(t.Context(), audit.Options{Target: &target, Secret: secret, Version: coturn.Debian, Allocations: 32})
		if !slices.ContainsFunc(r.Items, func(i verdict.Item) bool {
			return i.Name == "quota.user" && i.Summary == "a user may have 20 allocations"
		}) {
			t.Errorf("exit %d: %v", r.Exit(), r.Items)
		}
	}
}

// Connect is refused where the other ways are, and found where they are open.
func TestConnect(t *testing.T) {
	relay := hardened()
	relay.TCPRelay = true
	conf := render(t, relay)
	t.Run("denied", func(t *testing.T) {
		r := run(t, conf.Bytes(), nil)
		if _, live := findings(r); len(live) > 0 {
			t.Errorf("the relay: %v", live)
		}
		wantOK(t, r, "relay.tcp", "relay.send")
	})
	t.Run("open", func(t *testing.T) {
		conf.Lines = slices.DeleteFunc(conf.Lines, func(l coturn.Line) bool {
			return strings.HasPrefix(l.Value, "10.") || strings.HasPrefix(l.Value, "fc00:")
		})
		r := run(t, conf.Bytes(), nil)
		for name, want := range map[string]string{"peer.private-10": "Connect to 10.0.0.1", "peer.unique-local": "Connect to fd00::1"} {
			if got := evidences(r, name); !strings.Contains(got, want) {
				t.Errorf("%s rests on %q, want %q too", name, got, want)
			}
		}
	})
}

func TestOldDTLS(t *testing.T) {
	ca := turntest.NewCA(t)
	cert := ca.Issue(t, time.Now().Add(time.Hour), relay4)
	relay := hardened()
	relay.TLSOff, relay.DTLS, relay.Cert, relay.Key = false, true, cert.CertFile, cert.KeyFile
	conf := render(t, relay)
	t.Run("refused", func(t *testing.T) {
		r := run(t, conf.Bytes(), nil)
		if _, live := findings(r); len(live) > 0 {
			t.Errorf("the relay: %v", live)
		}
		wantOK(t, r, "dtls.versions", "tls.versions")
	})
	t.Run("taken", func(t *testing.T) {
		conf.Remove("no-tlsv1")
		conf.Set("cipher-list", "ALL@SECLEVEL=0")
		if _, live := findings(run(t, conf.Bytes(), nil)); !slices.Equal(live, []string{"tls.old", "dtls.old"}) {
			t.Errorf("the relay: %v", live)
		}
	})
}

// Every attack can be made over DTLS, but those by TCP.
func TestOverDTLS(t *testing.T) {
	cert := turntest.NewCA(t).Issue(t, time.Now().Add(time.Hour), relay4)
	relay := hardened()
	relay.TLSOff, relay.DTLS, relay.Cert, relay.Key = false, true, cert.CertFile, cert.KeyFile
	start(t, render(t, relay).Bytes())
	u, err := wire.ParseRelayURL("turns:" + relay4 + ":5349?transport=udp")
	if err != nil {
		t.Fatal(err)
	}
	target := audit.TargetAt(u)
	r := audit.Run(t.Context(), audit.Options{Target: &target, Secret: secret, Version: coturn.Debian, Allocations: 32})
	if r.Exit() != verdict.ExitHealthy {
		t.Errorf("exit %d: %v", r.Exit(), r.Items)
	}
	wantOK(t, r, "peer.ipv4", "peer.ipv6", "quota.user", "dtls.versions")
}
