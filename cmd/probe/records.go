package main

import (
	"context"
	"errors"
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
	named int      // lines of the file that were no records, and were named
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

// read reads all of them, each once, and counts the lines of a file that are none. A file that has none at all is bad usage; what can't be read could not be measured.
func (r *records) read(ctx context.Context) (report.Lines, error) {
	var lines report.Lines
	if r.c.Input != "" {
		var err error
		if lines, err = r.file(); err != nil {
			return lines, err
		}
	}
	if r.bus == nil {
		return lines, nil
	}
	all := lines.Records
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
		return lines, cli.Unmeasured("nats-url: %w", err)
	case more > 0:
		return lines, cli.Usage("nats-url: more than %d records; report them by parts, with since, run or source", report.MaxRecords)
	}
	lines.Records = all
	return lines, nil
}

func (r *records) file() (lines report.Lines, err error) {
	from := r.stdin
	if r.c.Input != "-" {
		f, err := os.Open(r.c.Input)
		if err != nil {
			return lines, cli.Unmeasured("input: %w", err)
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	lines, err = report.Read(from)
	switch {
	case errors.Is(err, report.ErrTooMany):
	case err != nil:
		return lines, cli.Unmeasured("input: %s: %w", r.c.Input, err)
	case lines.Unread > 0 && len(lines.Records) == 0:
		err = lines.Bad[0]
	default:
		r.name(lines)
		return lines, nil
	}
	return lines, cli.Usage("input: %s: %w", r.c.Input, err)
}

// name says which lines are no records, once for who reads them again and again.
func (r *records) name(lines report.Lines) {
	if lines.Unread != r.named {
		for _, err := range lines.Bad {
			r.log.Warn("a line of the input is no attempt and is passed over", "input", r.c.Input, "error", err)
		}
		if more := lines.Unread - len(lines.Bad); more > 0 {
			r.log.Warn("so are others", "input", r.c.Input, "lines", more)
		}
	}
	r.named = lines.Unread
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
