// Package turnsecrets reads the secrets of relays from a file, one a line, and reads them again when it changes: so a secret is rotated without a restart.
package turnsecrets

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"

	"callmesh/edge/filewatch"
	"callmesh/turnctl/turnauth"
)

const (
	maxBytes = 64 << 10
	// Most is how many secrets a file holds: during a rotation there are two.
	Most = 8
)

// File is a file of secrets that is watched.
type File struct {
	path  string
	log   *slog.Logger
	now   atomic.Pointer[[]turnauth.Secret]
	seen  []byte // what was read last, good or bad, so that a bad file is logged once; the watch's own
	watch *filewatch.Watch

	changed chan struct{}
}

// Open reads the file, which must hold a secret, and watches it until Close.
func Open(path string, log *slog.Logger) (*File, error) {
	f := &File{path: path, log: log, changed: make(chan struct{}, 1)}
	secrets, err := f.read()
	if err != nil {
		return nil, err
	}
	f.now.Store(&secrets)
	if f.watch, err = filewatch.Start([]string{path}, log, f.reload); err != nil {
		return nil, err
	}
	return f, nil
}

// Secrets are those that the file held when it was last right, in its order.
func (f *File) Secrets() []turnauth.Secret { return *f.now.Load() }

// Changed tells, to one reader, that Secrets gives others than before.
func (f *File) Changed() <-chan struct{} { return f.changed }

// Close ends the watch. The secrets stay.
func (f *File) Close() { f.watch.Close() }

// read gives nil if the file is as it was.
func (f *File) read() ([]turnauth.Secret, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	b, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	switch {
	case err != nil:
		return nil, err
	case bytes.Equal(b, f.seen) && f.seen != nil:
		return nil, nil
	case len(b) > maxBytes:
		return nil, fmt.Errorf("%s is longer than %d bytes; is it the right file?", f.path, maxBytes)
	}
	f.seen = b
	return Parse(f.path, string(b))
}

// Parse reads the secrets that a file holds, from 1 to [Most].
func Parse(path, text string) ([]turnauth.Secret, error) {
	switch secrets := turnauth.ParseSecrets(text); {
	case len(secrets) == 0:
		return nil, fmt.Errorf("%s is empty; put the secret into it", path)
	case len(secrets) > Most:
		return nil, fmt.Errorf("%s holds %d secrets, one a line; keep at most %d, the one to use first", path, len(secrets), Most)
	default:
		return secrets, nil
	}
}

func (f *File) reload() {
	switch secrets, err := f.read(); {
	case err != nil:
		f.log.Warn("the file of the relays' secrets does not do; going on with those in use", "error", err)
	case secrets != nil:
		f.now.Store(&secrets)
		f.log.Info("the relays' secrets have changed", "file", f.path, "secrets", len(secrets))
		select {
		case f.changed <- struct{}{}:
		default:
		}
	}
}
