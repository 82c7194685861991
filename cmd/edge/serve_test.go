package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"callmesh/bus/bustest"
	"callmesh/cmd/internal/listener"
	"callmesh/turnctl/turnauth"
)

// A whole edge process's worth of parts comes up, is measured, and goes without a trace.
func TestServe(t *testing.T) {
	defer goleak.VerifyNone(t, bustest.IgnoredLeaks()...)
	cfg, err := check(t, "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
		"--guests", "--turn-embedded", "--turn-listen", "127.0.0.1:0", "--tls-self-signed")
	if err != nil {
		t.Fatal(err)
	}
	lines, w := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- runServe(ctx, cfg, slog.New(slog.NewTextHandler(w, nil)), io.Discard)
		_ = w.Close()
	}()
	metrics, ready := "", false
	scanner := bufio.NewScanner(lines)
	for (metrics == "" || !ready) && scanner.Scan() {
		if m := regexp.MustCompile(`http://\S+/metrics`).FindString(scanner.Text()); m != "" {
			metrics = m
		}
		ready = ready || strings.Contains(scanner.Text(), "the bus is ready")
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(metrics)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"callmesh_turnd_allocations 0", "callmesh_bus_connected 1", "callmesh_edge_sessions 0", "callmesh_tls_certificate_expiry_timestamp_seconds", "go_goroutines", "process_open_fds"} {
		if !strings.Contains(string(body), name) {
			t.Errorf("/metrics lacks %s", name)
		}
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("does not stop")
	}
}

func prepared(t *testing.T, args ...string) *node {
	t.Helper()
	cfg, err := check(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	n, err := prepare(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func TestParts(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef"
	t.Run("least", func(t *testing.T) {
		n := prepared(t, "--data-dir", t.TempDir())
		if n.guests != nil || n.certs != nil || n.relay != nil || len(n.ice.Static) != 0 || len(n.resume) != 32 {
			t.Errorf("got %+v", n)
		}
	})
	t.Run("guests are let in", func(t *testing.T) {
		n := prepared(t, "--data-dir", t.TempDir(), "--guests")
		token, _, err := n.guests.SignGuest("guest-1", "Ann", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := n.verifier.Verify(t.Context(), token); err != nil || !c.Guest {
			t.Errorf("%+v, %v", c, err)
		}
	})
	t.Run("edges with one secret resume each other's sessions", func(t *testing.T) {
		a := prepared(t, "--data-dir", t.TempDir(), "--auth-secret", secret)
		b := prepared(t, "--data-dir", t.TempDir(), "--auth-secret", secret)
		c := prepared(t, "--data-dir", t.TempDir())
		if string(a.resume) != string(b.resume) || string(a.resume) == string(c.resume) || strings.Contains(secret, string(a.resume)) {
			t.Error("resume secrets do not follow the auth secrets")
		}
	})
	t.Run("own sign-in only", func(t *testing.T) {
		dir := t.TempDir()
		n := prepared(t, "--data-dir", dir, "--auth-jwks-url", "http://127.0.0.1:1/jwks.json")
		kept, _, err := keptSecret(dir, authSecretFile)
		if err != nil {
			t.Fatal(err)
		}
		signer := prepared(t, "--data-dir", dir, "--guests", "--auth-secret", kept.Reveal()).guests
		token, _, err := signer.Sign("mallory", "", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.verifier.Verify(t.Context(), token); err == nil {
			t.Error("a token by the secret that was made is accepted, though nobody asked for one")
		}
	})
	t.Run("relays", func(t *testing.T) {
		n := prepared(t, "--data-dir", t.TempDir(), "--turn-embedded", "--turn-listen", "127.0.0.1:0", "--turn-url", "stun:relay.example.org")
		if len(n.ice.Secrets()) != 1 || len(n.ice.Static) != 3 || n.ice.Static[2] != "stun:relay.example.org" || !strings.HasPrefix(n.ice.Static[0], "turn:127.0.0.1:") {
			t.Errorf("got %q", n.ice.Static)
		}
		n = prepared(t, "--data-dir", t.TempDir(), "--turn-secret", "x", "--turn-url", "turn:a,turns:b")
		if !slices.Equal(n.ice.Static, []string{"turn:a", "turns:b"}) || !n.ice.Secrets()[0].Equal(turnauth.NewSecret("x")) || n.relay != nil {
			t.Errorf("got %q", n.ice.Static)
		}
	})
}

// What fails late takes what was started before it along.
func TestPartsThatFail(t *testing.T) {
	defer goleak.VerifyNone(t, bustest.IgnoredLeaks()...)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	at := taken.Addr().String()
	for key, args := range map[string][]string{
		"turn-listen": {"--tls-self-signed", "--turn-embedded", "--turn-listen", at},
		"nats-listen": {"--tls-off", "--nats-listen", at},
	} {
		cfg, err := check(t, append(args, "--data-dir", t.TempDir())...)
		if err != nil {
			t.Fatal(err)
		}
		n, err := prepare(cfg, slog.New(slog.DiscardHandler))
		if err == nil {
			err = errors.Join(n.startBus(cfg), n.close())
		}
		if err == nil || !strings.Contains(err.Error(), "address already in use") || !strings.Contains(err.Error(), "another address with --"+key) {
			t.Errorf("%s: got %v", key, err)
		}
	}
}

func TestKeptSecret(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	type result struct {
		secret turnauth.Secret
		made   bool
		err    error
	}
	results := make(chan result, 8) // whoever is later than a failure ends too
	for range 8 {
		go func() {
			s, made, err := keptSecret(dir, "x")
			results <- result{s, made, err}
		}()
	}
	first, made := turnauth.Secret{}, 0
	for range 8 {
		r := <-results
		if r.err != nil {
			t.Fatal(r.err)
		}
		if first.IsZero() {
			first = r.secret
		}
		if r.made {
			made++
		}
		if !r.secret.Equal(first) || len(first.Reveal()) < 32 {
			t.Error("not all get the same")
		}
	}
	if files, _ := os.ReadDir(dir); made != 1 || len(files) != 1 {
		t.Errorf("made %d times, left %v", made, files)
	}
	path := filepath.Join(dir, "x")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := keptSecret(dir, "x"); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := keptSecret(dir, "x"); err == nil || !strings.Contains(err.Error(), "is empty; put the secret into it, or delete it to have one made") {
		t.Errorf("got %v", err)
	}
}

func TestDataDir(t *testing.T) {
	t.Setenv("HOME", "/home/a")
	for _, tt := range []struct{ dir, state, want string }{
		{"", "", "/home/a/.local/state/callmesh"}, {"", "/state", "/state/callmesh"}, {"", "relative", "/home/a/.local/state/callmesh"}, {"/d", "/state", "/d"},
	} {
		t.Setenv("XDG_STATE_HOME", tt.state)
		if got := (&Config{DataDir: tt.dir}).dataDir(); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, tt := range []struct{ listen, turn, want string }{
		{"127.0.0.1:8443", "", "127.0.0.1:3478"},
		{"localhost:8443", "", "127.0.0.1:3478"},
		{":8443", "", "0.0.0.0:3478"},
		{"0.0.0.0:8443", "", "0.0.0.0:3478"},
		{"[::1]:8443", "", "[::1]:3478"},
		{"192.0.2.1:8443", "127.0.0.1:0", "127.0.0.1:0"},
		{"x:1", ":5", "0.0.0.0:5"},
	} {
		if got, err := (&Config{Listen: tt.listen, TURNListen: tt.turn}).turnListen(); err != nil || got.String() != tt.want {
			t.Errorf("%+v: %s, %v", tt, got, err)
		}
	}
	c := &Config{}
	if got := c.relayIP(netip.MustParseAddr("192.0.2.1")); got.String() != "192.0.2.1" {
		t.Errorf("relay IP %s", got)
	}
	if got := c.relayIP(netip.IPv4Unspecified()); !got.Is4() || got.IsUnspecified() {
		t.Errorf("relay IP %s", got)
	}
	for _, tt := range []struct {
		addr string
		tls  bool
		want string
	}{
		{"127.0.0.1:8443", false, "http://localhost:8443/"},
		{"[::1]:1", true, "https://localhost:1/"},
		{"192.0.2.1:1", true, "https://192.0.2.1:1/"},
		{"[2001:db8::1]:1", true, "https://[2001:db8::1]:1/"},
	} {
		if got := pageURLs(netip.MustParseAddrPort(tt.addr), tt.tls); !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s: %q", tt.addr, got)
		}
	}
	all := pageURLs(netip.MustParseAddrPort("0.0.0.0:1"), true)
	if all[len(all)-1] != "https://localhost:1/" || len(all) != len(lanAddrs())+1 {
		t.Errorf("got %q", all)
	}
}

func TestHTTPServer(t *testing.T) {
	defer goleak.VerifyNone(t, bustest.IgnoredLeaks()...)
	n := prepared(t, "--data-dir", t.TempDir(), "--tls-self-signed")
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	s, err := listener.Start("page", "127.0.0.1:0", n.certs.TLSConfig(), hello, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	res, err := client.Get("https://" + s.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if _, err := listener.Start("admin", s.Addr.String(), nil, hello, nil, slog.New(slog.DiscardHandler)); err == nil || !strings.HasPrefix(err.Error(), "admin: listen tcp") {
		t.Errorf("a taken address: %v", err)
	}
	if err := s.Close(t.Context()); err != nil || s.Err != nil {
		t.Errorf("%v, %v", err, s.Err)
	}
	n.certs.Close()
}
