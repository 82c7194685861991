package coordinator_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/probe/coordinator"
)

// Three agents try each other: each pair as often as it was said, with both ends' labels; and what is stored is not tried again.
func TestARun(t *testing.T) {
	m := newMesh(t)
	for _, id := range []wire.AgentID{"a", "b", "c"} {
		m.agent(id)
	}
	o := m.options("first", 2)
	seen := 0
	o.Each = func(p coordinator.Progress) {
		if seen++; p.Stored != seen || p.Planned != 6 {
			t.Errorf("progress %d of %d after %d", p.Stored, p.Planned, seen)
		}
	}
	o.Agents = []wire.AgentID{"a", "b", "c"}
	res, err := coordinator.Do(t.Context(), o)
	if err != nil || len(res.Made) != 6 || len(res.Left) != 0 || res.Before != 0 || seen != 6 {
		t.Fatalf("%v: %+v, told of %d", err, res, seen)
	}
	stored := m.stored("first")
	for _, key := range []string{"probe/first/a/b/direct/1", "probe/first/a/c/direct/2", "probe/first/b/c/direct/1"} {
		r, ok := stored[key]
		if !ok || r.Result != wire.ResultConnected || r.Path != wire.PathHost || r.Theirs == "" || r.RTTMs <= 0 || r.KbitPerS <= 0 || r.PairMs <= 0 || r.ConnectMs < r.PairMs || r.Ms < r.ConnectMs {
			t.Errorf("%s: %+v", key, r)
		}
		if e := r.Ends[0]; e.Region != wire.Region("r-"+e.Name) || e.Network != "net-"+string(e.Name) || e.Mapping != "EIM" || e.Filtering != "APDF" {
			t.Errorf("%s: end %+v", key, e)
		}
	}
	o.Repeat, o.Each = 3, nil
	res, err = coordinator.Do(t.Context(), o)
	if err != nil || res.Planned != 9 || res.Before != 6 || len(res.Made) != 3 || len(m.stored("first")) != 9 {
		t.Errorf("gone on with: %v, %+v", err, res)
	}
}

// Each way to relays has its step at which it fails, and a run has it.
func TestARelayThatDoesNotAnswer(t *testing.T) {
	m := newMesh(t)
	m.agent("a")
	m.agent("b")
	o := m.options("relays", 1)
	o.Agents = []wire.AgentID{"a", "b"}
	o.Modes = []wire.TraversalMode{wire.ModeRelayUDP, wire.ModeRelayTCP}
	o.Servers = func(wire.Agent) ([]wire.ICEServer, error) {
		return []wire.ICEServer{{URLs: []string{"turn:198.51.100.1:9?transport=udp", "turn:198.51.100.1:9?transport=tcp"}, Username: "u", Credential: "p"}}, nil
	}
	res, err := coordinator.Do(t.Context(), o)
	if err != nil || len(res.Made) != 2 || len(res.Left) != 0 {
		t.Fatalf("%v: %+v", err, res)
	}
	for _, r := range res.Made {
		if r.Result != wire.ResultNoCandidates || r.Step != wire.StepGather {
			t.Errorf("%s: %+v", r.Mode, r)
		}
	}
}

// A relay that has left the registry in the middle of a run is no trouble of signalling, and is not tried again as if it were.
func TestARelayThatIsNotThereAnyMore(t *testing.T) {
	m := newMesh(t)
	m.agent("a")
	m.agent("b")
	o := m.options("gone", 1)
	o.Agents = []wire.AgentID{"a", "b"}
	o.Modes = []wire.TraversalMode{wire.ModeRelayUDP}
	asked := 0
	o.Servers = func(wire.Agent) ([]wire.ICEServer, error) {
		if asked++; asked > 1 {
			return nil, nil
		}
		return []wire.ICEServer{{URLs: []string{"turn:198.51.100.1:9?transport=udp"}, Username: "u", Credential: "p"}}, nil
	}
	res, err := coordinator.Do(t.Context(), o)
	if err != nil || len(res.Made) != 1 || len(res.Left) != 0 {
		t.Fatalf("%v: %+v", err, res)
	}
	r := m.stored("gone")["probe/gone/a/b/relay-udp/1"]
	if r.Result != wire.ResultNoCandidates || r.Step != wire.StepGather || !strings.Contains(r.Why, "agent b: there is no relay for relay-udp") {
		t.Errorf("%+v", r)
	}
}

// An agent that is killed in the middle of a run: what the others can do is done, its own is left, and gone on with when it is back.
func TestAnAgentIsKilled(t *testing.T) {
	t.Parallel() // it waits, for leases and leaders
	m := newMesh(t)
	m.agent("a")
	m.agent("b")
	doomed := m.agent("c")
	o := m.options("killed", 5)
	o.Agents = []wire.AgentID{"a", "b", "c"}
	o.Patience = 8 * time.Second
	var once sync.Once
	dead := make(chan struct{})
	o.Each = func(p coordinator.Progress) {
		if p.Last.Ends[1].Name == "c" {
			once.Do(func() {
				go func() { defer close(dead); doomed.dieInATest(m) }()
			})
		}
	}
	res, err := coordinator.Do(t.Context(), o)
	once.Do(func() { t.Fatalf("%v: no test of c was made, so it was never killed: %+v", err, res) }) // or dead would never be closed
	<-dead
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range res.Left {
		if l.B != "c" || !strings.Contains(l.Why, "agent c") {
			t.Fatalf("left: %+v", l)
		}
	}
	among, spoiled := 0, 0
	for _, r := range res.Made {
		switch {
		case r.Ends[1].Name == "b":
			among++
			fallthrough
		case r.Result == wire.ResultConnected:
			if r.Result != wire.ResultConnected {
				t.Errorf("%+v", r)
			}
		case r.Result != wire.ResultNoSignalling || r.Step != wire.StepSignal || !strings.Contains(r.Why, "agent c"):
			t.Errorf("what its death stopped is told as %+v", r)
		default:
			spoiled++
		}
	}
	// One was under way when it died, and is told as what it was.
	if spoiled == 0 {
		t.Errorf("nothing of %d was stopped by its death", len(res.Made))
	}
	if among != 5 || len(res.Left) == 0 || len(res.Left)+len(res.Made) != 15 {
		t.Fatalf("%d of the others, %d made, %d left", among, len(res.Made), len(res.Left))
	}
	m.agent("c")
	o.Each, o.Patience = nil, patience
	again, err := coordinator.Do(t.Context(), o)
	if err != nil || again.Before != len(res.Made) || len(again.Made) != len(res.Left) || len(again.Left) != 0 || len(m.stored("killed")) != 15 {
		t.Errorf("gone on with: %v: %d before, %d made, %d left", err, again.Before, len(again.Made), len(again.Left))
	}
}

// NATS is killed in the middle of a run and started again: the run completes, and nothing is taken for the network's doing.
func TestNATSIsKilled(t *testing.T) {
	t.Parallel() // it waits, for leases and leaders
	m := newMesh(t)
	m.agent("a")
	m.agent("b")
	o := m.options("nats", 6)
	o.Agents = []wire.AgentID{"a", "b"}
	o.Patience = 2 * patience
	var once sync.Once
	restarted := make(chan struct{})
	o.Each = func(coordinator.Progress) {
		once.Do(func() {
			m.p.Kill()
			go func() { defer close(restarted); m.p.Start() }()
		})
	}
	res, err := coordinator.Do(t.Context(), o)
	once.Do(func() { t.Fatalf("%v: no test was made, so NATS was never killed: %+v", err, res) }) // or restarted would never be closed
	<-restarted
	if err != nil || len(res.Made) != 6 || len(res.Left) != 0 {
		t.Fatalf("%v: %+v", err, res)
	}
	for _, r := range m.stored("nats") {
		if r.Result != wire.ResultConnected {
			t.Errorf("%+v", r)
		}
	}
}

// Who interrupts a run has what was made, and loses nothing.
func TestARunIsInterrupted(t *testing.T) {
	m := newMesh(t)
	m.agent("a")
	m.agent("b")
	o := m.options("interrupted", 8)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	o.Each = func(p coordinator.Progress) {
		if p.Stored == 2 {
			stop()
		}
	}
	o.Agents = []wire.AgentID{"a", "b"}
	res, err := coordinator.Do(ctx, o)
	if err != nil || len(res.Made) < 2 || len(res.Made)+len(res.Left) != 8 {
		t.Fatalf("%v: %d made, %d left", err, len(res.Made), len(res.Left))
	}
	if got := len(m.stored("interrupted")); got != len(res.Made) {
		t.Errorf("%d are stored of %d", got, len(res.Made))
	}
}

// A region that is away may have a part of a run that goes on, and has none of a new one.
func TestARunWhileARegionIsAway(t *testing.T) {
	t.Parallel() // it waits, for leases and leaders
	m := bustest.Super(t, 1, "eu", "us")
	open := func(at string, o bus.Options) *bus.Bus {
		o.URLs, o.Logger = m.Region(at).URLs(), logger(t)
		b, err := bus.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := b.WaitReady(ctx); err != nil {
			t.Fatal(err)
		}
		return b
	}
	open("eu", bus.Options{Region: "eu"})
	open("us", bus.Options{Region: "us"})
	o := (&mesh{t: t, own: open("us", bus.Options{Guest: true})}).options("new", 1)
	o.Patience = 5 * time.Second
	m.Isolate(bustest.Cut, "eu")
	if _, err := coordinator.Do(t.Context(), o); err == nil || !strings.Contains(err.Error(), "can't be read") {
		t.Errorf("one that goes on: %v", err)
	}
	o.Fresh = true
	if _, err := coordinator.Do(t.Context(), o); err == nil || !strings.Contains(err.Error(), "takes two agents") {
		t.Errorf("a new one: %v", err)
	}
}

// Nobody to try each other is said, and not waited for for ever.
func TestTooFewAgents(t *testing.T) {
	m := newMesh(t)
	m.agent("alone")
	o := m.options("few", 1)
	o.Patience = time.Second
	if _, err := coordinator.Do(t.Context(), o); err == nil || !strings.Contains(err.Error(), "takes two agents") {
		t.Error(err)
	}
}
