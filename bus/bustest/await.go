package bustest

import (
	"io"
	"log/slog"
	"net/url"
	"sync"
	"testing"
	"time"
)

// await waits until ok, and fails the test when that takes too long.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	awaitOr(t, func() string { return what }, ok)
}

func awaitOr(t testing.TB, missing func() string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(formingTime)
	defer late.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatalf("bustest: still waiting after %v: %s", formingTime, missing())
		}
	}
}

// Next is what comes next on ch, or the zero value once it is closed; it fails the
// test when that takes too long. Who sends must never wait for who reads: a
// goroutine of a connection that does holds up all that it hands out, and its end.
func Next[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	late := time.NewTimer(formingTime)
	defer late.Stop()
	select {
	case v := <-ch:
		return v
	case <-late.C:
		t.Fatalf("bustest: still waiting after %v: %s", formingTime, what)
		var none T
		return none
	}
}

func hostPort(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Host
}

// logger writes warnings and worse to the test's output, which is shown when
// the test fails or with -v.
func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(testOutput(t), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// output drops what is written after the test has ended: a line from a server
// that is just closing must not panic the whole run.
type output struct {
	mu sync.Mutex
	w  io.Writer // nil once the test has ended; guarded by mu
}

// testOutput must be asked for before the servers' own cleanups are
// registered, so that it ends after them.
func testOutput(t testing.TB) io.Writer {
	o := &output{w: t.Output()}
	t.Cleanup(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.w = nil
	})
	return o
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.w == nil {
		return len(p), nil
	}
	return o.w.Write(p)
}
