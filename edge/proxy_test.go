package edge_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"callmesh/bus"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// lines is a log that a test can read while it is written.
type lines struct {
	mu  sync.Mutex // guards the following
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), what)
}

// TestAProxyThatIsNotTrusted makes all of its clients one, or none at all if it is on this machine: the operator is told, once.
func TestAProxyThatIsNotTrusted(t *testing.T) {
	const warning = "name it in trusted-proxies"
	log := new(lines)
	logged := func(_ *bus.Options, o *edge.Options) { o.Logger = slog.New(slog.NewTextHandler(log, nil)) }
	n := oneNode(t, 1, logged, limited(func(l *edge.Limits) { l.Address.ConnectRate, l.Address.ConnectBurst = 0.01, 1 })).Edges[0]
	edgetest.Dial(t, n.URL)
	if log.count(warning) != 0 {
		t.Error("a client without a proxy is complained of")
	}
	for range 5 {
		if status, _, body := dialFrom(t, n, "192.0.2.1"); status != http.StatusSwitchingProtocols {
			t.Errorf("got %d %s", status, body)
		}
	}
	if got := log.count(warning); got != 1 {
		t.Errorf("said %d times, want once", got)
	}
	trusted := new(lines)
	n = oneNode(t, 1, func(_ *bus.Options, o *edge.Options) {
		o.Logger, o.TrustedProxies = slog.New(slog.NewTextHandler(trusted, nil)), []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	}).Edges[0]
	dialFrom(t, n, "192.0.2.1")
	if trusted.count(warning) != 0 {
		t.Error("a trusted proxy is complained of")
	}
}

// TestLimitLoopback holds this machine to the limits as well.
func TestLimitLoopback(t *testing.T) {
	n := oneNode(t, 1, limited(func(l *edge.Limits) { l.LimitLoopback, l.Address.ConnectRate, l.Address.ConnectBurst = true, 0.01, 2 })).Edges[0]
	edgetest.Dial(t, n.URL)
	// Without proxies that are trusted, what they say is the client's word.
	if status, _, _ := dialFrom(t, n, "192.0.2.1"); status != http.StatusSwitchingProtocols {
		t.Errorf("within the burst: %d", status)
	}
	if status, _, _ := dialFrom(t, n, "192.0.2.2"); status != http.StatusTooManyRequests {
		t.Errorf("over it: %d", status)
	}
}
