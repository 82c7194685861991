package cli

import (
	"io"
	"log/slog"
)

// LogConfig are the keys about logs; embed it in a configuration.
type LogConfig struct {
	LogLevel  string `key:"log-level" default:"info" oneof:"debug,info,warn,error" help:"How much is logged."`
	LogFormat string `key:"log-format" default:"text" oneof:"text,json" help:"Form of the log, one record per line."`
}

// Logger writes to w as configured.
func (c LogConfig) Logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if level.UnmarshalText([]byte(c.LogLevel)) != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
