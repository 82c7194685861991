package bus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

func vantage(id wire.AgentID, region wire.Region) wire.Agent {
	return wire.Agent{ID: id, Run: wire.NewPeerID(), Region: region, Network: "dsl", Mapping: "EIM", Filtering: "APDF", Slots: 1, LeaseMs: 3000}
}

func followAgents(t testing.TB, b *bus.Bus) *bus.Agents {
	t.Helper()
	as := b.WatchAgents(nil)
	t.Cleanup(as.Close)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, as.Wait(ctx))
	return as
}

func present(t testing.TB, as *bus.Agents, want ...wire.Agent) {
	t.Helper()
	eventually(t, fmt.Sprintf("agents %v", want), func() error {
		if got := as.List(); fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Errorf("got %v", got)
		}
		return nil
	})
}

// An agent is known to who watches and who comes later, gone when it is withdrawn, and gone in bounded time when it falls silent. One that stands where there is no edge is known too.
func TestAgents(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	ready(t, node(t, c.URL(0)))
	agents := guest(t, c.URL(0), "")
	early := followAgents(t, guest(t, c.URL(0), "eu"))

	berlin, quito := vantage("berlin", "eu"), vantage("quito", "sa")
	must(t, agents.AnnounceAgent(t.Context(), berlin))
	must(t, agents.AnnounceAgent(t.Context(), quito))
	present(t, early, berlin, quito)
	present(t, followAgents(t, guest(t, c.URL(0), "")), berlin, quito)

	again := vantage("berlin", "eu") // the same name, started anew after a crash: it is free when the lease has ended
	eventually(t, "the name is free", func() error { return agents.AnnounceAgent(t.Context(), again) })
	must(t, agents.WithdrawAgent(t.Context(), berlin)) // one that has lost its name takes it from nobody
	must(t, agents.AnnounceAgent(t.Context(), quito))
	present(t, early, again, quito)
	must(t, agents.WithdrawAgent(t.Context(), again))
	present(t, early, quito)
	present(t, early) // nobody renews its lease
	present(t, followAgents(t, guest(t, c.URL(0), "")))

	bad := berlin
	bad.Slots = 0
	if err := agents.AnnounceAgent(t.Context(), bad); err == nil || errors.Is(err, bus.ErrUnavailable) {
		t.Errorf("an agent without slots: %v", err)
	}
}

type said struct {
	payload string
	err     error
}

func askAgent(b *bus.Bus, a wire.Agent, payload string) said {
	answers := make(chan said, 1)
	b.AskAgent(a.ID, a.Run, []byte(payload), 10*time.Second, func(payload []byte, err error) { answers <- said{string(payload), err} })
	return <-answers
}

func TestAgentsAreSpokenTo(t *testing.T) {
	t.Parallel()
	p := bustest.NewProcess(t)
	ready(t, node(t, p.URL()))
	there, here := guest(t, p.URL(), ""), guest(t, p.URL(), "")
	a := vantage("berlin", "eu")
	sub, err := there.ServeAgent(a.ID, a.Run, func(m bus.Message) {
		if err := there.Answer(m, append([]byte("heard "), m.Payload...)); err != nil {
			t.Error(err)
		}
	})
	must(t, err)
	defer sub.Close()
	hears := func() {
		t.Helper()
		eventually(t, "an answer", func() error {
			if got := askAgent(here, a, "this"); got.err != nil || got.payload != "heard this" {
				return fmt.Errorf("%+v", got)
			}
			return nil
		})
	}
	hears()
	before := a
	before.Run = wire.NewPeerID()
	if got := askAgent(here, before, "this"); !errors.Is(got.err, bus.ErrNobody) {
		t.Errorf("another life of it answers: %+v", got)
	}
	for _, bad := range []wire.Agent{{ID: "a.>", Run: a.Run}, {ID: "berlin", Run: "*"}} {
		if got := askAgent(here, bad, "this"); got.err == nil || errors.Is(got.err, bus.ErrNobody) {
			t.Errorf("%s of %s: %+v", bad.Run, bad.ID, got)
		}
		if _, err := here.ServeAgent(bad.ID, bad.Run, func(bus.Message) {}); err == nil {
			t.Errorf("%s of %s is served", bad.Run, bad.ID)
		}
	}
	p.Kill()
	if got := askAgent(here, a, "this"); !errors.Is(got.err, bus.ErrUnavailable) {
		t.Errorf("without a NATS: %+v", got)
	}
	p.Start()
	hears()
}
