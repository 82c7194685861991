package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"callmesh/bus/bustest"
	"callmesh/cmd/internal/listener"
	"callmesh/edge"
)

// The configuration's defaults are the edge's own.
func TestDefaultLimits(t *testing.T) {
	cfg, err := check(t)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cfg.limits(), edge.DefaultLimits(); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestConfiguredLimits(t *testing.T) {
	cfg, err := check(t, "--limit-sockets", "100000", "--limit-address-store-rate", "2048", "--limit-user-sessions", "3", "--limit-loopback",
		"--limit-replay-bytes", "1048576", "--limit-replay-budget", "8388608")
	if err != nil {
		t.Fatal(err)
	}
	l := cfg.limits()
	if l.Sockets != 100_000 || l.Accounts < l.Sockets || l.UserSessions != 3 || !l.LimitLoopback || l.Address.Store.Rate != 2048 || l.UserStore.Rate != 2048 ||
		l.RoomStore.Rate != 4096 || l.Address.ReplayBytes != 2<<20 || l.ReplayBytes != 1<<20 {
		t.Errorf("got %+v", l)
	}
}

func TestAllowedHosts(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{nil, []string{}},
		{[]string{"--listen", "localhost:8443", "--tls-off"}, []string{}},
		{[]string{"--tls-self-signed"}, nil},
		{[]string{"--listen", "0.0.0.0:8443", "--tls-off"}, nil},
		{[]string{"--listen", "0.0.0.0:8443", "--tls-off", "--allowed-host", "calls.example.org"}, []string{"calls.example.org"}},
		{[]string{"--allowed-host", "a.example,*.b.example"}, []string{"a.example", "*.b.example"}},
	} {
		cfg, err := check(t, tt.args...)
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.allowedHosts(); fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", tt.want) {
			t.Errorf("%q: %#v, want %#v", tt.args, got, tt.want)
		}
	}
}

// slow connects, sends what it is given, and waits until it is cut off.
func slow(t *testing.T, s *listener.Server, text string) (took time.Duration, answer string) {
	conn, err := net.Dial("tcp", s.Addr.String())
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer func() { _ = conn.Close() }()
	begin := time.Now()
	err = conn.SetDeadline(begin.Add(40 * time.Second))
	if err == nil {
		_, err = io.WriteString(conn, text)
	}
	if err != nil {
		t.Error(err)
	}
	b, err := io.ReadAll(conn)
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		t.Errorf("%q is never cut off", text)
	}
	return time.Since(begin), string(b)
}

// Who sends a request a byte at a time, or not at all, does not keep the connection.
func TestSlowRequests(t *testing.T) {
	n := prepared(t, "--data-dir", t.TempDir(), "--guests")
	if err := n.joinMesh(mustCheck(t, "--data-dir", t.TempDir(), "--guests")); err != nil {
		t.Fatal(err)
	}
	if err := n.bus.WaitReady(t.Context()); err != nil { // NATS leaves something behind when it is stopped while it starts
		t.Fatal(err)
	}
	s, err := listener.Start("page", "127.0.0.1:0", nil, n.edge.Handler(), nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	var all sync.WaitGroup
	for name, text := range map[string]string{
		"nothing":            "",
		"half a header":      "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgr",
		"half a body":        "POST /v1/guest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\n{\"name\"",
		"half a chunk":       "POST /v1/guest HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"n",
		"a body not read":    "GET /v1/config HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nxx",
		"a header too large": "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
	} {
		all.Go(func() {
			took, answer := slow(t, s, text)
			if took > 25*time.Second || strings.Contains(answer, `"token"`) {
				t.Errorf("%s, after %s: %q", name, took, answer)
			}
		})
	}
	all.Wait()
}

func mustCheck(t *testing.T, args ...string) *Config {
	t.Helper()
	cfg, err := check(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestHTTPConnections(t *testing.T) {
	defer goleak.VerifyNone(t, bustest.IgnoredLeaks()...)
	c := newConns(3, 2, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, prometheus.NewRegistry())
	at := func(addr string) net.Conn {
		return addressed{addr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))}
	}
	a1, a2 := at("192.0.2.1:1"), at("[::ffff:192.0.2.1]:2")
	for i, tt := range []struct {
		conn net.Conn
		want string
	}{{a1, ""}, {a2, ""}, {at("192.0.2.1:3"), connsAddress}, {at("[2001:db8::1]:1"), ""}, {at("192.0.2.2:1"), connsFull}} {
		if got := c.add(tt.conn); got != tt.want {
			t.Errorf("%d: %q, want %q", i, got, tt.want)
		}
	}
	c.watch(a1, http.StateHijacked)
	c.watch(a1, http.StateClosed)
	if why := c.add(at("192.0.2.1:4")); why != "" {
		t.Errorf("after one became a WebSocket: %q", why)
	}
	c = newConns(100, 1, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, prometheus.NewRegistry())
	for i := 1; i < 5; i++ {
		for _, free := range []string{"10.1.2.3", "127.0.0.1"} {
			if why := c.add(at(fmt.Sprintf("%s:%d", free, i))); why != "" {
				t.Errorf("%s: %q", free, why)
			}
		}
	}
	c.add(at("[2001:db8::1]:1"))
	if why := c.add(at("[2001:db8::2]:1")); why != connsAddress {
		t.Errorf("another of the same /64: %q", why)
	}
}

// addressed is a connection of which only the address counts.
type addressed struct {
	net.Conn
	addr net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.addr }

// Real connections are counted, and those over the bound closed at once.
func TestHTTPConnectionsAreClosed(t *testing.T) {
	defer goleak.VerifyNone(t, bustest.IgnoredLeaks()...)
	c := newConns(2, 2, nil, prometheus.NewRegistry())
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	s.Config.ConnState = c.watch
	s.Start()
	defer s.Close()
	ask := func(conn net.Conn) error {
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			return err
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		return err
	}
	open := func() net.Conn {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	first, second := open(), open()
	defer func() { _ = second.Close() }()
	for _, conn := range []net.Conn{first, second} {
		if err := ask(conn); err != nil {
			t.Fatal(err)
		}
	}
	third := open()
	if err := ask(third); err == nil {
		t.Error("a third is served")
	}
	_ = third.Close()
	_ = first.Close()
	deadline := time.Now().Add(10 * time.Second)
	for {
		conn := open()
		err := ask(conn)
		_ = conn.Close()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
