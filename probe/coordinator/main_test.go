package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

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
	goleak.VerifyTestMain(m)
}

func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// mesh is a NATS that can be killed, with an edge's bus, which makes the streams.
type mesh struct {
	t   testing.TB
	p   *bustest.Process
	own *bus.Bus // the coordinator's
}

func newMesh(t testing.TB) *mesh {
	t.Helper()
	m := &mesh{t: t, p: bustest.NewProcess(t)}
	m.open(bus.Options{Region: "eu"})
	m.own = m.open(bus.Options{Guest: true})
	return m
}

func (m *mesh) open(o bus.Options) *bus.Bus {
	m.t.Helper()
	o.Name, o.URLs, o.Logger = m.t.Name(), []string{m.p.URL()}, logger(m.t)
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
	bus  *bus.Bus
	stop context.CancelFunc
	done chan error
}

func (m *mesh) agent(id wire.AgentID) *vantage {
	m.t.Helper()
	b := m.open(bus.Options{Guest: true})
	a, err := agent.New(agent.Options{
		Bus: b, ID: id, Region: wire.Region("r-" + id), Network: "net-" + string(id), Slots: 2, Lease: 3 * time.Second, Logger: logger(m.t),
		Classify: func(context.Context) (nat.Class, error) { return nat.Class{Mapping: nat.EIM, Filtering: nat.APDF}, nil },
	})
	if err != nil {
		m.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(m.t.Context())
	v := &vantage{bus: b, stop: stop, done: make(chan error, 1)}
	go func() { v.done <- a.Run(ctx) }()
	m.t.Cleanup(func() { v.end(m.t) })
	return v
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
