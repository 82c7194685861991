package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"callmesh/turnctl/relaycert"
	"callmesh/turnctl/turntest"
)

// A mounted is a certificate and its key as Kubernetes mounts those of a Secret: behind a link, which is exchanged when they are renewed.
type mounted struct {
	t         *testing.T
	dir       string
	ca        *turntest.CA
	cert, key string
	versions  int
}

func newMounted(t *testing.T) *mounted {
	t.Helper()
	m := &mounted{t: t, dir: t.TempDir(), ca: turntest.NewCA(t)}
	m.cert, m.key = filepath.Join(m.dir, "tls.crt"), filepath.Join(m.dir, "tls.key")
	for _, path := range []string{m.cert, m.key} {
		if err := os.Symlink("..data/"+filepath.Base(path), path); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// renew mounts another certificate, with its key or with what is none.
func (m *mounted) renew(withKey bool) *x509.Certificate {
	m.t.Helper()
	c := m.ca.Issue(m.t, time.Now().Add(time.Hour), "turn.example")
	if withKey {
		m.mount(c)
	} else {
		m.put(readFile(m.t, c.CertFile), bytes.Repeat([]byte("x"), 200))
	}
	return c.Leaf
}

// mount mounts a certificate and its key.
func (m *mounted) mount(c turntest.Certificate) {
	m.t.Helper()
	m.put(readFile(m.t, c.CertFile), readFile(m.t, c.KeyFile))
}

// put mounts what is to be in the files; nil: no file.
func (m *mounted) put(cert, key []byte) {
	m.t.Helper()
	m.versions++
	folder := filepath.Join(m.dir, fmt.Sprint(m.versions))
	if err := os.Mkdir(folder, 0o700); err != nil {
		m.t.Fatal(err)
	}
	for name, text := range map[string][]byte{"tls.crt": cert, "tls.key": key} {
		if text == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
	next := filepath.Join(m.dir, "next")
	if err := os.Symlink(filepath.Base(folder), next); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(m.dir, "..data")); err != nil {
		m.t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A renewed certificate is told of once; one without its key is refused, and what comes after it counts.
func TestCertificateIsFollowed(t *testing.T) {
	t.Parallel()
	m, said, renewed := newMounted(t), new(output), make(chan struct{}, 8)
	m.renew(true)
	links := relaycert.NewLinks(filepath.Join(t.TempDir(), "turnserver.conf"), m.cert, m.key)
	if err := links.Start(time.Now()); err != nil {
		t.Fatal(err)
	}
	kept := keepCertificate(links, m.cert, m.key, slog.New(slog.NewTextHandler(said, nil)), func() { renewed <- struct{}{} })
	defer kept.close()
	comes := func(what string, is func() bool) {
		t.Helper()
		tick, late := time.NewTicker(5*time.Millisecond), time.After(30*time.Second)
		defer tick.Stop()
		for !is() {
			select {
			case <-tick.C:
			case <-late:
				t.Fatalf("never: %s\n%s", what, said)
			}
		}
	}
	m.renew(true)
	comes("the second is told of", func() bool { return len(renewed) == 1 })
	m.renew(false)
	comes("the third is refused", func() bool { return strings.Contains(said.String(), "does not do") })
	m.renew(true)
	comes("the fourth is told of", func() bool { return len(renewed) > 1 })
	if len(renewed) != 2 {
		t.Errorf("told of %d certificates", len(renewed))
	}
}

// coturn under the supervisor serves a renewed certificate, with nobody telling it, and the call that runs does not notice.
func TestRenewedCertificateIsServed(t *testing.T) {
	t.Parallel()
	m, ip := newMounted(t), turntest.Public[6]
	first := m.renew(true)
	s := newStation(t, ip, 5792)
	config := strings.Replace(s.read(s.config), "tls-off: true\n", fmt.Sprintf("tls-cert: %s\ntls-key: %s\nca-file: %s\nserver-name: turn.example\n", m.cert, m.key, m.ca.File), 1)
	s.write("relay.yaml", strings.TrimSpace(config))
	supervisor, ended := s.start()
	pid := s.pid()
	shown := func() *x509.Certificate {
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", net.JoinHostPort(ip, "5349"), &tls.Config{RootCAs: m.ca.Pool, ServerName: "turn.example"})
		if err != nil {
			t.Log(err)
			return nil
		}
		defer func() { _ = c.Close() }()
		return c.ConnectionState().PeerCertificates[0]
	}
	if c := shown(); c == nil || !c.Equal(first) {
		t.Fatal("it does not show the first certificate")
	}
	call, err := s.call(s.secret)
	if err != nil {
		t.Fatal(err)
	}
	second := m.renew(true)
	s.until("it shows the renewed certificate", func() bool { c := shown(); return c != nil && c.Equal(second) })
	if sent, lost := call.HangUp(); lost > 0 || sent == 0 {
		t.Errorf("the call that ran all the while: sent %d, lost %d", sent, lost)
	}
	if s.pid() != pid {
		t.Error("coturn was started again")
	}
	if err := supervisor.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := s.codeOf("the supervisor", ended); code != 0 {
		t.Errorf("the supervisor: exit code %d", code)
	}
}
