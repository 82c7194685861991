package main

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"callmesh/cmd/internal/cli"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turntest"
	"callmesh/turnctl/verdict"
)

// audited starts a relay with what render makes, changed, and gives the exit code of `turnctl audit` and what it says.
func audited(t *testing.T, change func(*coturn.Config), args ...string) (code int, said string) {
	t.Helper()
	at4, at6 := turntest.Public[0], turntest.Public6[0]
	relay := coturn.Relay{
		Listen: []netip.Addr{netip.MustParseAddr(at4), netip.MustParseAddr(at6)}, Port: 3478, MinPort: 50000, MaxPort: 50399, Realm: "example.org",
		TLSOff: true, UserQuota: 20, SessionBytes: 3_000_000, Secrets: []turnauth.Secret{turnauth.NewSecret(auditSecret)},
	}
	conf, err := relay.Render(coturn.Debian)
	if err != nil {
		t.Fatal(err)
	}
	change(&conf)
	r := turntest.Start(t, turntest.Options{
		Raw: true, Listen: []string{at4}, Lines: append(strings.Split(string(conf.Bytes()), "\n"), "pidfile=turnserver.pid", "log-file=stdout"),
	})
	out := new(written)
	c := auditCommand()
	c.SetOut(out)
	c.SetErr(out)
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetArgs(append(args, "--config", r.Config))
	err = c.ExecuteContext(t.Context())
	var exit *cli.ExitError
	if errors.As(err, &exit) {
		return exit.Code, out.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, out.String()
}

const auditSecret = "kGq0c3nVJ2o8Xw1sYb7Zr5Tt"

// What is wrong with a relay is named, with the exit code that is promised; what is rendered passes.
func TestAuditExitCodes(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*coturn.Config)
		code   int
		names  []string
	}{
		"as rendered": {func(*coturn.Config) {}, verdict.ExitHealthy, nil},
		"mapped-address hole": {func(c *coturn.Config) {
			c.Lines = slices.DeleteFunc(c.Lines, func(l coturn.Line) bool { return l.Value == coturn.MappedRange })
		}, verdict.ExitUnhealthy, []string{"peer.mapped-loopback", "peer.mapped-private", "peer.mapped-metadata", "version.CVE-2026-27624"}},
		"unknown key": {func(c *coturn.Config) {
			c.Set("denied-pear-ip", "10.0.0.0-10.255.255.255")
		}, verdict.ExitUnhealthy, []string{"config.unknown-key", "denied-peer-ip"}},
		"anonymous relay": {func(c *coturn.Config) {
			c.Remove("use-auth-secret")
			c.Remove("static-auth-secret")
		}, verdict.ExitUnhealthy, []string{"auth.anonymous"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, said := audited(t, c.change, "--allocations", "32")
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, n := range c.names {
				if !strings.Contains(said, n) {
					t.Errorf("%s is not named", n)
				}
			}
			if strings.Contains(said, auditSecret) {
				t.Error("the secret is printed")
			}
			if t.Failed() {
				t.Log(said)
			}
		})
	}
}
