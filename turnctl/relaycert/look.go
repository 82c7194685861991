// Package relaycert says whether a relay can do TLS with the certificate and the key that lie in two files ([Look]), and gives coturn something that it can
// load in any case ([Links]): one bad certificate takes TLS away, and must not take UDP and TCP along.
package relaycert

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Error is what is wrong with a certificate or its key, for a person.
type Error struct {
	File string
	What string
	// Since is when it became so; zero: that can't be told.
	Since time.Time
	// Fix is what would be right.
	Fix string
}

// Error says all of it in one line.
func (w *Error) Error() string {
	s := w.File + " " + w.What
	if !w.Since.IsZero() {
		s += ", since " + w.Since.UTC().Format(time.RFC3339)
	}
	return s + "; " + w.Fix
}

// Pair is a certificate and its key as they were read.
type Pair struct {
	Cert, Key []byte
	Leaf      *x509.Certificate // nil where coturn can't load them
}

// Look reads a certificate and its key, and says what keeps callers from TLS by them; nil for nothing. Whom the certificate is for, and by whom, is for the
// check of the relay to say.
func Look(cert, key string, now time.Time) (Pair, *Error) {
	var p Pair
	var err error
	if p.Cert, err = os.ReadFile(cert); err != nil {
		return p, unread(cert, err)
	}
	if p.Key, err = os.ReadFile(key); err != nil {
		return p, unread(key, err)
	}
	if w := unparsed(cert, key, p); w != nil {
		return p, w
	}
	pair, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		return p, &Error{
			File: key, What: "is not the key of " + cert + " (" + err.Error() + ")", Since: later(cert, key),
			Fix: "put a certificate and its own key there, together",
		}
	}
	p.Leaf = pair.Leaf
	return p, OfTime(p.Leaf, cert, now)
}

// OfTime says whether a certificate, which was read from a file, is good now.
func OfTime(leaf *x509.Certificate, file string, now time.Time) *Error {
	switch {
	case now.After(leaf.NotAfter):
		return &Error{File: file, What: "has expired", Since: leaf.NotAfter, Fix: "put a renewed certificate and its key there"}
	case now.Before(leaf.NotBefore):
		return &Error{
			File: file, What: "is not good before " + leaf.NotBefore.UTC().Format(time.RFC3339),
			Fix: "set this host's clock, which shows " + now.UTC().Format(time.RFC3339) + ", or wait",
		}
	}
	return nil
}

func unread(path string, err error) *Error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Error{File: path, What: "is missing", Fix: "put it there: on Kubernetes, the Secret has to hold it"}
	case errors.Is(err, fs.ErrPermission):
		return &Error{File: path, What: "can't be read", Fix: fmt.Sprintf("let uid %d read it, and enter every folder above it", os.Geteuid())}
	}
	return &Error{File: path, What: "can't be read (" + err.Error() + ")", Fix: "make it a file in PEM form"}
}

// unparsed names the file that holds nothing of what it should.
func unparsed(cert, key string, p Pair) *Error {
	block := func(text []byte, is func(kind string) bool) *pem.Block {
		for {
			b, rest := pem.Decode(text)
			if b == nil || is(b.Type) {
				return b
			}
			text = rest
		}
	}
	first := block(p.Cert, func(kind string) bool { return kind == "CERTIFICATE" })
	if first == nil {
		return &Error{File: cert, What: "holds no certificate in PEM form", Since: later(cert), Fix: "put the certificate there, its chain behind it"}
	}
	if _, err := x509.ParseCertificate(first.Bytes); err != nil {
		return &Error{File: cert, What: "holds a certificate that is broken (" + err.Error() + ")", Since: later(cert), Fix: "put a whole one there, its chain behind it"}
	}
	if block(p.Key, func(kind string) bool { return strings.HasSuffix(kind, "PRIVATE KEY") }) == nil {
		return &Error{File: key, What: "holds no private key in PEM form", Since: later(key), Fix: "put the key of " + cert + " there"}
	}
	return nil
}

// later is when the younger of some files was written.
func later(paths ...string) (at time.Time) {
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(at) {
			at = info.ModTime()
		}
	}
	return at
}
