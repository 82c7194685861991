package audit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/turnctl/audit"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/turntest"
	"callmesh/turnctl/verdict"
)

func TestDefaultPasses(t *testing.T) {
	r := run(t, render(t, hardened()).Bytes(), nil)
	if code := r.Exit(); code != verdict.ExitHealthy {
		t.Errorf("exit %d", code)
	}
	for _, i := range r.Items {
		if i.Status == verdict.Fail || i.Status == verdict.Unknown {
			t.Errorf("%s: %s: %s (%s)", i.Name, i.Status, i.Summary, i.Evidence)
		}
	}
	for _, name := range []string{"peer.rules", "peer.ipv4", "peer.ipv6", "quota.user", "auth.required", "auth.default-secret", "cli.reachable"} {
		if !slices.ContainsFunc(r.Items, func(i verdict.Item) bool { return i.Name == name && i.Status == verdict.OK }) {
			t.Errorf("%s is not ok", name)
		}
	}
}

// weak has every weakness that can be planted beside the others.
const weak = `listening-ip=203.0.113.1
listening-ip=2001:db8::1
relay-ip=203.0.113.1
relay-ip=2001:db8::1
min-port=50000
max-port=50049
realm=example.org
use-auth-secret
static-auth-secret=north
user=alice:wonderland
cli-ip=0.0.0.0
cli-password=hunter2
no-tls
no-dtls
denied-peer-ip=10.0.0.0-10.255.255.255
denied-peer-ip=169.254.0.0-169.254.255.255
denied-peer-ip=192.168.0.0/16
allow-loopback-peers
no-loopback-peers
web-admin
web-admin-ip=203.0.113.1
`

func TestEveryPlantedWeaknessIsNamed(t *testing.T) {
	r := run(t, []byte(weak), func(o *audit.Options) {
		o.Secret = turnauth.NewSecret("north")
		o.Mode = 0o644
		o.Allocations = 60
	})
	if code := r.Exit(); code != verdict.ExitUnhealthy {
		t.Errorf("exit %d, want %d", code, verdict.ExitUnhealthy)
	}
	read, live := findings(r)
	peers := []string{
		"peer.loopback", "peer.private-172", "peer.private-192", "peer.cgnat", "peer.multicast", "peer.loopback6", "peer.unique-local", "peer.link-local6",
		"peer.multicast6", "peer.mapped-loopback", "peer.mapped-private", "peer.mapped-metadata", "peer.nat64-private", "peer.metadata6",
	}
	wantRead := append([]string{
		"config.unknown-key", "config.bad-range", "config.mode", "auth.mixed", "auth.default-secret", "quota.user", "quota.total", "ports.few",
		"cli.reachable", "web-admin.reachable", "version.CVE-2026-27624",
	}, peers...)
	for _, name := range wantRead {
		if !slices.Contains(read, name) {
			t.Errorf("the configuration: %s is not found", name)
		}
	}
	for _, name := range append([]string{"auth.default-secret", "quota.user", "cli.reachable"}, peers...) {
		if !slices.Contains(live, name) {
			t.Errorf("the relay: %s is not found", name)
		}
	}
	for _, name := range []string{"peer.private-10", "peer.metadata", "peer.this-host"} { // denied there
		if slices.Contains(read, name) || slices.Contains(live, name) {
			t.Errorf("%s is found, and denied", name)
		}
	}
	for _, i := range r.Items {
		if i.Status == verdict.Fail && (i.Severity == "" || i.Evidence == "" || i.Fix == "") {
			t.Errorf("%s lacks its severity, its evidence or the line that mends it: %v", i.Name, i)
		}
		for _, s := range []string{"hunter2", "wonderland"} {
			if strings.Contains(fmt.Sprint(i), s) {
				t.Errorf("%s shows a secret: %v", i.Name, i)
			}
		}
	}
	// north is a word of the world, and a secret here.
	for _, i := range r.Items {
		if strings.Contains(fmt.Sprint(i), "north") {
			t.Errorf("%s shows the shared secret: %v", i.Name, i)
		}
	}
}

// What is read and what is tried must agree: a hole in one is a hole in the other.
func TestMappedHole(t *testing.T) {
	conf := render(t, hardened())
	conf.Lines = slices.DeleteFunc(conf.Lines, func(l coturn.Line) bool { return l.Value == coturn.MappedRange })
	read, live := findings(run(t, conf.Bytes(), nil))
	want := []string{"peer.mapped-loopback", "peer.mapped-private", "peer.mapped-metadata"}
	if !slices.Equal(live, want) {
		t.Errorf("the relay: %v, want %v", live, want)
	}
	if want := append(want, "version.CVE-2026-27624", "version.CVE-2026-53450"); !slices.Equal(read, want) {
		t.Errorf("the configuration: %v, want %v", read, want)
	}
}

func TestAnonymous(t *testing.T) {
	conf := render(t, hardened())
	conf.Remove("use-auth-secret")
	conf.Remove("static-auth-secret")
	read, live := findings(run(t, conf.Bytes(), nil))
	// Where nobody has a name, no quota of a user holds.
	if !slices.Equal(read, []string{"auth.anonymous"}) || !slices.Equal(live, []string{"auth.anonymous", "quota.user"}) {
		t.Errorf("the configuration: %v, the relay: %v", read, live)
	}
}

func TestPortsBeforeQuota(t *testing.T) {
	conf := render(t, hardened())
	conf.Set("user-quota", "0")
	conf.Set("max-port", "50009")
	read, live := findings(run(t, conf.Bytes(), nil))
	if !slices.Equal(live, []string{"quota.user"}) || !slices.Equal(read, []string{"quota.user", "ports.few"}) {
		t.Errorf("the configuration: %v, the relay: %v", read, live)
	}
}

func TestNoRelayIsUnknown(t *testing.T) {
	u, err := wire.ParseRelayURL("turn:203.0.113.1:9?transport=tcp")
	if err != nil {
		t.Fatal(err)
	}
	target := audit.TargetAt(u)
	r := audit.Run(t.Context(), audit.Options{Target: &target, Secret: secret, Version: coturn.Debian})
	if r.Exit() != verdict.ExitUnmeasured {
		t.Errorf("exit %d: %v", r.Exit(), r.Items)
	}
}

func TestWrongSecretIsUnknown(t *testing.T) {
	r := run(t, render(t, hardened()).Bytes(), func(o *audit.Options) {
		o.Config, o.Secret = nil, turnauth.NewSecret("not-the-secret-of-this-relay")
	})
	if r.Exit() != verdict.ExitUnmeasured {
		t.Errorf("exit %d: %v", r.Exit(), r.Items)
	}
}

func TestOldTLS(t *testing.T) {
	cert := turntest.NewCA(t).Issue(t, time.Now().Add(time.Hour), relay4)
	r := hardened()
	r.TLSOff, r.Cert, r.Key = false, cert.CertFile, cert.KeyFile
	conf := render(t, r)
	t.Run("refused", func(t *testing.T) {
		if read, live := findings(run(t, conf.Bytes(), nil)); len(read)+len(live) > 0 {
			t.Errorf("the configuration: %v, the relay: %v; want neither", read, live)
		}
	})
	t.Run("taken", func(t *testing.T) {
		conf.Remove("no-tlsv1")
		conf.Remove("no-tlsv1_1")
		conf.Set("cipher-list", "ALL@SECLEVEL=0") // OpenSSL 3 refuses them by itself otherwise
		read, live := findings(run(t, conf.Bytes(), nil))
		if want := []string{"tls.old", "tls.old"}; !slices.Equal(read, want) || !slices.Equal(live, want) {
			t.Errorf("the configuration: %v, the relay: %v; want %v", read, live, want)
		}
	})
}

func TestOverStreams(t *testing.T) {
	_, target := start(t, render(t, hardened()).Bytes())
	target.URL.Transport = turnclient.TCP
	r := audit.Run(t.Context(), audit.Options{Target: &target, Secret: secret, Version: coturn.Debian})
	if r.Exit() != verdict.ExitHealthy {
		t.Errorf("exit %d: %v", r.Exit(), r.Items)
	}
}

func TestSecretFromDatabase(t *testing.T) {
	db := coturn.UserDB{Path: filepath.Join(t.TempDir(), "turndb")}
	if err := db.Add(t.Context(), "example.org", secret); err != nil {
		t.Fatal(err)
	}
	relay := hardened()
	relay.Secrets, relay.UserDB = nil, db.Path
	r := run(t, render(t, relay).Bytes(), nil)
	if r.Exit() != verdict.ExitHealthy {
		t.Errorf("exit %d: %v", r.Exit(), r.Items)
	}
	if info, err := os.Stat(db.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the database: %v, %v", info, err)
	}
}
