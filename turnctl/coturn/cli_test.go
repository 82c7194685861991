package coturn_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turntest"
)

func TestMain(m *testing.M) { os.Exit(turntest.Main(m)) }

// The telnet interface of a coturn that runs with what was rendered: so the hash of the password is coturn's own.
func TestCLI(t *testing.T) {
	relay := plain()
	relay.Listen, relay.Relays, relay.External, relay.UserDB = addrs(turntest.Public[0]), nil, netip.Addr{}, ""
	relay.CLIPort, relay.CLIPassword = 5766, turnauth.NewSecret(cliPassword)
	relay.Secrets = []turnauth.Secret{turnauth.NewSecret("0123456789abcdefghij")}
	conf, err := relay.Render(coturn.Debian)
	if err != nil {
		t.Fatal(err)
	}
	r := turntest.Start(t, turntest.Options{Raw: true, Lines: append(strings.Split(string(conf.Bytes()), "\n"), "pidfile=pid", "userdb=turndb")})
	if strings.Contains(r.Log(), "Bad configuration") || strings.Contains(r.Log(), "Wrong address") {
		t.Errorf("coturn does not take what was rendered")
	}
	ctx := t.Context()
	if _, err := coturn.DialCLI(ctx, coturn.CLIOptions{Password: turnauth.NewSecret("wrong")}); !errors.Is(err, coturn.ErrCLIPassword) {
		t.Errorf("a wrong password: %v", err)
	}
	c, err := coturn.DialCLI(ctx, coturn.CLIOptions{Password: turnauth.NewSecret(cliPassword)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if v, err := c.Version(); err != nil || v != coturn.Debian {
		t.Errorf("version %v, %v", v, err)
	}
	if err := c.Set(ctx, "total-quota", 1); err != nil {
		t.Error(err)
	}
	ps, err := c.Parameters(ctx)
	if err != nil || ps["total-quota"] != "1" || ps["min-port"] != "50000" {
		t.Errorf("parameters %v, %v", ps, err)
	}
	if err := c.Set(ctx, "min-port", 1); !errors.Is(err, coturn.ErrCLIRefused) {
		t.Errorf("a parameter that cannot be changed: %v", err)
	}
	if list, total, err := c.Sessions(ctx); err != nil || total != 0 || len(list) != 0 {
		t.Errorf("sessions %v, %d, %v", list, total, err)
	}
	if users, err := c.Users(ctx); err != nil || len(users) != 0 {
		t.Errorf("users %v, %v", users, err)
	}
	if err := c.Cancel(ctx, "1"); err != nil {
		t.Error(err)
	}
	if _, err := c.Do(ctx, "nosuch"); !errors.Is(err, coturn.ErrCLIRefused) {
		t.Errorf("no such command: %v", err)
	}
	if _, err := c.Do(ctx, "ps\r\nhalt"); err == nil {
		t.Error("two commands in one are taken")
	}
}

func TestCLIWaitsAreBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	began := time.Now()
	_, err = coturn.DialCLI(t.Context(), coturn.CLIOptions{Addr: l.Addr().String(), Timeout: 50 * time.Millisecond})
	if err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
