package certs

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"

	"callmesh/edge/filewatch"
)

// files is a certificate and its key as PEM files, and what was last read of them.
type files struct {
	*Source
	cert, key string
	seen      [2][]byte // good or bad, so that a bad pair is logged once
}

// Files serves the PEM files cert (the chain, leaf first) and key. They are read again when they
// change, be it in place, by renaming, or by exchanging a symbolic link above them, as Kubernetes
// does with secrets. A pair that does not do is logged and the one before kept. Close ends the watch.
func Files(cert, key string, o Options) (*Source, error) {
	s, err := newSource(o)
	if err != nil {
		return nil, err
	}
	f := &files{Source: s, cert: cert, key: key}
	pair, err := f.read()
	if err != nil {
		return nil, err
	}
	s.use(pair)
	watch, err := filewatch.Start([]string{cert, key}, s.log, f.reload)
	if err != nil {
		return nil, fmt.Errorf("certs: %w", err)
	}
	s.wg.Go(func() {
		<-s.stop
		watch.Close()
	})
	return s, nil
}

// read gives the pair, or nil if it is what was read before.
func (f *files) read() (*tls.Certificate, error) {
	var now [2][]byte
	for i, path := range []string{f.cert, f.key} {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("certs: %w", err)
		}
		now[i] = b
	}
	if bytes.Equal(now[0], f.seen[0]) && bytes.Equal(now[1], f.seen[1]) {
		return nil, nil
	}
	f.seen = now
	pair, err := tls.X509KeyPair(now[0], now[1])
	if err != nil {
		return nil, fmt.Errorf("certs: %s and %s are not a certificate and its key in PEM: %w", f.cert, f.key, err)
	}
	return &pair, nil
}

func (f *files) reload() {
	pair, err := f.read()
	switch {
	case err != nil:
		f.loads.WithLabelValues("failed").Inc()
		f.log.Warn("the TLS files do not do; going on with the certificate in use", "error", err, "expires", f.NotAfter())
	case pair != nil:
		f.use(pair)
	}
}
