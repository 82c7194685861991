package bustest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"callmesh/bus/bustest"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestOneNode(t *testing.T) {
	c := bustest.Cluster(t, 1)
	a := connect(t, c.URL(0))
	js := streams(t, a)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	put(t, js, "s", "kept")
	c.Stop(0)
	c.Stop(0) // a second time does nothing
	c.Restart(0)
	c.Restart(0)
	c.Await()
	eventually(t, "the client is back on the same URL", func() error {
		_, err := a.RTT()
		return err
	})
	st, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if msg, err := st.GetLastMsgForSubject(t.Context(), "s"); err != nil || string(msg.Data) != "kept" {
		t.Fatalf("after the restart: %v, %v", msg, err)
	}
}

func TestMessagesCrossNodes(t *testing.T) {
	t.Parallel() // as most here: they wait, for elections and pings
	c := bustest.Cluster(t, 3)
	if c.Len() != 3 || len(c.URLs()) != 3 || c.Leader() < 0 {
		t.Fatalf("len %d, urls %v, leader %d", c.Len(), c.URLs(), c.Leader())
	}
	for i := range 3 {
		sub := subscribe(t, connect(t, c.URL(i)), fmt.Sprintf("to.%d", i))
		for j := range 3 {
			reach(t, connect(t, c.URL(j)), sub)
		}
	}
}

// A stream with three replicas goes on while one node is stopped, or killed
// even if it led, and has everything afterwards.
func TestReplicatedStreamSurvivesNodes(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 3)
	leader := c.Leader()
	other := (leader + 1) % 3
	js := streams(t, connect(t, c.URL((leader+2)%3)))
	st, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Replicas: 3})
	if err != nil {
		t.Fatal(err)
	}
	put(t, js, "s", "1")
	c.Stop(other)
	if c.Server(other) != nil {
		t.Error("a stopped node has a server")
	}
	put(t, js, "s", "2")
	c.Restart(other)
	c.Await()
	c.Kill(leader)
	put(t, js, "s", "3")
	c.Restart(leader)
	c.Await()
	put(t, js, "s", "4")
	info, err := st.Info(t.Context())
	if err != nil || info.State.Msgs != 4 {
		t.Fatalf("state %+v, %v; want 4 messages", info, err)
	}
}

func TestPartitionAndHealing(t *testing.T) {
	for name, mode := range map[string]bustest.Mode{"cut": bustest.Cut, "blackhole": bustest.Blackhole} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := bustest.Cluster(t, 3)
			lone, a, b := connect(t, c.URL(0)), connect(t, c.URL(1)), connect(t, c.URL(2))
			sub := subscribe(t, lone, "x")
			pair := subscribe(t, a, "y")
			reach(t, b, sub)
			js := streams(t, a)
			if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Replicas: 3}); err != nil {
				t.Fatal(err)
			}

			c.Partition(mode, []int{0}, []int{1, 2})
			eventually(t, "nothing crosses any more", func() error { return silent(t, b, sub) })
			reach(t, b, pair)        // the majority goes on,
			put(t, js, "s", "while") // its streams too,
			if _, err := lone.RTT(); err != nil {
				t.Errorf("the lone node lost its clients: %v", err) // and clients stay where they are
			}
			eventually(t, "the lone node knows that it is alone", func() error {
				if n := len(c.Server(0).Routed()); n > 0 {
					return fmt.Errorf("it has routes to %d others", n)
				}
				return nil
			})

			c.Heal()
			c.Await()
			reach(t, b, sub)
			js0 := streams(t, lone)
			eventually(t, "the lone node's client reads what it missed", func() error {
				st, err := js0.Stream(t.Context(), "S")
				if err != nil {
					return err
				}
				_, err = st.GetLastMsgForSubject(t.Context(), "s")
				return err
			})
		})
	}
}

func TestClientProxy(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	lost, back := make(chan struct{}, 8), make(chan struct{}, 8)
	nc, err := nats.Connect(c.URL(0), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond),
		nats.PingInterval(100*time.Millisecond), nats.MaxPingsOutstanding(2), nats.Timeout(500*time.Millisecond),
		nats.DisconnectErrHandler(func(*nats.Conn, error) { lost <- struct{}{} }),
		nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	for _, mode := range []bustest.Mode{bustest.Cut, bustest.Blackhole} {
		c.ClientProxy(0).Set(mode)
		bustest.Next(t, "the client loses its server", lost)
		if _, err := nats.Connect(c.URL(0), nats.Timeout(200*time.Millisecond)); err == nil {
			t.Error("a client came through a closed proxy")
		}
		c.ClientProxy(0).Heal()
		bustest.Next(t, "the client is back", back)
	}
	c.ClientProxy(0).Reset()
	bustest.Next(t, "the client loses its server", lost)
	bustest.Next(t, "the client is back", back)
}

func TestRegionsShareInterest(t *testing.T) {
	t.Parallel()
	m := bustest.Super(t, 2, "eu", "asia")
	eu, asia := m.Region("eu"), m.Region("asia")
	if len(m.Regions()) != 2 || eu.Name() != "eu" {
		t.Fatalf("regions %v", m.Regions())
	}
	sub := subscribe(t, connect(t, asia.URL(1)), "hello")
	from := connect(t, eu.URL(0))
	reach(t, from, sub)
	reach(t, connect(t, eu.URL(1)), sub)

	// Nobody in asia wants this one: a request learns so at once, rather than
	// by waiting for a region that has no one to answer.
	if _, err := from.Request("nobody", nil, patience); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("a request that nobody serves: %v, want no responders", err)
	}

	// A stream lives in the region of whoever made it.
	st, err := streams(t, from).CreateStream(t.Context(), jetstream.StreamConfig{Name: "EU", Subjects: []string{"s"}, Replicas: 2})
	if err != nil {
		t.Fatal(err)
	}
	if cluster := st.CachedInfo().Cluster.Name; cluster != "eu" {
		t.Errorf("the stream is in %q", cluster)
	}

	m.Isolate(bustest.Cut, "asia")
	eventually(t, "nothing crosses between regions", func() error { return silent(t, from, sub) })
	put(t, streams(t, from), "s", "alone")
	m.Heal()
	m.Await()
	reach(t, from, sub)
}
