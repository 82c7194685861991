package turnd

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// levelTrace is below what --log-level offers: the server tells of every single packet.
const levelTrace = slog.LevelDebug - 4

// loggerFactory hands the server's words to slog. Its errors are mostly about one client's bad
// packet, so each level moves down by one.
type loggerFactory struct{ log *slog.Logger }

// NewLogger is part of the factory's interface.
func (f loggerFactory) NewLogger(scope string) logging.LeveledLogger {
	return leveled{f.log.With("scope", scope)}
}

type leveled struct{ log *slog.Logger }

func (l leveled) write(level slog.Level, format string, args ...any) {
	if ctx := context.Background(); l.log.Enabled(ctx, level) {
		l.log.Log(ctx, level, fmt.Sprintf(format, args...))
	}
}

func (l leveled) Trace(s string)            { l.write(levelTrace, "%s", s) }
func (l leveled) Tracef(f string, a ...any) { l.write(levelTrace, f, a...) }
func (l leveled) Debug(s string)            { l.write(levelTrace, "%s", s) }
func (l leveled) Debugf(f string, a ...any) { l.write(levelTrace, f, a...) }
func (l leveled) Info(s string)             { l.write(slog.LevelDebug, "%s", s) }
func (l leveled) Infof(f string, a ...any)  { l.write(slog.LevelDebug, f, a...) }
func (l leveled) Warn(s string)             { l.write(slog.LevelInfo, "%s", s) }
func (l leveled) Warnf(f string, a ...any)  { l.write(slog.LevelInfo, f, a...) }
func (l leveled) Error(s string)            { l.write(slog.LevelWarn, "%s", s) }
func (l leveled) Errorf(f string, a ...any) { l.write(slog.LevelWarn, f, a...) }
