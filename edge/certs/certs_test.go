package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve shakes hands with a server on s and gives the certificate that a client sees.
func serve(t *testing.T, s *Source) *x509.Certificate {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", s.TLSConfig())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			_ = c.(*tls.Conn).Handshake()
			_ = c.Close()
		}
	}()
	defer func() {
		_ = l.Close() // or it waits for ever for a client that could not come
		<-done
	}()
	pool := x509.NewCertPool()
	pool.AddCert(s.current.Load().Leaf)
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return c.ConnectionState().PeerCertificates[0]
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for !ok() {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

func TestSelfSigned(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, err := SelfSigned(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cert := serve(t, s) // verifies 127.0.0.1 too
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", host, "127.0.0.1"} {
		if err := cert.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if ip := a.(*net.IPNet).IP; ip.To4() != nil {
			if err := cert.VerifyHostname(ip.String()); err != nil {
				t.Error(err)
			}
		}
	}
	if cert.IsCA || cert.PublicKeyAlgorithm != x509.ECDSA || cert.NotAfter.Sub(cert.NotBefore) > 398*24*time.Hour {
		t.Errorf("CA %v, %s, valid for %s", cert.IsCA, cert.PublicKeyAlgorithm, cert.NotAfter.Sub(cert.NotBefore))
	}
	if !regexp.MustCompile(`^([0-9A-F]{2}:){31}[0-9A-F]{2}$`).MatchString(s.Fingerprint()) {
		t.Errorf("fingerprint %q", s.Fingerprint())
	}
	if s.TLSConfig().MinVersion != tls.VersionTLS12 {
		t.Error("TLS below 1.2 is offered")
	}

	path := filepath.Join(dir, selfSignedFile)
	for p, want := range map[string]os.FileMode{path: 0o600, dir: 0o700} {
		if fi, err := os.Stat(p); err != nil || fi.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", p, fi.Mode().Perm(), err, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}

	// A second start keeps it, and closes what was opened to others.
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := SelfSigned(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Fingerprint() != s.Fingerprint() {
		t.Error("a second start makes a new certificate")
	}
	if fi, _ := os.Stat(path); fi.Mode().Perm() != 0o600 {
		t.Error("the key stays open to others")
	}
}

func TestSelfSignedRenewal(t *testing.T) {
	now := time.Unix(1_760_000_000, 0)
	home := names{dns: []string{"localhost", "host"}, ips: []net.IP{net.IPv4(192, 168, 1, 5), net.ParseIP("2001:db8::1")}, must: []net.IP{net.IPv4(192, 168, 1, 5)}}
	other := home
	other.ips, other.must = []net.IP{net.IPv4(10, 0, 0, 5)}, []net.IP{net.IPv4(10, 0, 0, 5)}
	fewer := home
	fewer.ips, fewer.must = nil, nil
	renamed := home
	renamed.dns = []string{"localhost", "elsewhere"}
	for _, tt := range []struct {
		name string
		want names
		now  time.Time
		kept bool
	}{
		{"at once", home, now, true},
		{"an address less", fewer, now, true},
		{"31 days before the end", home, now.Add(validFor - clockSlack - 31*24*time.Hour), true},
		{"29 days before the end", home, now.Add(validFor - clockSlack - 29*24*time.Hour), false},
		{"another address", other, now, false},
		{"another host name", renamed, now, false},
		{"the clock went back", home, now.Add(-2 * time.Hour), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), selfSignedFile)
			first, err := keepOrMake(path, func() (names, error) { return home, nil }, now)
			if err != nil {
				t.Fatal(err)
			}
			second, err := keepOrMake(path, func() (names, error) { return tt.want, nil }, tt.now)
			if err != nil {
				t.Fatal(err)
			}
			if kept := first.Leaf.Equal(second.Leaf); kept != tt.kept {
				t.Errorf("kept: %v, want %v", kept, tt.kept)
			}
			if !does(second.Leaf, tt.want, tt.now) {
				t.Error("what is served does not do")
			}
		})
	}
	t.Run("a broken file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), selfSignedFile)
		if err := os.WriteFile(path, []byte("broken"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := keepOrMake(path, func() (names, error) { return home, nil }, now); err != nil {
			t.Error(err)
		}
	})
}

// pair makes PEM files' contents.
func pair(t *testing.T) (cert, key []byte) {
	t.Helper()
	b, err := sign(names{dns: []string{"localhost"}, ips: []net.IP{net.IPv4(127, 0, 0, 1)}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte("-----BEGIN PRIVATE KEY"))
	return b[:at], b[at:]
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}
func (s *syncBuffer) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

func TestFilesChangedInPlace(t *testing.T) {
	dir := t.TempDir()
	certPath, keyPath := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert, key := pair(t)
	write(t, certPath, cert)
	write(t, keyPath, key)
	var logged syncBuffer
	reg := prometheus.NewRegistry()
	s, err := Files(certPath, keyPath, Options{Logger: slog.New(slog.NewTextHandler(&logged, nil)), Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	serve(t, s)
	first := s.Fingerprint()

	// A certificate without its key is refused, and the pair in use kept.
	cert2, key2 := pair(t)
	write(t, certPath, cert2)
	eventually(t, "the bad pair is logged", func() bool { return strings.Contains(logged.String(), "private key does not match") })
	if s.Fingerprint() != first {
		t.Error("a bad pair is in use")
	}
	serve(t, s)
	write(t, keyPath, key2)
	eventually(t, "the new pair is in use", func() bool { return s.Fingerprint() != first })
	if got := serve(t, s); !bytes.Equal(got.Raw, s.current.Load().Leaf.Raw) {
		t.Error("another certificate is served")
	}
	if strings.Contains(logged.String(), "BEGIN") {
		t.Error("the log holds PEM")
	}
	want := `# HELP callmesh_tls_certificate_loads_total Certificates taken into use or refused, by result: ok, failed.
# TYPE callmesh_tls_certificate_loads_total counter
callmesh_tls_certificate_loads_total{result="failed"} 1
callmesh_tls_certificate_loads_total{result="ok"} 2
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "callmesh_tls_certificate_loads_total"); err != nil {
		t.Error(err)
	}
}

// Kubernetes mounts a secret as links to ..data/NAME, where ..data is a link to a directory with a
// time in its name; an update makes a new directory and renames a new ..data over the old.
func TestFilesSwappedAsByKubernetes(t *testing.T) {
	dir := t.TempDir()
	release := func(name string) {
		t.Helper()
		cert, key := pair(t)
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name, "tls.crt"), cert)
		write(t, filepath.Join(dir, name, "tls.key"), key)
		if err := os.Symlink(name, filepath.Join(dir, "..data_tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	release("..2026_1")
	for _, name := range []string{"tls.crt", "tls.key"} {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Files(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// Twice: the second swap is seen only if the watch has followed the first.
	for _, name := range []string{"..2026_2", "..2026_3"} {
		before := s.Fingerprint()
		release(name)
		eventually(t, name+" is in use", func() bool { return s.Fingerprint() != before })
		serve(t, s)
	}
}

// Certbot's live/ holds links to ../../archive/, and some setups write the files there in place.
func TestFilesBehindALink(t *testing.T) {
	archive, live := t.TempDir(), t.TempDir()
	cert, key := pair(t)
	write(t, filepath.Join(archive, "cert1.pem"), cert)
	write(t, filepath.Join(archive, "key1.pem"), key)
	for link, to := range map[string]string{"cert.pem": "cert1.pem", "key.pem": "key1.pem"} {
		if err := os.Symlink(filepath.Join(archive, to), filepath.Join(live, link)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Files(filepath.Join(live, "cert.pem"), filepath.Join(live, "key.pem"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before := s.Fingerprint()
	cert, key = pair(t)
	write(t, filepath.Join(archive, "cert1.pem"), cert)
	write(t, filepath.Join(archive, "key1.pem"), key)
	eventually(t, "the new pair is in use", func() bool { return s.Fingerprint() != before })
}

func TestFilesRefused(t *testing.T) {
	dir := t.TempDir()
	cert, _ := pair(t)
	_, key := pair(t)
	write(t, filepath.Join(dir, "cert.pem"), cert)
	write(t, filepath.Join(dir, "key.pem"), key)
	if _, err := Files(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "none.pem"), Options{}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing key: %v", err)
	}
	_, err := Files(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), Options{})
	if err == nil || !strings.Contains(err.Error(), "are not a certificate and its key in PEM: tls: private key does not match public key") {
		t.Errorf("another's key: %v", err)
	}
}
