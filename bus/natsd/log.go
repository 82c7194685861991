package natsd

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// logBridge turns the server's lines into slog records and keeps its first
// fatal line, on which its own logger would have ended the process.
type logBridge struct {
	log   *slog.Logger
	fatal *fatalError
}

// Noticef implements server.Logger. Notices tell each connection and each
// leader change: too much for an edge's log, except for a client that is cut
// off because it does not read.
func (b *logBridge) Noticef(format string, v ...any) {
	level := slog.LevelDebug
	if strings.Contains(format, "Slow Consumer") {
		level = slog.LevelWarn
	}
	b.write(level, format, v)
}

// Warnf implements server.Logger.
func (b *logBridge) Warnf(format string, v ...any) { b.write(slog.LevelWarn, format, v) }

// Errorf implements server.Logger. The server's errors are mostly others'
// doing: a route that is down, a client that broke off. What matters to this
// process reaches it through Ready and Failed.
func (b *logBridge) Errorf(format string, v ...any) { b.write(slog.LevelWarn, format, v) }

// Fatalf implements server.Logger; it must not end the process.
func (b *logBridge) Fatalf(format string, v ...any) {
	b.write(slog.LevelError, format, v)
	b.fatal.set(fmt.Errorf("%w: %s", errFatal, fmt.Sprintf(format, v...)))
}

// Debugf implements server.Logger.
func (b *logBridge) Debugf(format string, v ...any) { b.write(slog.LevelDebug, format, v) }

// Tracef implements server.Logger. Traces hold what users say to each other;
// they are never switched on, and never written if they are.
func (b *logBridge) Tracef(string, ...any) {}

func (b *logBridge) write(level slog.Level, format string, v []any) {
	ctx := context.Background()
	if b.log.Enabled(ctx, level) {
		b.log.Log(ctx, level, strings.TrimSpace(fmt.Sprintf(format, v...)), "from", "nats-server")
	}
}

// fatalError holds the first error it is given.
type fatalError struct {
	once sync.Once
	done chan struct{} // closed after err is set
	err  error
}

func newFatalError() *fatalError { return &fatalError{done: make(chan struct{})} }

func (f *fatalError) set(err error) {
	f.once.Do(func() {
		f.err = err
		close(f.done)
	})
}

func (f *fatalError) get() error {
	select {
	case <-f.done:
		return f.err
	default:
		return nil
	}
}
