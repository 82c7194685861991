package bus_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// A scope whose first message is younger than the rest must not hide what another scope had before that: nats-server itself moves a consumer of several
// filters that begins at a time on to the first message that any filter has from then on, but counts only filters that had none before.
func TestReplayOfScopesOfDifferentAge(t *testing.T) {
	t.Parallel()
	for _, copies := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d copies", copies), func(t *testing.T) {
			t.Parallel()
			c := bustest.Cluster(t, copies)
			o := node(t, c.URL(0))
			o.Replicas = copies
			b, reader := ready(t, o), ready(t, o)
			rooms := roomsOfShard(2)
			old, young := rooms[0], rooms[1]
			accept(t, b, old, "before")
			since := time.Now()
			accept(t, b, old, "after")
			accept(t, b, young, "first")
			accept(t, b, old, "last")
			want := []string{"after", "first", "last"}
			if got := replay(t, reader, since, old, young); !slices.Equal(got, want) {
				t.Errorf("of both: %q, want %q", got, want)
			}
			if got := replay(t, reader, since, young); !slices.Equal(got, want[1:2]) {
				t.Errorf("of the young: %q, want %q", got, want[1:2])
			}
			if got := replay(t, reader, time.Now(), old, young); len(got) != 0 {
				t.Errorf("from now on: %q", got)
			}
		})
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	b, reader := ready(t, node(t, c.URL(0))), ready(t, node(t, c.URL(0)))
	long := time.Now().Add(-time.Minute)

	same := roomsOfShard(70) // more than a read names one by one
	other := bus.UserScope("ann")
	for i, s := range same {
		accept(t, b, s, fmt.Sprintf("%d.1", i))
		accept(t, b, s, fmt.Sprintf("%d.2", i))
	}
	accept(t, b, other, "to ann")
	if err := b.PublishLive(same[0], bus.ToAll, []byte("live only")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		scopes []bus.Scope
		want   []string
	}{
		"one":                               {same[:1], []string{"0.1", "0.2"}},
		"two of one shard":                  {same[1:3], []string{"1.1", "1.2", "2.1", "2.2"}},
		"named twice":                       {[]bus.Scope{same[3], same[3]}, []string{"3.1", "3.2"}},
		"none":                              {nil, nil},
		"an empty one":                      {[]bus.Scope{room("nobody was here")}, nil},
		"another kind":                      {[]bus.Scope{other}, []string{"to ann"}},
		"a room, not the user of that name": {[]bus.Scope{room("ann")}, nil},
	} {
		if got := replay(t, reader, long, c.scopes...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := replay(t, reader, long, append(slices.Clone(same), other)...); len(got) != 2*len(same)+1 {
		t.Errorf("%d of %d messages in all scopes", len(got), 2*len(same)+1)
	}
	var wrong []string
	if err := reader.Replay(t.Context(), same, long, func(s bus.Scope, payload []byte) {
		if want := fmt.Sprintf("%d.", slices.Index(same, s)); string(payload[:len(want)]) != want {
			wrong = append(wrong, string(payload))
		}
	}); err != nil || len(wrong) > 0 {
		t.Errorf("given for a wrong scope: %q, %v", wrong, err)
	}

	// Of more than a batch, in order.
	want := numbered("m", 1200)
	var wg sync.WaitGroup
	wg.Add(len(want))
	since := time.Now()
	for _, m := range want {
		b.Publish(other, bus.ToAll, []byte(m), func(err error) {
			if err != nil {
				t.Error(err)
			}
			wg.Done()
		})
	}
	wg.Wait()
	if got := replay(t, reader, since, other); !slices.Equal(got, want) {
		t.Errorf("%d messages since then, want %d in order", len(got), len(want))
	}
	err := reader.Replay(t.Context(), []bus.Scope{other}, time.Now().Add(-bus.ReplayAge-time.Second), func(bus.Scope, []byte) {})
	wantErr(t, "older than the streams keep", err, bus.ErrIncomplete)
}

// Reads that come together are done together, and yet each is given what it asked for, no more, and its own error.
func TestReplaysTogether(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	o := node(t, c.URL(0))
	reg := prometheus.NewRegistry()
	o.Registerer = reg
	b := ready(t, o)
	rooms := roomsOfShard(3)
	for _, s := range rooms {
		accept(t, b, s, "early "+string(s))
	}
	middle := time.Now()
	for _, s := range rooms {
		accept(t, b, s, "late "+string(s))
	}
	const readers = 60
	var wg sync.WaitGroup
	for i := range readers {
		wg.Go(func() {
			s := rooms[i%len(rooms)]
			since, want := time.Now().Add(-time.Minute), []string{"early " + string(s), "late " + string(s)}
			switch i % 5 {
			case 0, 1:
				since, want = middle, want[1:]
			case 2:
				err := b.Replay(t.Context(), []bus.Scope{s}, time.Now().Add(-time.Hour), func(bus.Scope, []byte) { t.Error("given a message of an hour ago") })
				wantErr(t, "asked for an hour", err, bus.ErrIncomplete)
				return
			}
			var got []string
			if err := b.Replay(t.Context(), []bus.Scope{s}, since, func(_ bus.Scope, p []byte) { got = append(got, string(p)) }); err != nil {
				t.Error(err)
			} else if !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
	wg.Wait()
	if n := counter(t, reg, "callmesh_bus_replays_total"); n == 0 || n > readers/2 {
		t.Errorf("%v reads of the stream for %d that came together", n, readers)
	}
}

func counter(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	n, err := testutil.GatherAndCount(reg)
	t.Fatalf("no metric %s among %d, %v", name, n, err)
	return 0
}

// TestReplayWithin ends where its reader takes no more, and leaves those that read along alone.
func TestReplayWithin(t *testing.T) {
	t.Parallel()
	b := ready(t, node(t, bustest.Cluster(t, 1).URL(0)))
	since := time.Now().Add(-time.Minute)
	same := roomsOfShard(2)
	for i := range 20 {
		accept(t, b, same[i%2], fmt.Sprintf("%02d: ten b", i))
	}
	var held, handed atomic.Int64
	take := func(n int) bool { return held.Add(int64(n)) <= 70 }
	var wg sync.WaitGroup
	for range 8 { // together, so that they share a read
		wg.Go(func() {
			got := 0
			if err := b.Replay(t.Context(), same, since, func(bus.Scope, []byte) { got++ }); err != nil || got != 20 {
				t.Errorf("a reader without a bound got %d, %v", got, err)
			}
		})
	}
	err := b.ReplayWithin(t.Context(), same, since, take, func(bus.Scope, []byte) { handed.Add(1) })
	wantErr(t, "more than it takes", err, bus.ErrTooMuch)
	if held.Load() <= 70 || held.Load() > 80 || handed.Load() != 0 {
		t.Errorf("asked for %d bytes, handed %d messages", held.Load(), handed.Load())
	}
	wg.Wait()
	held.Store(-1000)
	if err := b.ReplayWithin(t.Context(), same, since, take, func(bus.Scope, []byte) { handed.Add(1) }); err != nil || handed.Load() != 20 {
		t.Errorf("within the bound: %d, %v", handed.Load(), err)
	}
}
