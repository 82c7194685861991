package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/probe/report"
)

// readTime is how long the bus may take to hand out its records.
const readTime = time.Minute

// records is where a report has its records from: a file, the bus, or both.
type records struct {
	c     *RecordsConfig
	stdin io.Reader
	log   *slog.Logger
	bus   *bus.Bus // nil without nats-url
}

// records opens where a command that reads once has them from.
func (c *RecordsConfig) records(ctx context.Context, name string, stdin io.Reader, log *slog.Logger) (r *records, err error) {
	r = &records{c: c, stdin: stdin, log: log}
	if len(c.NATSURL) > 0 {
		r.bus, err = c.open(ctx, name, log)
	}
	return r, err
}

// recordsLater is records for a command that reads again and again: NATS may come later, and go.
func (c *RecordsConfig) recordsLater(ctx context.Context, name string, log *slog.Logger) (r *records, err error) {
	r = &records{c: c, log: log}
	if len(c.NATSURL) > 0 {
		r.bus, err = c.join(ctx, name, log, nil)
	}
	return r, err
}

func (r *records) close() {
	if r.bus != nil {
		r.bus.Close()
	}
}

// read reads all of them, each once. A file that is wrong is bad usage; what can't be read could not be measured.
func (r *records) read(ctx context.Context) ([]wire.Traversal, error) {
	var all []wire.Traversal
	if r.c.Input != "" {
		list, err := r.file()
		if err != nil {
			return nil, err
		}
		all = list
	}
	if r.bus == nil {
		return all, nil
	}
	seen := make(map[string]bool, len(all))
	for i := range all {
		seen[all[i].Key()] = true
	}
	f := bus.TraversalFilter{Run: wire.RunID(r.c.Run)}
	if r.c.Source != "all" {
		f.Source = wire.TraversalSource(r.c.Source)
	}
	if r.c.Since > 0 {
		f.Since = time.Now().Add(-r.c.Since)
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	more := 0
	err := r.bus.Traversals(ctx, f, func(t wire.Traversal) {
		switch {
		case seen[t.Key()]:
		case len(all) == report.MaxRecords:
			more++
		default:
			all = append(all, t)
		}
	})
	if away, only := bus.Abroad(err); only {
		r.log.Warn("regions are out of reach, and what they have stored is not in the report", "regions", away)
		err = nil
	}
	switch {
	case err != nil:
		return nil, cli.Unmeasured("nats-url: %w", err)
	case more > 0:
		return nil, cli.Usage("nats-url: more than %d records; report them by parts, with since, run or source", report.MaxRecords)
	}
	return all, nil
}

func (r *records) file() ([]wire.Traversal, error) {
	from := r.stdin
	if r.c.Input != "-" {
		f, err := os.Open(r.c.Input)
		if err != nil {
			return nil, cli.Unmeasured("input: %w", err)
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	list, err := report.Read(from)
	if err != nil {
		return nil, cli.Usage("input: %s: %w", r.c.Input, err)
	}
	return list, nil
}

// plainLog is the log of a command that has no keys for one: what is worth a warning.
func plainLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}
