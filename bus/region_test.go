package bus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/natsd"
	"callmesh/bus/wire"
)

func inRegion(t *testing.T, url string, r wire.Region) bus.Options {
	o := node(t, url)
	o.Region = r
	return o
}

// knowsBoth holds leases, by which an edge learns of another region's first one, and waits until both regions are known.
func knowsBoth(t *testing.T, all ...*bus.Bus) {
	t.Helper()
	for _, b := range all {
		if err := b.HoldLease(t.Context(), func() bus.Lease { return bus.Lease{} }, bus.LeaseEvents{Found: func(bus.Lease) {}, Lost: func(wire.EdgeID) {}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range all {
		waitReady(t, b)
		eventually(t, "both regions are known in "+string(b.Region()), func() error {
			if got := b.Regions(); !slices.Equal(got, []wire.Region{"asia", "eu"}) {
				return fmt.Errorf("known are %q", got)
			}
			return nil
		})
	}
}

func TestTwoRegions(t *testing.T) {
	t.Parallel()
	m := bustest.Super(t, 1, "eu", "asia")
	eu := open(t, inRegion(t, m.Region("eu").URL(0), "eu"))
	var turns atomic.Int32
	eu.OnReady(func() { turns.Add(1) })
	asia := open(t, inRegion(t, m.Region("asia").URL(0), "asia"))
	waitReady(t, eu)
	knowsBoth(t, eu, asia)
	since := time.Now().Add(-time.Minute)

	t.Run("heard and replayed in both", func(t *testing.T) {
		s := room("heard and replayed in both")
		inEU, inAsia := hear(t, eu, s), hear(t, asia, s)
		reach(t, eu, asia, room("interest"))
		reach(t, asia, eu, room("interest"))
		accept(t, eu, s, "from eu")
		accept(t, asia, s, "from asia")
		inAsia.awaitAll(t, "from asia", "from eu")
		inEU.awaitAll(t, "from asia", "from eu")
		for _, b := range []*bus.Bus{eu, asia} {
			got := replay(t, b, since, s)
			if slices.Sort(got); !slices.Equal(got, []string{"from asia", "from eu"}) {
				t.Errorf("%s replays %q", b.Region(), got)
			}
		}
	})

	t.Run("a call is decided in its caller's region", func(t *testing.T) {
		call := wire.NewCallID("eu")
		var won atomic.Int32
		var wg sync.WaitGroup
		for _, b := range []*bus.Bus{eu, asia, eu, asia} {
			wg.Go(func() {
				if b.CreateCall(t.Context(), call, "answer", []byte(b.Region())) == nil {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		here, err := eu.GetCall(t.Context(), call, "answer")
		there, err2 := asia.GetCall(t.Context(), call, "answer")
		if won.Load() != 1 || string(here) != string(there) || err != nil || err2 != nil {
			t.Errorf("%d won; eu reads %q, %v; asia reads %q, %v", won.Load(), here, err, there, err2)
		}
		for _, unknown := range []wire.CallID{wire.NewCallID("eu"), wire.NewCallID("nowhere"), "no call id", "eu.*"} {
			_, err := asia.GetCall(t.Context(), unknown, "answer")
			wantErr(t, "GetCall of "+string(unknown), err, bus.ErrNotFound)
		}
		wantErr(t, "CreateCall", eu.CreateCall(t.Context(), "eu.*", "answer", nil), bus.ErrNotFound)
	})

	t.Run("missed calls of both", func(t *testing.T) {
		for i, b := range []*bus.Bus{asia, eu, asia} {
			if err := b.KeepCall(t.Context(), "bob", missed(wire.NewCallID(b.Region()), int64(i+1))); err != nil {
				t.Fatal(err)
			}
		}
		var at []int64
		for _, m := range take(t, eu, "bob") {
			at = append(at, m.At)
		}
		if again := take(t, asia, "bob"); !slices.Equal(at, []int64{1, 2, 3}) || len(again) > 0 {
			t.Errorf("took %d, then %v", at, again)
		}
	})

	t.Run("one history", func(t *testing.T) {
		s, source := room("one history"), wire.NewSource()
		keep(t, eu, s, wire.Mid{Source: source, N: 1}, "from eu")
		keep(t, asia, s, wire.Mid{Source: source, N: 2}, "from asia")
		for _, b := range []*bus.Bus{eu, asia} {
			if posts, _, err := b.History(t.Context(), s, wire.Mid{}, 10); err != nil || len(posts) != 2 {
				t.Errorf("%s has %d posts, %v", b.Region(), len(posts), err)
			}
		}
	})

	if n := turns.Load(); n > 1 { // the first, unless it was there before anybody asked to hear of it
		t.Errorf("OnReady was called %d times: to learn of a region is no reconnect", n)
	}
	t.Run("a region that is away", func(t *testing.T) {
		s := room("r")
		keep(t, eu, s, wire.Mid{Source: 7, N: 1}, "before")
		since := time.Now().Add(-time.Minute)
		m.Isolate(bustest.Cut, "asia")
		keep(t, eu, s, wire.Mid{Source: 7, N: 2}, "eu goes on")
		// The first reads find out that asia does not answer, and that JetStream, of which half is away, has no meta leader. Later ones know.
		for i, limit := range []time.Duration{9 * time.Second, time.Second} {
			var got []string
			start := time.Now()
			err := eu.Replay(t.Context(), []bus.Scope{s}, since, func(_ bus.Scope, payload []byte) { got = append(got, string(payload)) })
			if regions, only := bus.Abroad(err); !only || !slices.Equal(regions, []wire.Region{"asia"}) || !errors.Is(err, bus.ErrUnavailable) {
				t.Errorf("a replay while asia is away: %v", err)
			}
			if len(got) != 2 {
				t.Errorf("replayed %d of 2 messages of eu", len(got))
			}
			if took := time.Since(start); took > limit {
				t.Errorf("replay %d took %v", i, took)
			}
		}
		// Whether asia is back is found out while nobody waits: once it is known to be away, nobody spends the time again that the first did.
		// One that the machine holds up is no sign of that: who waited for asia would do so each time that it is looked for.
		slow := []string{}
		for begun := time.Now(); time.Since(begun) < 12*time.Second; {
			start := time.Now()
			err := eu.Replay(t.Context(), []bus.Scope{s}, since, func(bus.Scope, []byte) {})
			if _, only := bus.Abroad(err); !only {
				t.Fatalf("a replay while asia is away: %v", err)
			}
			if took := time.Since(start); took >= 2*time.Second {
				slow = append(slow, fmt.Sprintf("%v after %v", took, start.Sub(begun)))
			}
			time.Sleep(20 * time.Millisecond)
		}
		if len(slow) > 1 {
			t.Errorf("once asia was found to be away, replays waited for it: %s", strings.Join(slow, ", "))
		}
		if posts, _, err := eu.History(t.Context(), s, wire.Mid{}, 10); err != nil || len(posts) != 2 {
			t.Errorf("the history has %d posts, %v", len(posts), err)
		}
		call := wire.NewCallID("eu")
		if err := eu.CreateCall(t.Context(), call, "answer", []byte("x")); err != nil {
			t.Errorf("a call in eu: %v", err)
		}
		wantErr(t, "another answer", eu.CreateCall(t.Context(), call, "answer", []byte("y")), bus.ErrExists)
		wantErr(t, "a call in asia", eu.CreateCall(t.Context(), wire.NewCallID("asia"), "answer", nil), bus.ErrUnavailable)
		for range 2 { // the second is given the first
			if err := eu.PublishAfter(t.Context(), room("hello"), func([]byte) []byte { return []byte("hello") }); err != nil {
				t.Errorf("a hello in eu: %v", err)
			}
		}
		late := open(t, inRegion(t, m.Region("eu").URL(0), "eu"))
		waitReady(t, late) // a process that starts now finds the streams, and the regions in the history's sources
		if got := late.Regions(); !slices.Equal(got, []wire.Region{"asia", "eu"}) {
			t.Errorf("who starts while asia is away knows of %q", got)
		}
		m.Heal()
		m.Await()
		eventually(t, "asia is back", func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			return eu.Replay(ctx, []bus.Scope{room("r")}, time.Now(), func(bus.Scope, []byte) {})
		})
	})
}

// What nobody in the other region listens to does not go there, though its streams and edges hear of everything else.
func TestGatewayCarriesInterestOnly(t *testing.T) {
	t.Parallel()
	euWay, asiaWay := newCountingWay(t), newCountingWay(t)
	start := func(name, other string, to *countingWay) *natsd.Server {
		// A node's own route must be named before it has a port: its way in.
		own := bustest.NewProxy(t, "")
		s := embedded(t, natsd.Options{
			Name: name, ListenAddr: "127.0.0.1:0", ClusterName: name, ClusterListen: "127.0.0.1:0", ClusterAdvertise: "127.0.0.1:1",
			Routes: []string{own.Addr()}, GatewayListen: "127.0.0.1:0", GatewayAdvertise: "127.0.0.1:1", Gateways: map[string][]string{other: {to.addr()}},
		})
		eventually(t, "the route listener", func() error {
			if s.RouteAddr() == "" {
				return fmt.Errorf("not up")
			}
			return nil
		})
		own.SetTarget(s.RouteAddr())
		return s
	}
	euServer, asiaServer := start("eu", "asia", asiaWay), start("asia", "eu", euWay)
	euWay.target.Store(euServer.GatewayAddr())
	asiaWay.target.Store(asiaServer.GatewayAddr())
	for _, s := range []*natsd.Server{euServer, asiaServer} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := s.Ready(ctx); err != nil {
			t.Fatal(err)
		}
	}
	eu, asia := open(t, inRegion(t, euServer.ClientURL(), "eu")), open(t, inRegion(t, asiaServer.ClientURL(), "asia"))
	knowsBoth(t, eu, asia)
	local, remote := room("local"), room("remote")
	neighbour := ready(t, inRegion(t, euServer.ClientURL(), "eu"))
	heard := hear(t, neighbour, local)
	reach(t, eu, neighbour, room("interest"))

	const n, size = 100, 32 << 10
	body := strings.Repeat("x", size)
	crossed := func(s bus.Scope) int64 {
		before := asiaWay.bytes.Load() + euWay.bytes.Load()
		for range n {
			accept(t, eu, s, body)
		}
		return asiaWay.bytes.Load() + euWay.bytes.Load() - before
	}
	if got := crossed(local); got > n*size/10 {
		t.Errorf("%d KiB crossed, of %d that nobody there listens to", got>>10, n*size>>10)
	}
	eventually(t, "the neighbour hears all", func() error {
		if got := len(heard.list()); got != n {
			return fmt.Errorf("%d of %d", got, n)
		}
		return nil
	})
	there := hear(t, asia, remote)
	reach(t, eu, asia, room("interest"))
	crossed(remote) // proof that the count counts
	eventually(t, "all crosses where somebody listens", func() error {
		if got := len(there.list()); got != n {
			return fmt.Errorf("%d of %d", got, n)
		}
		return nil
	})
	if got := asiaWay.bytes.Load() + euWay.bytes.Load(); got < n*size {
		t.Errorf("all was heard, and only %d KiB crossed", got>>10)
	}
}

// countingWay passes connections on and counts what goes through, both ways.
type countingWay struct {
	ln     net.Listener
	target atomic.Value // string; until it is set, connections are closed
	bytes  atomic.Int64
	wg     sync.WaitGroup

	mu    sync.Mutex // guards the following
	conns []net.Conn
}

func newCountingWay(t *testing.T) *countingWay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &countingWay{ln: ln}
	w.wg.Go(w.accept)
	t.Cleanup(func() {
		_ = ln.Close()
		w.mu.Lock()
		for _, c := range w.conns {
			_ = c.Close()
		}
		w.mu.Unlock()
		w.wg.Wait()
	})
	return w
}

func (w *countingWay) addr() string { return w.ln.Addr().String() }

func (w *countingWay) accept() {
	for {
		in, err := w.ln.Accept()
		if err != nil {
			return
		}
		target, _ := w.target.Load().(string)
		out, err := net.Dial("tcp", target)
		if err != nil {
			_ = in.Close()
			continue
		}
		w.mu.Lock()
		w.conns = append(w.conns, in, out)
		w.mu.Unlock()
		for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
			w.wg.Go(func() {
				_, _ = io.Copy(counted{pair[0], &w.bytes}, pair[1])
				_ = in.Close()
				_ = out.Close()
			})
		}
	}
}

type counted struct {
	to io.Writer
	n  *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return c.to.Write(p)
}
