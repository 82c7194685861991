package bus_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

// answers counts who answers a question within a while.
func answers(t testing.TB, b *bus.Bus, s bus.Scope) int {
	t.Helper()
	n, end := 0, make(chan struct{})
	b.Ask(s, bus.ToEdges, []byte("?"), 300*time.Millisecond, func(payload []byte, _ error) bool {
		if payload == nil {
			close(end)
			return false
		}
		n++
		return true
	})
	bustest.Next(t, "the end of a question", end)
	return n
}

func TestAsk(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	asker, s := ready(t, node(t, c.URL(0))), room("r")
	start := time.Now()
	_, err := askOne(asker, s, patience)
	wantErr(t, "a question that nobody hears", err, bus.ErrNobody)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("nobody there, said after %v", took)
	}

	for i, name := range []string{"a", "b", "c"} {
		other := ready(t, node(t, c.URL(0)))
		sub, err := other.Subscribe(s, func(m bus.Message) {
			if !m.Asked {
				t.Errorf("%q came as no question", m.Payload)
			}
			if err := other.Answer(m, []byte(name+string(m.Payload))); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Close()
		// Its interest may reach the asker's node after it has subscribed.
		eventually(t, "it is there", func() error {
			if n := answers(t, asker, s); n != i+1 {
				return fmt.Errorf("%d answer, want %d", n, i+1)
			}
			return nil
		})
	}

	var got []string
	all := make(chan struct{})
	asker.Ask(s, bus.ToEdges, []byte("?"), patience, func(payload []byte, err error) bool {
		if err != nil {
			t.Error(err)
		}
		if got = append(got, string(payload)); len(got) == 3 {
			close(all)
		}
		return len(got) < 3
	})
	bustest.Next(t, "three answers", all)
	if slices.Sort(got); !slices.Equal(got, []string{"a?", "b?", "c?"}) {
		t.Errorf("answers %q", got)
	}

	// One who waits for more than there are hears the end, once, after the timeout.
	const timeout = 300 * time.Millisecond
	eventually(t, "all three answer in time", func() error { // which a busy machine may have none for
		came, ends, start := 0, make(chan error, 2), time.Now()
		asker.Ask(s, bus.ToEdges, []byte("?"), timeout, func(payload []byte, err error) bool {
			if payload == nil {
				ends <- err
				return false
			}
			came++
			return true
		})
		wantErr(t, "the end", bustest.Next(t, "the end of a question", ends), bus.ErrUnavailable)
		if took := time.Since(start); took < timeout || took > 5*time.Second {
			t.Errorf("the end after %v", took)
		}
		if came != 3 {
			return fmt.Errorf("%d answers", came)
		}
		if len(ends) > 0 {
			t.Error("a second end")
		}
		return nil
	})
}

// A kept message is no question, though its ack needs a reply subject: an answer to it goes nowhere.
func TestKeptIsNoQuestion(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	a, b, s := ready(t, node(t, c.URL(0))), ready(t, node(t, c.URL(0))), room("r")
	heard := make(chan bus.Message, 1)
	sub, err := b.Subscribe(s, func(m bus.Message) {
		if string(m.Payload) == "kept" { // not what reach asks, which may be several questions
			heard <- m
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	reach(t, a, b, s)
	accept(t, a, s, "kept")
	m := bustest.Next(t, "the kept message", heard)
	if m.Asked {
		t.Error("a kept message came as a question")
	}
	if err := b.Answer(m, []byte("x")); err != nil {
		t.Error(err)
	}
}

func TestTell(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	a, b := ready(t, node(t, c.URL(0))), ready(t, node(t, c.URL(0)))
	if a.Edge() == b.Edge() || a.Region() != "eu" {
		t.Fatalf("edges %s and %s of %s", a.Edge(), b.Edge(), a.Region())
	}
	heard := &log{}
	sub, err := b.Inbox(func(m bus.Message) { heard.add(string(m.Payload)) })
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	reach(t, a, b, room("r")) // by then the inbox is known too
	for _, to := range []wire.EdgeID{"another", b.Edge(), a.Edge(), b.Edge()} {
		if err := a.Tell(to, []byte("to "+to)); err != nil {
			t.Fatal(err)
		}
	}
	heard.await(t, "to "+string(b.Edge()), "to "+string(b.Edge()))
}

// After Close nothing is heard; other interest in the same scope stays.
func TestSubscriptionEnds(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	a, b, s := ready(t, node(t, c.URL(0))), ready(t, node(t, c.URL(0))), room("r")
	ended := &log{}
	sub, err := b.Subscribe(s, func(m bus.Message) { ended.add(string(m.Payload)) })
	if err != nil {
		t.Fatal(err)
	}
	stays := hear(t, b, s)
	reach(t, a, b, room("interest"))
	accept(t, a, s, "1")
	stays.await(t, "1")
	ended.await(t, "1")
	sub.Close()
	sub.Close()
	accept(t, a, s, "2")
	if err := a.PublishLive(s, bus.ToPeer(wire.NewPeerID()), []byte("3")); err != nil {
		t.Fatal(err)
	}
	stays.await(t, "1", "2", "3")
	ended.await(t, "1")
}
