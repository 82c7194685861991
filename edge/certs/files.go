package certs

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is the silence waited for after a change, because a certificate and its key are
	// written one after the other.
	settle = 200 * time.Millisecond
	// lookAnyway is how often the files are read without being told of a change: network file
	// systems tell of none.
	lookAnyway = time.Minute
)

// files is a certificate and its key as PEM files, and what was last read of them.
type files struct {
	*Source
	cert, key string
	seen      [2][]byte // good or bad, so that a bad pair is logged once
	watcher   *fsnotify.Watcher
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
	if f.watcher, err = fsnotify.NewWatcher(); err != nil {
		return nil, fmt.Errorf("certs: watch for changes: %w", err)
	}
	if err := f.watchDirs(); err != nil {
		return nil, errors.Join(err, f.watcher.Close())
	}
	s.use(pair)
	s.wg.Go(f.run)
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

// dirs are the directories in which a change can mean a new pair: those that the paths name, and
// those that symbolic links on the way lead to.
func (f *files) dirs() []string {
	var dirs []string
	for _, path := range []string{f.cert, f.key} {
		for range 16 { // links deep
			dir := filepath.Dir(path)
			if !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
			if target, err := filepath.EvalSymlinks(dir); err == nil && !slices.Contains(dirs, target) {
				dirs = append(dirs, target)
			}
			to, err := os.Readlink(path)
			if err != nil {
				break
			}
			if path = to; !filepath.IsAbs(to) {
				path = filepath.Join(dir, to)
			}
		}
	}
	return dirs
}

func (f *files) watchDirs() error {
	want := f.dirs()
	for _, have := range f.watcher.WatchList() {
		if !slices.Contains(want, have) {
			_ = f.watcher.Remove(have) // gone by itself when the directory was deleted
		}
	}
	// Add is idempotent, and needed again for a path that now means another directory.
	for _, dir := range want {
		if err := f.watcher.Add(dir); err != nil {
			return fmt.Errorf("certs: watch %s: %w", dir, err)
		}
	}
	return nil
}

func (f *files) run() {
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
			f.log.Warn("watching the TLS files", "error", err)
		case <-quiet.C:
			f.reload()
		case <-anyway.C:
			f.reload()
		}
	}
}

func (f *files) reload() {
	if err := f.watchDirs(); err != nil {
		f.log.Debug("watching the TLS files", "error", err) // looked at again in a minute
	}
	pair, err := f.read()
	switch {
	case err != nil:
		f.loads.WithLabelValues("failed").Inc()
		f.log.Warn("the TLS files do not do; going on with the certificate in use", "error", err, "expires", f.NotAfter())
	case pair != nil:
		f.use(pair)
	}
}
