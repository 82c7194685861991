// Package filewatch tells when files may have changed, be it in place, by renaming, or by exchanging a symbolic link above them, as Kubernetes does with
// secrets. What is in them is for the caller to read.
package filewatch

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is the silence waited for after a change: files are written piece by piece, and a certificate and its key one after the other.
	settle = 200 * time.Millisecond
	// lookAnyway is how often it is told without a change: network file systems tell of none.
	lookAnyway = 30 * time.Second
)

// Watch is a watch of files until Close.
type Watch struct {
	paths   []string
	changed func()
	log     *slog.Logger
	watcher *fsnotify.Watcher
	stop    chan struct{}
	running sync.WaitGroup
}

// Start watches paths, and calls changed from one goroutine after each change and every half minute, once soon after the start too. The files
// need not be there; the folders that they are named in must be.
func Start(paths []string, log *slog.Logger, changed func()) (*Watch, error) {
	w := &Watch{paths: paths, changed: changed, log: log, stop: make(chan struct{})}
	var err error
	if w.watcher, err = fsnotify.NewWatcher(); err != nil {
		return nil, fmt.Errorf("watch for changes: %w", err)
	}
	if err := w.follow(); err != nil {
		return nil, errors.Join(err, w.watcher.Close())
	}
	w.running.Go(w.run)
	return w, nil
}

// Close ends the watch. It may be called once, and not from changed.
func (w *Watch) Close() {
	close(w.stop)
	w.running.Wait()
}

// folders are those in which a change can mean another file: those that the paths name, and those that symbolic links on the way lead to.
func (w *Watch) folders() []string {
	var dirs []string
	for _, path := range w.paths {
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

func (w *Watch) follow() error {
	want := w.folders()
	for _, have := range w.watcher.WatchList() {
		if !slices.Contains(want, have) {
			_ = w.watcher.Remove(have) // gone by itself when the folder was deleted
		}
	}
	// Add is idempotent, and needed again for a path that now means another folder.
	for _, dir := range want {
		if err := w.watcher.Add(dir); err != nil {
			return fmt.Errorf("watch %s for changes: %w", dir, err)
		}
	}
	return nil
}

func (w *Watch) run() {
	defer func() { _ = w.watcher.Close() }()
	anyway := time.NewTicker(lookAnyway)
	defer anyway.Stop()
	quiet := time.NewTimer(settle)
	defer quiet.Stop()
	look := func() {
		if err := w.follow(); err != nil {
			w.log.Debug("watching files", "error", err) // looked at again soon
		}
		w.changed()
	}
	for {
		select {
		case <-w.stop:
			return
		case <-w.watcher.Events:
			quiet.Reset(settle)
		case err := <-w.watcher.Errors:
			w.log.Warn("watching files", "error", err)
		case <-quiet.C:
			look()
		case <-anyway.C:
			look()
		}
	}
}
