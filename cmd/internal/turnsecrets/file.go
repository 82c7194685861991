// Package turnsecrets reads the secrets of relays from a file, one a line, and reads them again when it changes: so a secret is rotated without a restart.
package turnsecrets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"callmesh/turnctl/turnauth"
)

const (
	// settle is the silence waited for after a change, as files are written piece by piece.
	settle = 100 * time.Millisecond
	// lookAnyway is how often the file is read without being told of a change: network file systems tell of none.
	lookAnyway = 30 * time.Second
	maxBytes   = 64 << 10
	// Most is how many secrets a file holds: during a rotation there are two.
	Most = 8
)

// File is a file of secrets that is watched.
type File struct {
	path    string
	log     *slog.Logger
	now     atomic.Pointer[[]turnauth.Secret]
	seen    []byte // what was read last, good or bad, so that a bad file is logged once; run's own
	watcher *fsnotify.Watcher
	stop    chan struct{}
	running sync.WaitGroup
}

// Open reads the file, which must hold a secret, and watches it until Close.
func Open(path string, log *slog.Logger) (*File, error) {
	f := &File{path: path, log: log, stop: make(chan struct{})}
	secrets, err := f.read()
	if err != nil {
		return nil, err
	}
	f.now.Store(&secrets)
	if f.watcher, err = fsnotify.NewWatcher(); err != nil {
		return nil, fmt.Errorf("watch %s for changes: %w", path, err)
	}
	if err := f.watch(); err != nil {
		return nil, errors.Join(fmt.Errorf("watch %s for changes: %w", path, err), f.watcher.Close())
	}
	f.running.Go(f.run)
	return f, nil
}

// Secrets are those that the file held when it was last right, in its order.
func (f *File) Secrets() []turnauth.Secret { return *f.now.Load() }

// Close ends the watch. The secrets stay.
func (f *File) Close() {
	close(f.stop)
	f.running.Wait()
}

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

// watch follows the folder of the file, and that of the file which it is a link to.
func (f *File) watch() error {
	err := f.watcher.Add(filepath.Dir(f.path))
	if target, linked := filepath.EvalSymlinks(f.path); linked == nil && filepath.Dir(target) != filepath.Dir(f.path) {
		err = errors.Join(err, f.watcher.Add(filepath.Dir(target)))
	}
	return err
}

func (f *File) run() {
	defer func() { _ = f.watcher.Close() }()
	anyway := time.NewTicker(lookAnyway)
	defer anyway.Stop()
	quiet := time.NewTimer(settle)
	defer quiet.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-f.watcher.Events:
			quiet.Reset(settle)
		case err := <-f.watcher.Errors:
			f.log.Warn("watching the secrets of relays", "error", err)
		case <-quiet.C:
			f.reload()
		case <-anyway.C:
			f.reload()
		}
	}
}

func (f *File) reload() {
	if err := f.watch(); err != nil {
		f.log.Debug("watching the secrets of relays", "error", err) // looked at again soon
	}
	switch secrets, err := f.read(); {
	case err != nil:
		f.log.Warn("the file of the relays' secrets does not do; going on with those in use", "error", err)
	case secrets != nil:
		f.now.Store(&secrets)
		f.log.Info("the relays' secrets have changed", "file", f.path, "secrets", len(secrets))
	}
}
