package bus_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

// One process on each of three nodes, every stream and bucket on all three.
func TestThreeNodes(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 3)
	var all []*bus.Bus
	for i := range 3 {
		o := node(t, c.URL(i))
		o.Replicas = 3
		all = append(all, open(t, o)) // all make the streams at once
	}
	for _, b := range all {
		waitReady(t, b)
	}
	t.Run("order", func(t *testing.T) { testOrder(t, all) })
	t.Run("an ack means that any node replays it", func(t *testing.T) { testAckedIsReplayable(t, all) })
	t.Run("PublishAfter makes a chain", func(t *testing.T) { testChain(t, all) })
	t.Run("one winner", func(t *testing.T) { testOneWinner(t, all) })
	t.Run("missed calls", func(t *testing.T) { testMissedTogether(t, all) })
	t.Run("history", func(t *testing.T) { testHistoryAtOnce(t, all) })
	t.Run("none takes copies away", func(t *testing.T) { testCopiesStay(t, c.URL(1)) })
}

// Who asks for one copy of everything, as who was not told of a cluster does, leaves all that there are to the others, and says so.
func testCopiesStay(t *testing.T, url string) {
	o, said := node(t, url), &syncedText{}
	o.Replicas, o.Logger = 1, said.logger()
	ready(t, o)
	list, seen := raw(t, url).ListStreams(t.Context()), 0
	for s := range list.Info() {
		if seen++; s.Config.Replicas != 3 {
			t.Errorf("%s has %d copies", s.Config.Name, s.Config.Replicas)
		}
	}
	if err := list.Err(); err != nil {
		t.Error(err)
	}
	if seen == 0 || !strings.Contains(said.String(), "a stream keeps the copies that it has") {
		t.Errorf("%d streams; it says %s", seen, said)
	}
}

// What one goroutine publishes is heard in that order everywhere, by itself too, and acked in that order.
func testOrder(t *testing.T, all []*bus.Bus) {
	const n = 300
	s := room("order")
	own, heard, third := hear(t, all[0], s), hear(t, all[1], s), hear(t, all[2], s)
	reach(t, all[0], all[1], room("interest"))
	reach(t, all[0], all[2], room("interest"))
	start := time.Now().Add(-time.Minute)
	want := numbered("m", n)
	acked := &log{}
	var done sync.WaitGroup
	done.Add(n)
	for _, m := range want {
		all[0].Publish(s, bus.ToAll, []byte(m), func(err error) {
			if err != nil {
				t.Error(err)
			}
			acked.add(m)
			done.Done()
		})
	}
	done.Wait()
	for who, l := range map[string]*log{"publisher": own, "second": heard, "third": third} {
		eventually(t, who+" hears all", func() error {
			if got := l.list(); len(got) < n {
				return fmt.Errorf("heard %d", len(got))
			}
			return nil
		})
		if got := l.list(); !slices.Equal(got, want) {
			t.Errorf("the %s heard %.300q", who, got)
		}
	}
	if !slices.Equal(acked.list(), want) {
		t.Errorf("acked in the order %.300q", acked.list())
	}
	if got := replay(t, all[2], start, s); !slices.Equal(got, want) {
		t.Errorf("replayed %.300q", got)
	}
}

// The stream's copies learn of a commit one after another: a reader must see what was acked before it asked, whichever copy it is given.
func testAckedIsReplayable(t *testing.T, all []*bus.Bus) {
	since := time.Now().Add(-time.Second)
	for i := range 60 {
		s := room(fmt.Sprintf("acked %d", i))
		accept(t, all[i%3], s, "x")
		for _, reader := range all {
			if got := replay(t, reader, since, s); !slices.Equal(got, []string{"x"}) {
				t.Fatalf("round %d: acked, and then replayed %q", i, got)
			}
		}
	}
}

// Of all that publish at once, each but the first is given the one that came just before it.
func testChain(t *testing.T, all []*bus.Bus) {
	const each = 8
	s := room("chain")
	var mu sync.Mutex
	after := map[string]string{} // what the one with this name was given
	var wg sync.WaitGroup
	for i := range each * len(all) {
		wg.Go(func() {
			name, given := fmt.Sprintf("p%d", i), ""
			err := all[i%len(all)].PublishAfter(t.Context(), s, func(last []byte) []byte {
				given = string(last)
				return []byte(name)
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if other, ok := after[given]; ok {
				t.Errorf("both %s and %s were given %q", other, name, given)
			}
			after[given] = name
		})
	}
	wg.Wait()
	var chain []string
	for last := after[""]; last != ""; last = after[last] {
		chain = append(chain, last)
	}
	if len(chain) != each*len(all) {
		t.Fatalf("the chain ends after %d of %d: %q", len(chain), each*len(all), chain)
	}
	if got := replay(t, all[0], time.Now().Add(-time.Minute), s); !slices.Equal(got, chain) {
		t.Errorf("stored %q\nchain  %q", got, chain)
	}
	for _, b := range all {
		seq, last, err := b.Last(t.Context(), "eu", s)
		if err != nil || seq == 0 || string(last) != chain[len(chain)-1] {
			t.Errorf("Last: %d %q %v, want %q", seq, last, err, chain[len(chain)-1])
		}
	}
	if seq, last, err := all[1].Last(t.Context(), "eu", room("empty")); seq != 0 || last != nil || err != nil {
		t.Errorf("Last of an empty scope: %d %q %v", seq, last, err)
	}
}

func testOneWinner(t *testing.T, all []*bus.Bus) {
	for range 10 {
		call := wire.NewCallID("eu")
		var mu sync.Mutex
		var winners, losers []string
		var wg sync.WaitGroup
		for i := range 9 {
			wg.Go(func() {
				name := fmt.Sprintf("device %d", i)
				err := all[i%len(all)].CreateCall(t.Context(), call, "answer", []byte(name))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					winners = append(winners, name)
				case errors.Is(err, bus.ErrExists):
					losers = append(losers, name)
					if got, err := all[(i+1)%len(all)].GetCall(t.Context(), call, "answer"); err != nil || len(got) == 0 {
						t.Errorf("a loser can't read who won: %q, %v", got, err)
					}
				default:
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wg.Wait()
		if len(winners) != 1 || len(losers) != 8 {
			t.Fatalf("winners %q, losers %q", winners, losers)
		}
		for _, b := range all {
			if got, err := b.GetCall(t.Context(), call, "answer"); err != nil || string(got) != winners[0] {
				t.Errorf("read %q, %v; the winner was %q", got, err, winners[0])
			}
		}
		if err := all[0].CreateCall(t.Context(), call, "end", nil); err != nil {
			t.Errorf("another part of the same call: %v", err)
		}
	}
}

// Many add and many take at once, on all nodes: each missed call is told exactly once.
func testMissedTogether(t *testing.T, all []*bus.Bus) {
	const n = 12
	var mu sync.Mutex
	told := map[wire.CallID]int{}
	takeAll := func(b *bus.Bus) {
		for _, m := range take(t, b, "bob") {
			mu.Lock()
			told[m.Call]++
			mu.Unlock()
		}
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := all[i%len(all)].KeepCall(t.Context(), "bob", missed(wire.NewCallID("eu"), int64(i))); err != nil {
				t.Error(err)
			}
			if i%3 == 0 {
				takeAll(all[(i+1)%len(all)])
			}
		})
	}
	wg.Wait()
	eventually(t, "every missed call is told", func() error {
		takeAll(all[0])
		mu.Lock()
		defer mu.Unlock()
		if len(told) != n {
			return fmt.Errorf("told %d of %d", len(told), n)
		}
		return nil
	})
	for call, times := range told {
		if times != 1 {
			t.Errorf("%s was told %d times", call, times)
		}
	}
}

// A post is in the history the moment it is accepted, on whichever node one asks.
func testHistoryAtOnce(t *testing.T, all []*bus.Bus) {
	s := room("history at once")
	source := wire.NewSource()
	for n := uint64(1); n <= 12; n++ {
		keep(t, all[n%3], s, wire.Mid{Source: source, N: n}, strings.Repeat("x", int(n)))
		posts, more, err := all[(n+1)%3].History(t.Context(), s, wire.Mid{}, 50)
		if err != nil || more || len(posts) != int(n) || posts[n-1].N != n {
			t.Fatalf("after post %d: %d posts, more %v, %v", n, len(posts), more, err)
		}
	}
}
