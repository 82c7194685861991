package bus_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

// NATS is killed while publishes and questions wait for it: all fail at once, and after the restart everything works by itself, with what was acked.
func TestNATSKilledInFlight(t *testing.T) {
	t.Parallel()
	p := bustest.NewProcess(t)
	a, b := ready(t, node(t, p.URL())), ready(t, node(t, p.URL()))
	s := room("r")
	heard := hear(t, b, s)
	reach(t, a, b, s)
	since := time.Now().Add(-time.Second)
	const n = 50
	var acked []string
	for _, m := range numbered("before ", n) {
		accept(t, a, s, m)
		acked = append(acked, m)
	}
	call := wire.NewCallID("eu")
	if err := a.CreateCall(t.Context(), call, "answer", []byte("won")); err != nil {
		t.Fatal(err)
	}
	again, back := told()
	a.OnReady(back)

	p.Proxy().Blackhole() // so that they wait
	var mu sync.Mutex
	var failed []error
	for range n {
		a.Publish(s, bus.ToAll, []byte("in flight"), func(err error) {
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, err)
		})
	}
	a.Ask(s, bus.ToEdges, []byte("?"), patience, func(_ []byte, err error) bool {
		mu.Lock()
		defer mu.Unlock()
		failed = append(failed, err)
		return false
	})
	read := make(chan error, 1)
	go func() { read <- a.Replay(t.Context(), []bus.Scope{s}, since, func(bus.Scope, []byte) {}) }()
	start := time.Now()
	p.Kill()
	p.Proxy().Cut()
	eventually(t, "all in flight fail", func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(failed) < n+1 {
			return errors.New("some still wait")
		}
		return nil
	})
	wantErr(t, "a replay in flight", bustest.Next(t, "the end of a replay", read), bus.ErrUnavailable)
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("they failed after %v, want at once", took)
	}
	for _, err := range failed {
		wantErr(t, "in flight", err, bus.ErrUnavailable)
	}
	eventually(t, "the bus knows", func() error {
		if a.Ready() || b.Ready() {
			return errors.New("still ready")
		}
		return nil
	})
	wantErr(t, "a publish while it is down", ack(a, s, "never sent"), bus.ErrUnavailable)
	wantErr(t, "live, while it is down", a.PublishLive(s, bus.ToAll, []byte("never sent")), bus.ErrUnavailable)

	p.Start()
	p.Proxy().Heal()
	waitReady(t, a)
	waitReady(t, b)
	bustest.Next(t, "that it is ready again", again)
	if len(failed) != n+1 {
		t.Errorf("%d answers for %d in flight", len(failed), n+1)
	}
	reach(t, a, b, s)
	accept(t, a, s, "after")
	kept := slices.DeleteFunc(replay(t, b, since, s), func(m string) bool { return m == "in flight" }) // their fate is unknown
	if want := append(acked, "after"); !slices.Equal(kept, want) {
		t.Errorf("kept %.300q\nwant %.300q", kept, want)
	}
	eventually(t, "live messages come again", func() error {
		if got := heard.list(); !slices.Contains(got, "after") {
			return errors.New("not heard")
		}
		return nil
	})
	if slices.Contains(heard.list(), "never sent") {
		t.Error("something was sent later than it was asked for")
	}
	if got, err := b.GetCall(t.Context(), call, "answer"); err != nil || string(got) != "won" {
		t.Errorf("the call's decision: %q, %v", got, err)
	}
}

// A NATS that is there and does not answer: the ack's own timeout ends the wait.
func TestNATSDoesNotAnswer(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	b := ready(t, node(t, c.URL(0)))
	c.ClientProxy(0).Blackhole()
	start := time.Now()
	err := ack(b, room("r"), "x")
	took := time.Since(start)
	c.ClientProxy(0).Heal()
	wantErr(t, "Publish", err, bus.ErrUnavailable)
	if took < 4*time.Second || took > 12*time.Second {
		t.Errorf("given up after %v, want 5 s", took)
	}
	eventually(t, "publishing works again", func() error { return ack(b, room("r"), "y") })
}

// A message that the stream does not take is refused, not lost in silence.
func TestTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	b := ready(t, node(t, bustest.Cluster(t, 1).URL(0)))
	for _, size := range []int{100 << 10, 200 << 10} { // more than the stream takes, more than the connection takes
		wantErr(t, "Publish", ack(b, room("r"), string(make([]byte, size))), bus.ErrUnavailable)
	}
	accept(t, b, room("r"), string(make([]byte, wire.MaxFrameBytes)))
}

// A node that shuts down is left at once, for another one that is known; what is accepted meanwhile is not lost.
func TestLameDuckIsLeft(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 3)
	reg := prometheus.NewRegistry()
	o := node(t, c.URL(0))
	o.Replicas, o.Registerer = 3, reg
	moving := ready(t, o) // it learns of the other nodes from this one
	o = node(t, c.URL(1))
	o.Replicas = 3
	b := ready(t, o)
	s := room("lame duck")
	since := time.Now().Add(-time.Second)
	back, say := told()
	moving.OnReady(say)
	var acked []string
	left := make(chan struct{})
	go func() { c.Server(0).LameDuck(); close(left) }()
	start := time.Now()
	for n := 0; ; n++ {
		m := numbered("m", n+1)[n]
		if ack(moving, s, m) == nil {
			acked = append(acked, m)
		}
		select {
		case <-back:
		default:
			if time.Since(start) > patience {
				t.Fatal("the node was never left")
			}
			continue
		}
		break
	}
	// What is ready again may have waited for an election; who was cut off, as all are in the end, has left nobody.
	if n := counter(t, reg, "callmesh_bus_lame_ducks_total"); n != 1 {
		t.Errorf("a node that shuts down was left %v times before it cut its clients off, want once", n)
	}
	accept(t, moving, s, "after")
	got := replay(t, b, since, s)
	for _, m := range append(acked, "after") {
		if !slices.Contains(got, m) {
			t.Errorf("%q was acked and is not in the stream", m)
		}
	}
	bustest.Next(t, "the end of the node", left)
}

// Who knows no other node stays, and says so.
func TestLameDuckWithNowhereToGo(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	var logged syncedText
	o := node(t, c.URL(0))
	o.Logger = logged.logger()
	b := ready(t, o)
	var wg sync.WaitGroup
	wg.Go(c.Server(0).LameDuck)
	eventually(t, "it is said", func() error {
		if n := strings.Count(logged.String(), "no other is known"); n != 1 {
			return fmt.Errorf("%d times", n)
		}
		return nil
	})
	if strings.Contains(logged.String(), "the bus is lost") {
		t.Error("it left all the same")
	}
	b.Close() // whoever leaves by itself shortens the wait
	wg.Wait()
}
