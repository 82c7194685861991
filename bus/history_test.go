package bus_test

import (
	"errors"
	"slices"
	"testing"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

// keep publishes a post that the history keeps, and waits for its ack.
func keep(t testing.TB, b *bus.Bus, s bus.Scope, mid wire.Mid, body string) {
	t.Helper()
	env := wire.Envelope{Kind: wire.KindEvent, Event: wire.EvPost, Source: mid.Source, N: mid.N, Keep: true, Body: []byte(body)}
	done := make(chan error, 1)
	b.PublishKept(s, &env, env.Append(nil), func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatalf("keeping %s: %v", mid, err)
	}
}

func TestHistoryPages(t *testing.T) {
	t.Parallel()
	b := ready(t, node(t, bustest.Cluster(t, 1).URL(0)))
	s, source := room("r"), wire.NewSource()
	mid := func(n uint64) wire.Mid { return wire.Mid{Source: source, N: n} }
	if posts, more, err := b.History(t.Context(), s, wire.Mid{}, 10); len(posts) != 0 || more || err != nil {
		t.Fatalf("an empty room has %d posts, more %v, %v", len(posts), more, err)
	}
	for n := uint64(1); n <= 7; n++ {
		keep(t, b, s, mid(n), "body")
		accept(t, b, s, "not kept")
		keep(t, b, room("another"), wire.Mid{Source: wire.NewSource(), N: 1}, "elsewhere")
	}
	for _, c := range []struct {
		name   string
		before wire.Mid
		limit  int
		want   []uint64
		more   bool
	}{
		{"the latest", wire.Mid{}, 3, []uint64{5, 6, 7}, true},
		{"all", wire.Mid{}, 50, []uint64{1, 2, 3, 4, 5, 6, 7}, false},
		{"exactly all", wire.Mid{}, 7, []uint64{1, 2, 3, 4, 5, 6, 7}, false},
		{"before one", mid(5), 3, []uint64{2, 3, 4}, true},
		{"before one, to the beginning", mid(4), 3, []uint64{1, 2, 3}, false},
		{"before the first", mid(1), 3, nil, false},
		{"before one that was not kept, and came later", mid(99), 3, []uint64{5, 6, 7}, true},
		{"before one of a source that is not there", wire.Mid{Source: wire.NewSource(), N: 5}, 3, nil, false},
	} {
		posts, more, err := b.History(t.Context(), s, c.before, c.limit)
		var got []uint64
		for _, p := range posts {
			got = append(got, p.N)
			if string(p.Body) != "body" || p.Source != source {
				t.Errorf("%s: %+v", c.name, p)
			}
		}
		if err != nil || more != c.more || !slices.Equal(got, c.want) {
			t.Errorf("%s: %d, more %v, %v; want %d, %v", c.name, got, more, err, c.want, c.more)
		}
	}
}

func TestHistoryWithoutNATS(t *testing.T) {
	t.Parallel()
	b := open(t, node(t, "nats://127.0.0.1:1"))
	if _, _, err := b.History(t.Context(), room("r"), wire.Mid{}, 10); !errors.Is(err, bus.ErrUnavailable) {
		t.Errorf("%v, want %v", err, bus.ErrUnavailable)
	}
}
