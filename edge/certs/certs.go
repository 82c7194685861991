// Package certs gives the edge its TLS certificate, in one of two ways: from files, which are read
// again when they change (Files), or made by the edge itself for machines of a LAN, where nobody
// could sign one (SelfSigned). Either way connections that exist keep what they were set up with,
// and new ones get the newest.
package certs

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options are the same for both kinds of Source; the zero value logs and measures nothing.
type Options struct {
	// Logger is told of renewals, and of files that do not do.
	Logger *slog.Logger
	// Registerer gets the metrics.
	Registerer prometheus.Registerer
}

// Source is a certificate that can change while it is used.
type Source struct {
	log     *slog.Logger
	current atomic.Pointer[tls.Certificate]
	expiry  prometheus.Gauge
	loads   *prometheus.CounterVec

	stop chan struct{}
	once sync.Once
	wg   sync.WaitGroup
}

func newSource(o Options) (*Source, error) {
	s := &Source{
		log: o.Logger, stop: make(chan struct{}),
		expiry: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "callmesh_tls_certificate_expiry_timestamp_seconds", Help: "When the TLS certificate in use expires, in Unix time.",
		}),
		loads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "callmesh_tls_certificate_loads_total", Help: "Certificates taken into use or refused, by result: ok, failed.",
		}, []string{"result"}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if o.Registerer == nil {
		return s, nil
	}
	for _, c := range []prometheus.Collector{s.expiry, s.loads} {
		if err := o.Registerer.Register(c); err != nil {
			return nil, fmt.Errorf("certs: register metrics: %w", err)
		}
	}
	return s, nil
}

func (s *Source) use(c *tls.Certificate) {
	s.current.Store(c)
	s.expiry.Set(float64(c.Leaf.NotAfter.Unix()))
	s.loads.WithLabelValues("ok").Inc()
	s.log.Info("TLS certificate in use", "fingerprint", s.Fingerprint(), "expires", c.Leaf.NotAfter)
	if time.Now().After(c.Leaf.NotAfter) {
		s.log.Warn("the TLS certificate has expired; browsers will refuse it until it is replaced")
	}
}

// TLSConfig is for a server; TLS 1.2 at least. It follows every change of the certificate.
func (s *Source) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if c := s.current.Load(); c != nil {
				return c, nil
			}
			return nil, errors.New("certs: no certificate")
		},
	}
}

// Fingerprint is the SHA-256 of the certificate in use, in the form that browsers show it: pairs of
// capital hex digits with colons between. Whoever is asked to trust a self-signed one compares it.
func (s *Source) Fingerprint() string {
	sum := sha256.Sum256(s.current.Load().Leaf.Raw)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	return strings.Join(pairs, ":")
}

// NotAfter is when the certificate in use expires.
func (s *Source) NotAfter() time.Time { return s.current.Load().Leaf.NotAfter }

// Close ends the watch for changes and waits for that; the certificate in use stays so.
func (s *Source) Close() {
	s.once.Do(func() { close(s.stop) })
	s.wg.Wait()
}
