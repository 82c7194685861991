package natsd_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"callmesh/bus/natsd"
)

// buffer is a bytes.Buffer that the server's goroutines may write to at once.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestNoticesAreDebugLines(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelDebug} {
		var out buffer
		s := start(t, natsd.Options{
			ListenAddr: "127.0.0.1:0", Token: "not-to-be-logged",
			Logger: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level})),
		})
		s.Shutdown()
		got := out.String()
		if level == slog.LevelInfo && got != "" {
			t.Errorf("a quiet life was logged above debug:\n%s", got)
		}
		if level == slog.LevelDebug && !strings.Contains(got, `msg="Server is ready" from=nats-server`) {
			t.Errorf("no notice at debug level:\n%s", got)
		}
		if strings.Contains(got, "not-to-be-logged") {
			t.Errorf("the token is in the log:\n%s", got)
		}
	}
}
