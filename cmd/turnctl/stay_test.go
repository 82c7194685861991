package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pairIn makes a certificate and its key in a folder, as the kubelet puts those of a Secret.
func pairIn(t *testing.T, dir string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"turn.example"}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: cert}, "tls.key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A certificate is renewed as in a Secret of Kubernetes, by another folder behind a link; one that is none changes nothing, and what comes after it counts.
func TestCertificateIsFollowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := func(to string) {
		t.Helper()
		next := filepath.Join(dir, "next")
		if err := os.Symlink(to, next); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	pairIn(t, filepath.Join(dir, "1"), 1)
	link("1")
	for _, name := range []string{"tls.crt", "tls.key"} {
		if err := os.Symlink("..data/"+name, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	said, renewed := new(output), make(chan struct{}, 8)
	w, err := followCertificate(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), slog.New(slog.NewTextHandler(said, nil)), func() { renewed <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
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
	pairIn(t, filepath.Join(dir, "2"), 2)
	link("2")
	comes("the second is read", func() bool { return len(renewed) == 1 })
	pairIn(t, filepath.Join(dir, "3"), 3)
	if err := os.WriteFile(filepath.Join(dir, "3", "tls.key"), bytes.Repeat([]byte("x"), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	link("3")
	comes("the third is refused", func() bool { return strings.Contains(said.String(), "does not do") })
	pairIn(t, filepath.Join(dir, "4"), 4)
	link("4")
	comes("the fourth is read", func() bool { return len(renewed) > 1 })
	if len(renewed) != 2 {
		t.Errorf("coturn was told of %d certificates", len(renewed))
	}
}
