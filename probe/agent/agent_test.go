package agent_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/probe/agent"
	"callmesh/probe/nat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, bustest.IgnoredLeaks()...) }

// patience bounds each wait; the machine may be busy.
const patience = 40 * time.Second

func open(t testing.TB, url string, o bus.Options) *bus.Bus {
	t.Helper()
	o.Name, o.URLs = t.Name(), []string{url}
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

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	limit := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// rig is one agent, and a bus on which to speak to it.
type rig struct {
	t       *testing.T
	url     string
	b       *bus.Bus
	agents  *bus.Agents
	metrics *prometheus.Registry
	a       *agent.Agent
	stop    context.CancelFunc
	done    chan error
}

func start(t *testing.T, change func(*agent.Options)) *rig {
	t.Helper()
	url := bustest.Cluster(t, 1).URL(0)
	open(t, url, bus.Options{Region: "eu"})
	r := &rig{t: t, url: url, b: open(t, url, bus.Options{Guest: true}), metrics: prometheus.NewRegistry(), done: make(chan error, 1)}
	r.agents = r.b.WatchAgents(nil)
	t.Cleanup(r.agents.Close)
	o := agent.Options{
		Bus: open(t, url, bus.Options{Guest: true}), ID: "berlin", Region: "eu", Network: "dsl", ASN: 3320, Slots: 2, Version: "v1", Registerer: r.metrics,
		Logger:   slog.New(slog.NewTextHandler(t.Output(), nil)),
		Classify: func(context.Context) (nat.Class, error) { return nat.Class{Mapping: nat.EIM, Filtering: nat.ADF}, nil },
	}
	if change != nil {
		change(&o)
	}
	var err error
	if r.a, err = agent.New(o); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r.stop = stop
	go func() { r.done <- r.a.Run(ctx) }()
	t.Cleanup(r.end)
	return r
}

func (r *rig) end() {
	r.stop()
	select {
	case err := <-r.done:
		if err != nil {
			r.t.Error(err)
		}
		r.done <- nil
	case <-time.After(patience):
		r.t.Error("the agent does not end")
	}
}

// announced waits for what it says of itself.
func (r *rig) announced() wire.Agent {
	r.t.Helper()
	var list []wire.Agent
	eventually(r.t, "an announcement", func() bool {
		list = r.agents.List()
		return len(list) == 1
	})
	return list[0]
}

func (r *rig) ask(run wire.PeerID, ask wire.AgentAsk) wire.AgentAnswer {
	r.t.Helper()
	answer := make(chan wire.AgentAnswer, 1)
	r.b.AskAgent("berlin", run, wire.AppendJSON(nil, ask), 10*time.Second, func(payload []byte, err error) {
		var a wire.AgentAnswer
		if err == nil {
			a, err = wire.ParseAgentAnswer(payload)
		}
		if err != nil {
			a.Why = err.Error()
		}
		answer <- a
	})
	return <-answer
}

func begin(test string) wire.AgentAsk {
	return wire.AgentAsk{Ask: wire.AskBegin, Test: test, Begin: &wire.PairTest{Other: "tokyo", OtherRun: "abcdefghijklmnop", Mode: wire.ModeDirect, LimitMs: 5000}}
}

// An agent takes as many tests as it said, hears only the other one of each, and tells what came of one that was given up: nothing.
func TestTests(t *testing.T) {
	r := start(t, nil)
	said := r.announced()
	if said.Network != "dsl" || said.ASN != 3320 || said.Mapping != "EIM" || said.Filtering != "ADF" || said.UDPBlocked || said.Slots != 2 {
		t.Errorf("it says of itself %+v", said)
	}
	eventually(t, "it knows that it is announced", r.a.Announced) // which it learns after those who read
	wants := func(what string, ask wire.AgentAsk, state wire.TestState) wire.AgentAnswer {
		t.Helper()
		a := r.ask(said.Run, ask)
		if a.State != state {
			t.Errorf("%s: %+v, want %s", what, a, state)
		}
		return a
	}
	first, second, third := wire.NewTestID(), wire.NewTestID(), wire.NewTestID()
	wants("a test", begin(first), wire.TestTaken)
	wants("the same again", begin(first), wire.TestTaken)
	wants("another", begin(second), wire.TestTaken)
	wants("one too many", begin(third), wire.TestBusy)
	wants("what it came to", wire.AgentAsk{Ask: wire.AskResult, Test: first}, wire.TestRunning)
	wants("what one that it has not came to", wire.AgentAsk{Ask: wire.AskResult, Test: third}, wire.TestUnheard)
	signal := wire.AgentAsk{Ask: wire.AskSignal, Test: first, From: "abcdefghijklmnop", Data: []byte(`{}`)}
	wants("the other one", signal, wire.TestTaken)
	signal.From = "ponmlkjihgfedcba"
	wants("somebody else", signal, wire.TestUnheard)
	wants("nonsense", wire.AgentAsk{Ask: "dance", Test: first}, wire.TestRefused)
	self := begin(third)
	self.Begin.OtherRun = said.Run
	wants("with itself", self, wire.TestRefused)

	wants("the end of it", wire.AgentAsk{Ask: wire.AskStop, Test: first}, wire.TestTaken)
	var over wire.AgentAnswer
	eventually(t, "its end", func() bool {
		over = r.ask(said.Run, wire.AgentAsk{Ask: wire.AskResult, Test: first})
		return over.State == wire.TestEnded
	})
	if over.Result.Result != wire.ResultNoSignalling || over.Result.Step != wire.StepSignal || over.Result.Why == "" {
		t.Errorf("a test that was given up came to %+v", over.Result)
	}
	wants("a free slot", begin(third), wire.TestTaken)
	want := `
		# HELP callmesh_probe_agent_busy Pair tests that run now.
		# TYPE callmesh_probe_agent_busy gauge
		callmesh_probe_agent_busy 2
	`
	if err := testutil.GatherAndCompare(r.metrics, strings.NewReader(want), "callmesh_probe_agent_busy"); err != nil {
		t.Error(err)
	}
}

// A strangers' flood of signals of one test ends in no more memory than that of some hundreds.
func TestSignalsAreBounded(t *testing.T) {
	r := start(t, nil)
	said := r.announced()
	id := wire.NewTestID()
	if a := r.ask(said.Run, begin(id)); a.State != wire.TestTaken {
		t.Fatal(a)
	}
	// Its reader takes them until it has no use for them: one that is no version of probe ends the meeting.
	refused := 0
	for range 2000 {
		if a := r.ask(said.Run, wire.AgentAsk{Ask: wire.AskSignal, Test: id, From: "abcdefghijklmnop", Data: []byte(`{"probe":1,"kind":"ready","mode":"all","repeat":1}`)}); a.State != wire.TestTaken {
			refused++
		}
	}
	if refused < 1000 {
		t.Errorf("%d of 2000 are refused", refused)
	}
	if a := r.ask(said.Run, wire.AgentAsk{Ask: wire.AskResult, Test: id}); a.State != wire.TestEnded || a.Result.Result != wire.ResultNoSignalling {
		t.Errorf("of two minds: %+v", a)
	}
}

// Who ends an agent takes it out of the registry at once; what it owes is still told, and nothing new is taken.
func TestTheEnd(t *testing.T) {
	r := start(t, nil)
	said := r.announced()
	id := wire.NewTestID()
	if a := r.ask(said.Run, begin(id)); a.State != wire.TestTaken {
		t.Fatal(a)
	}
	r.stop()
	eventually(t, "its end in the registry", func() bool { return len(r.agents.List()) == 0 })
	if a := r.ask(said.Run, begin(wire.NewTestID())); a.State != wire.TestBusy {
		t.Errorf("one that ends takes a test: %+v", a)
	}
	if a := r.ask(said.Run, wire.AgentAsk{Ask: wire.AskStop, Test: id}); a.State != wire.TestTaken {
		t.Errorf("its last test: %+v", a)
	}
	r.end()
	if a := r.ask(said.Run, wire.AgentAsk{Ask: wire.AskResult, Test: id}); a.State != "" || !strings.Contains(a.Why, bus.ErrNobody.Error()) {
		t.Errorf("after its end: %+v", a)
	}
}

// What could not be told is said to be unknown, and a network without UDP to be one.
func TestWhatTheNATIsLike(t *testing.T) {
	for name, c := range map[string]struct {
		class nat.Class
		err   error
		want  string
	}{
		"told":    {nat.Class{Mapping: nat.APDM, Filtering: nat.APDF}, nil, "APDM APDF false"},
		"blocked": {nat.Class{Mapping: nat.MappingUnknown, Filtering: nat.FilteringUnknown, UDPBlocked: true}, nil, "unknown unknown true"},
		"failed":  {nat.Class{}, errors.New("no such host"), "unknown unknown false"},
	} {
		r := start(t, func(o *agent.Options) {
			o.Classify = func(context.Context) (nat.Class, error) { return c.class, c.err }
		})
		a := r.announced()
		if got := fmt.Sprint(a.Mapping, " ", a.Filtering, " ", a.UDPBlocked); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestBadOptions(t *testing.T) {
	if _, err := agent.New(agent.Options{ID: "a", Region: "eu"}); err == nil {
		t.Error("an agent without a bus")
	}
	url := bustest.Cluster(t, 1).URL(0)
	b := open(t, url, bus.Options{Region: "eu"})
	for _, o := range []agent.Options{{Bus: b, ID: "A", Region: "eu"}, {Bus: b, ID: "a"}, {Bus: b, ID: "a", Region: "eu", Slots: 1000}, {Bus: b, ID: "a", Region: "eu", Lease: time.Hour}} {
		if _, err := agent.New(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
