package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callmesh/turnctl/turntest"
)

// A certificate that is replaced is shown to whoever comes next, without a restart; what is connected stays so. Files that do not do change nothing.
func TestServeTakesARenewedCertificate(t *testing.T) {
	ca, dir := turntest.NewCA(t), t.TempDir()
	first, second := ca.Issue(t, time.Now().Add(time.Hour), "127.0.0.1"), ca.Issue(t, time.Now().Add(2*time.Hour), "127.0.0.1")
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	// place puts a file in the place of what is there, as certbot does.
	place := func(from, to string) {
		t.Helper()
		raw, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to+".new", raw, 0o600)
		}
		if err == nil {
			err = os.Rename(to+".new", to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	place(first.CertFile, cert)
	place(first.KeyFile, key)

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	url, end := serving(ctx, t, "--input", attempts, "--tls-cert", cert, "--tls-key", key)
	addr := strings.TrimSuffix(strings.TrimPrefix(url, "https://"), "/")
	trust := &tls.Config{RootCAs: ca.Pool}
	old, err := tls.Dial("tcp", addr, trust)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Close() }()
	said := bufio.NewReader(old)
	// ask asks over the connection from before. One that has asked once may be silent for minutes then; one that never has is closed soon.
	ask := func(more string) {
		t.Helper()
		if _, err := fmt.Fprintf(old, "GET /livez HTTP/1.1\r\nHost: x\r\n%s\r\n", more); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(said, nil)
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		if err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("over the connection from before: %v, %v", res, err)
		}
	}
	ask("")
	shows := func() string {
		t.Helper()
		conn, err := tls.Dial("tcp", addr, trust)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	if got := shows(); got != first.Leaf.SerialNumber.String() {
		t.Fatalf("at first it shows %s", got)
	}
	place(second.CertFile, cert) // which does not go with the key that is there
	place(second.KeyFile, key)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for shows() != second.Leaf.SerialNumber.String() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("it goes on with the old certificate")
		}
	}
	ask("Connection: close\r\n")
	end()
}
