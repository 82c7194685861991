package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// patience bounds each wait: an election takes up to ten seconds, and the machine may be busy.
const patience = 40 * time.Second

// node returns options for a bus of region "eu" at the given URLs.
func node(t testing.TB, urls ...string) bus.Options {
	return bus.Options{
		Name: t.Name(), Region: "eu", URLs: urls,
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
}

// open starts a bus that ends with the test. It need not be ready.
func open(t testing.TB, o bus.Options) *bus.Bus {
	t.Helper()
	b, err := bus.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// ready is open and WaitReady.
func ready(t testing.TB, o bus.Options) *bus.Bus {
	t.Helper()
	b := open(t, o)
	waitReady(t, b)
	return b
}

func waitReady(t testing.TB, b *bus.Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
}

// ack publishes and waits for what the stream says.
func ack(b *bus.Bus, s bus.Scope, payload string) error {
	done := make(chan error, 2)
	b.Publish(s, bus.ToAll, []byte(payload), func(err error) { done <- err })
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		return errors.New("a publish that nothing was said of")
	}
}

// accept publishes and fails the test unless it is stored.
func accept(t testing.TB, b *bus.Bus, s bus.Scope, payload string) {
	t.Helper()
	if err := ack(b, s, payload); err != nil {
		t.Fatalf("publishing %.40q: %v", payload, err)
	}
}

func eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("not within %v: %s: %v", patience, what, err)
		case <-again.C:
		}
	}
}

// told is a channel of one, and a function that says that something happened, as often as it likes: once is kept.
func told() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	return ch, func() {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// log notes payloads in the order in which they came.
type log struct {
	mu  sync.Mutex // guards the following
	all []string
}

func (l *log) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, s)
}

func (l *log) list() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

func (l *log) await(t testing.TB, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("hearing %.200q", want), func() error {
		if got := l.list(); !slices.Equal(got, want) {
			return fmt.Errorf("heard %.400q", got)
		}
		return nil
	})
}

// awaitAll is await for what comes in any order. want is sorted.
func (l *log) awaitAll(t testing.TB, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("hearing %.200q", want), func() error {
		got := l.list()
		if slices.Sort(got); !slices.Equal(got, want) {
			return fmt.Errorf("heard %.400q", got)
		}
		return nil
	})
}

// syncedText is what was logged.
type syncedText struct {
	mu   sync.Mutex // guards the following
	text bytes.Buffer
}

func (s *syncedText) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *syncedText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *syncedText) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// hear subscribes until the test ends.
func hear(t testing.TB, b *bus.Bus, s bus.Scope) *log {
	t.Helper()
	l := &log{}
	sub, err := b.Subscribe(s, func(m bus.Message) { l.add(string(m.Payload)) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sub.Close)
	return l
}

// reach asks the scope over and over until the one that listens there is known to from's node, as interest spreads a moment after the subscribe.
func reach(t testing.TB, from, to *bus.Bus, s bus.Scope) {
	t.Helper()
	sub, err := to.Subscribe(s, func(m bus.Message) { _ = to.Answer(m, []byte("here")) })
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	eventually(t, "interest reaches the publisher's node", func() error {
		_, err := askOne(from, s, time.Second)
		return err
	})
}

// askOne asks and returns the first answer.
func askOne(b *bus.Bus, s bus.Scope, timeout time.Duration) (string, error) {
	type result struct {
		payload string
		err     error
	}
	got := make(chan result, 2)
	b.Ask(s, bus.ToEdges, []byte("?"), timeout, func(payload []byte, err error) bool {
		got <- result{string(payload), err}
		return false
	})
	select {
	case r := <-got:
		return r.payload, r.err
	case <-time.After(timeout + patience):
		return "", errors.New("a question that never ends")
	}
}

// replay reads the scopes back.
func replay(t testing.TB, b *bus.Bus, since time.Time, scopes ...bus.Scope) []string {
	t.Helper()
	var got []string
	if err := b.Replay(t.Context(), scopes, since, func(_ bus.Scope, payload []byte) { got = append(got, string(payload)) }); err != nil {
		t.Fatalf("replay: %v", err)
	}
	return got
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func numbered(prefix string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return list
}

func room(name string) bus.Scope { return bus.RoomScope(wire.RoomID(name)) }

// roomsOfShard returns n rooms whose messages one stream keeps.
func roomsOfShard(n int) []bus.Scope {
	var list []bus.Scope
	for i := 0; len(list) < n; i++ {
		if s := room(fmt.Sprintf("room %d", i)); len(list) == 0 || s[0] == list[0][0] {
			list = append(list, s)
		}
	}
	return list
}
