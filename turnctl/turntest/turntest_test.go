package turntest_test

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"callmesh/turnctl/turntest"
)

func TestMain(m *testing.M) { os.Exit(turntest.Main(m)) }

func TestRelayStartsAndStops(t *testing.T) {
	ca := turntest.NewCA(t)
	cert := ca.Issue(t, time.Now().Add(time.Hour), "turn.example", "203.0.113.1")
	r := turntest.Start(t, turntest.Options{TLS: &cert})
	if got := r.URL("turns", "tcp"); got != "turns:203.0.113.1:5349?transport=tcp" {
		t.Errorf("URL is %s", got)
	}
	// Two more run beside it: on an address of IPv6, and with the command-line interface.
	six := turntest.Start(t, turntest.Options{Listen: []string{"2001:db8::1"}, Lines: []string{"no-udp", "cli-password=x"}})
	if !strings.Contains(r.Log(), "203.0.113.1") || six.PID() == r.PID() {
		t.Error("the log does not tell of the address")
	}
	r.Stop()
	if c, err := net.Dial("tcp", r.Addr.String()); err == nil {
		_ = c.Close()
		t.Error("it still takes connections after Stop")
	}
}

func TestFirewall(t *testing.T) {
	l, err := net.Listen("tcp", "203.0.113.2:80")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	t.Run("closed", func(t *testing.T) {
		turntest.Firewall(t, "tcp dport 80 reject with tcp reset")
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			_ = c.Close()
			t.Error("the rule lets it through")
		}
	})
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatalf("the rule outlives its test: %v", err)
	}
	_ = c.Close()
}
