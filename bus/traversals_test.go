package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

var when = time.Now().Add(-time.Hour).UnixMilli()

func tested(run wire.RunID, n int) wire.Traversal {
	return wire.Traversal{
		At: when + int64(n), Source: wire.SourceProbe, Run: run, N: n, Pair: "berlin/tokyo", Mode: wire.ModeDirect, Ends: [2]wire.TraversalEnd{{Name: "berlin"}, {Name: "tokyo"}},
		Outcome: wire.Outcome{Result: wire.ResultConnected, Path: wire.PathSrflx},
	}
}

func called() wire.Traversal {
	return wire.Traversal{
		At: when, Source: wire.SourceCall, ID: wire.NewReportID(), Pair: "00112233", Mode: wire.ModeAll, Ends: [2]wire.TraversalEnd{{Region: "eu", Network: "wifi"}, {}},
		Outcome: wire.Outcome{Result: wire.ResultFailed, Step: wire.StepCheck},
	}
}

func store(t testing.TB, b *bus.Bus, records ...wire.Traversal) {
	t.Helper()
	for _, r := range records {
		must(t, b.StoreTraversal(t.Context(), r))
	}
}

func keys(t testing.TB, b *bus.Bus, f bus.TraversalFilter) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got := []string{}
	must(t, b.Traversals(ctx, f, func(r wire.Traversal) { got = append(got, r.Key()) }))
	return got
}

func reads(t testing.TB, b *bus.Bus, f bus.TraversalFilter, want ...wire.Traversal) {
	t.Helper()
	names := []string{}
	for _, r := range want {
		names = append(names, r.Key())
	}
	if got := keys(t, b, f); !slices.Equal(got, names) {
		t.Errorf("%+v: read %q, want %q", f, got, names)
	}
}

// What is stored is read by who comes later, by whichever part of it is asked for, once, and after the NATS was killed.
func TestTraversals(t *testing.T) {
	t.Parallel()
	p := bustest.NewProcess(t)
	ready(t, node(t, p.URL()))
	b := guest(t, p.URL(), "")
	reads(t, b, bus.TraversalFilter{})
	a1, a2, b1, c := tested("a", 1), tested("a", 2), tested("b", 1), called()
	store(t, b, a1, b1, a2, c, a1, a1)
	all := []wire.Traversal{a1, b1, a2, c}
	reads(t, b, bus.TraversalFilter{}, all...)
	reads(t, b, bus.TraversalFilter{Run: "a"}, a1, a2)
	reads(t, b, bus.TraversalFilter{Source: wire.SourceCall}, c)
	reads(t, b, bus.TraversalFilter{Source: wire.SourceProbe, Since: time.UnixMilli(when + 2)}, a2)
	reads(t, b, bus.TraversalFilter{Since: time.Now().Add(time.Hour)})
	if err := b.Traversals(t.Context(), bus.TraversalFilter{Run: ">"}, func(wire.Traversal) {}); err == nil {
		t.Error("a wildcard is a run")
	}
	bad := a1
	bad.N = 0
	if err := b.StoreTraversal(t.Context(), bad); err == nil || errors.Is(err, bus.ErrUnavailable) {
		t.Errorf("a bad record: %v", err)
	}

	p.Kill()
	if err := b.StoreTraversal(t.Context(), tested("a", 3)); !errors.Is(err, bus.ErrUnavailable) {
		t.Errorf("without a NATS: %v", err)
	}
	p.Start()
	waitReady(t, b)
	store(t, b, tested("a", 3), a1)
	reads(t, b, bus.TraversalFilter{Run: "a"}, a1, a2, tested("a", 3))
}

// Strangers' pages tell what calls came to. However much they tell, pair tests stay; and both are bounded.
func TestTraversalsAreBounded(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	o := node(t, c.URL(0))
	o.TraversalBytes = 32 << 10
	b := ready(t, o)
	probed := tested("a", 1)
	store(t, b, probed)
	for range 200 {
		store(t, b, called())
	}
	reads(t, b, bus.TraversalFilter{Source: wire.SourceProbe}, probed)
	if n := len(keys(t, b, bus.TraversalFilter{Source: wire.SourceCall})); n < 20 || n >= 200 {
		t.Errorf("%d reports are kept in 32 KiB", n)
	}
	o.TraversalBytes, o.TraversalAge = 0, time.Second // another edge is configured otherwise
	ready(t, o)
	eventually(t, "the records' end", func() error {
		if left := keys(t, b, bus.TraversalFilter{}); len(left) > 0 {
			return fmt.Errorf("%d are left", len(left))
		}
		return nil
	})
}

// The records of all regions are read from any of them; one that is away is said to be, and the others' are read all the same.
func TestTraversalsOfRegions(t *testing.T) {
	t.Parallel()
	m := bustest.Super(t, 1, "eu", "us")
	at := func(region wire.Region) *bus.Bus {
		o := node(t, m.Region(string(region)).URLs()...)
		o.Region = region
		return ready(t, o)
	}
	eu, us := at("eu"), at("us")
	first, second, both := tested("a", 1), tested("a", 2), tested("a", 3)
	store(t, eu, first, both)
	store(t, us, second, both) // its ack was lost in one region, so it went to another
	o := node(t, m.Region("eu").URLs()...)
	o.Guest = true
	reads(t, ready(t, o), bus.TraversalFilter{Run: "a"}, first, both, second)
}

// Who is a guest of no region stores where it can be stored, and goes on when streams come back without its having lost the connection.
func TestTraversalsOfAGuestOfNoRegion(t *testing.T) {
	t.Parallel()
	m := bustest.Super(t, 1, "eu", "us")
	for _, region := range []wire.Region{"eu", "us"} {
		o := node(t, m.Region(string(region)).URLs()...)
		o.Region = region
		ready(t, o)
	}
	o := node(t, m.Region("us").URLs()...)
	o.Region, o.Guest = "", true
	b := ready(t, o)
	if len(b.Regions()) != 2 {
		t.Fatalf("it knows %v", b.Regions())
	}
	m.Region("eu").Kill(0)
	eventually(t, "a record where there is a region left", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return b.StoreTraversal(ctx, tested("a", 1))
	})
	if !b.CutOff("eu") {
		t.Error("that eu does not answer is not known to the next, who would wait for it too")
	}
	m.Region("eu").Restart(0)
	eventually(t, "the record", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		n := 0
		if err := b.Traversals(ctx, bus.TraversalFilter{Run: "a"}, func(wire.Traversal) { n++ }); err != nil || n != 1 {
			return fmt.Errorf("%d read: %w", n, err)
		}
		return nil
	})
	if !b.Ready() {
		t.Error("it counts as cut off, though streams take messages")
	}
}

// To a guest of no region every region is another one. It makes do with those that are in reach, and takes none of them for a mesh without records.
func TestTraversalsWhileRegionsAreAway(t *testing.T) {
	t.Parallel()
	m := bustest.Super(t, 1, "eu", "us")
	for _, region := range []wire.Region{"eu", "us"} {
		o := node(t, m.Region(string(region)).URLs()...)
		o.Region = region
		store(t, ready(t, o), tested(wire.RunID(region), 1))
	}
	o := node(t, m.Region("us").URLs()...)
	o.Region, o.Guest = "", true
	said := new(syncedText)
	o.Logger = said.logger()
	b := ready(t, o)
	read := func() (n int, err error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		err = b.Traversals(ctx, bus.TraversalFilter{}, func(wire.Traversal) { n++ })
		return n, err
	}
	m.Isolate(bustest.Cut, "eu")
	n, err := read()
	if regions, only := bus.Abroad(err); n != 1 || !only || !slices.Equal(regions, []wire.Region{"eu"}) {
		t.Errorf("while eu is away, %d are read, and %v", n, err)
	}
	must(t, b.AnnounceAgent(t.Context(), vantage("quito", "sa"))) // to us, though eu is the first by name
	m.Heal()
	m.Await()
	eventually(t, "all is read, and JetStream's leader, which was lost, is told to be found", func() error {
		n, err := read()
		if all := said.String(); n != 2 || !strings.Contains(all, "has no meta leader") || !strings.Contains(all, "has a meta leader again") {
			return fmt.Errorf("%d read: %w", n, err)
		}
		return err
	})
	m.Region("eu").Kill(0)
	m.Region("us").Kill(0)
	n, err = read()
	if _, only := bus.Abroad(err); n != 0 || only || !errors.Is(err, bus.ErrUnavailable) {
		t.Errorf("while all are away, %d are read, and %v", n, err)
	}
}
