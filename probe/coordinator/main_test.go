package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/probe/agent"
	"callmesh/probe/coordinator"
	"callmesh/probe/lab"
	"callmesh/probe/nat"
)

// patience bounds each wait; the machine may be busy.
const patience = time.Minute

// TestMain runs the tests in network namespaces of their own, with one address beside loopback, over which agents connect.
func TestMain(m *testing.M) {
	if os.Getenv("CALLMESH_TEST_NATSNODE") == "" && !lab.Inside() {
		code, err := lab.RunInside()
		if err != nil {
			fmt.Fprintln(os.Stderr, "the tests need network namespaces:", err)
			code = 1
		}
		os.Exit(code)
	}
	for _, c := range []string{"ip link set lo up", "ip link add v0 type veth peer name v1", "ip addr add 198.51.100.1/24 dev v0", "ip link set v0 up", "ip link set v1 up"} {
		if err := lab.Run(context.Background(), "", c); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m, bustest.IgnoredLeaks()...)
}

func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// mesh is a NATS that can be killed, with an edge's bus, which makes the streams.
type mesh struct {
	t    testing.TB
	p    *bustest.Process // nil where it is a cluster
	urls []string
	own  *bus.Bus // the coordinator's
}

func newMesh(t testing.TB) *mesh {
	t.Helper()
	p := bustest.NewProcess(t)
	m := &mesh{t: t, p: p, urls: []string{p.URL()}}
	m.open(bus.Options{Region: "eu"})
	m.own = m.open(bus.Options{Guest: true})
	return m
}

// open connects to the NATS, or to the node whose URL is given.
func (m *mesh) open(o bus.Options) *bus.Bus {
	m.t.Helper()
	if o.Name, o.Logger = m.t.Name(), logger(m.t); o.URLs == nil {
		o.URLs = m.urls
	}
	b, err := bus.Open(o)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(b.Close)
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	if err := b.WaitReady(ctx); err != nil {
		m.t.Fatal(err)
	}
	return b
}

// vantage is a running agent.
type vantage struct {
	id      wire.AgentID
	metrics *prometheus.Registry
	bus     *bus.Bus
	stop    context.CancelFunc
	done    chan error
}

// agent starts one, which connects to the nodes of those URLs first; without any to whichever.
func (m *mesh) agent(id wire.AgentID, urls ...string) *vantage {
	m.t.Helper()
	b, metrics := m.open(bus.Options{Guest: true, URLs: urls}), prometheus.NewRegistry()
	a, err := agent.New(agent.Options{
		Registerer: metrics, Bus: b, ID: id, Region: wire.Region("r-" + id), Network: "net-" + string(id), Slots: 2, Lease: 3 * time.Second, Logger: logger(m.t),
		Classify: func(context.Context) (nat.Class, error) { return nat.Class{Mapping: nat.EIM, Filtering: nat.APDF}, nil },
	})
	if err != nil {
		m.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(m.t.Context())
	v := &vantage{id: id, metrics: metrics, bus: b, stop: stop, done: make(chan error, 1)}
	go func() { v.done <- a.Run(ctx) }()
	m.t.Cleanup(func() { v.end(m.t) })
	return v
}

// dieInATest lets the agent vanish, as a process that is killed does, while it is in a test for which it has said that it takes part.
func (v *vantage) dieInATest(m *mesh) {
	agents := m.own.WatchAgents(nil)
	defer agents.Close()
	waiting, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	if err := agents.Wait(waiting); err != nil {
		m.t.Error(err)
	}
	limit := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !v.busy() {
		select {
		case <-tick.C:
		case <-limit:
			m.t.Error("the agent is in no test")
			return
		}
	}
	for _, a := range agents.List() {
		if a.ID != v.id {
			continue
		}
		// It answers one after the other: with this answer, that to the test's begin is on its way.
		answered := make(chan error, 1)
		m.own.AskAgent(a.ID, a.Run, []byte("anything"), 10*time.Second, func(_ []byte, err error) { answered <- err })
		if err := <-answered; err != nil {
			m.t.Error(err)
		}
	}
	v.bus.Close()
}

func (v *vantage) busy() bool {
	const gauge = "callmesh_probe_agent_busy"
	all, err := v.metrics.Gather()
	if err != nil {
		return false
	}
	for _, f := range all {
		if f.GetName() == gauge {
			return f.GetMetric()[0].GetGauge().GetValue() > 0
		}
	}
	return false
}

// end ends it in good order.
func (v *vantage) end(t testing.TB) {
	v.stop()
	select {
	case err := <-v.done:
		if err != nil {
			t.Error(err)
		}
		v.done <- nil
	case <-time.After(patience):
		t.Error("an agent does not end")
	}
}

func (m *mesh) options(run wire.RunID, repeat int) coordinator.Options {
	return coordinator.Options{
		Bus: m.own, Run: run, Modes: []wire.TraversalMode{wire.ModeDirect}, Repeat: repeat, Parallel: 4, Limit: 15 * time.Second, Patience: patience,
		Servers: func(wire.Agent) ([]wire.ICEServer, error) { return nil, nil }, Logger: logger(m.t),
	}
}

func (m *mesh) stored(run wire.RunID) map[string]wire.Traversal {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	all := map[string]wire.Traversal{}
	var err error
	for again := true; again; {
		err = m.own.Traversals(ctx, bus.TraversalFilter{Run: run}, func(t wire.Traversal) { all[t.Key()] = t })
		again = errors.Is(err, bus.ErrUnavailable) && ctx.Err() == nil && m.own.WaitReady(ctx) == nil
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return all
}
