package audit_test

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"callmesh/turnctl/audit"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turntest"
	"callmesh/turnctl/verdict"
)

func TestMain(m *testing.M) { os.Exit(turntest.Main(m)) }

// The relay's addresses, in the namespace that is the tests' own.
var relay4, relay6 = turntest.Public[0], turntest.Public6[0]

var secret = turnauth.NewSecret("kGq0c3nVJ2o8Xw1sYb7Zr5Tt")

// hardened is what render makes of as little as possible.
func hardened() coturn.Relay {
	return coturn.Relay{
		Listen: []netip.Addr{netip.MustParseAddr(relay4), netip.MustParseAddr(relay6)},
		Port:   3478, TLSPort: 5349, MinPort: 50000, MaxPort: 50399, Realm: "example.org", TLSOff: true, UserQuota: 20, SessionBytes: 3_000_000,
		Secrets: []turnauth.Secret{secret},
	}
}

func render(t *testing.T, r coturn.Relay) coturn.Config {
	t.Helper()
	c, err := r.Render(coturn.Debian)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// start runs Debian's coturn with a configuration until the test ends.
func start(t *testing.T, conf []byte) (path string, target audit.Target) {
	t.Helper()
	// Which versions of TLS there are is for the configuration to say, not for the machine.
	t.Setenv("OPENSSL_CONF", "/dev/null")
	r := turntest.Start(t, turntest.Options{
		Raw: true, Listen: []string{relay4}, Lines: append(strings.Split(string(conf), "\n"), "pidfile=turnserver.pid", "log-file=stdout"),
	})
	c, err := coturn.ReadConfig(r.Config)
	if err != nil {
		t.Fatal(err)
	}
	target, err = audit.TargetOf(c, coturn.Debian, []netip.Addr{netip.MustParseAddr(relay4)})
	if err != nil {
		t.Fatal(err)
	}
	return r.Config, target
}

// run audits a configuration and the relay that runs with it.
func run(t *testing.T, conf []byte, change func(*audit.Options)) *verdict.Report {
	t.Helper()
	path, target := start(t, conf)
	c, err := coturn.ReadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	o := audit.Options{Config: &c, Path: path, Mode: 0o600, Version: coturn.Debian, Target: &target, Secret: secret, Allocations: 32}
	if change != nil {
		change(&o)
	}
	return audit.Run(t.Context(), o)
}

// findings are the names of what failed, of the configuration and of the relay apart.
func findings(r *verdict.Report) (read, live []string) {
	for _, i := range r.Items {
		switch {
		case i.Status != verdict.Fail:
		case strings.HasPrefix(i.Group, "turn"):
			live = append(live, i.Name)
		default:
			read = append(read, i.Name)
		}
	}
	return read, live
}
