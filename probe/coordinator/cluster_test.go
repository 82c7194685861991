package coordinator_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/probe/coordinator"
)

// probeStream keeps pair tests of the region eu.
const probeStream = "CMTRAVERSALS_probe_eu"

// probes is the stream itself, as one of these servers has it.
func probes(ctx context.Context, t *testing.T, urls ...string) jetstream.Stream {
	t.Helper()
	nc, err := nats.Connect(strings.Join(urls, ","))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(ctx, probeStream)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// leader is the index of the node that leads the stream of pair tests.
func leader(t *testing.T, c *bustest.Processes) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cluster := probes(ctx, t, c.URLs()...).CachedInfo().Cluster
	i, err := strconv.Atoi(strings.TrimPrefix(cluster.Leader, "process-"))
	if err != nil {
		t.Fatalf("the leader is %+v", cluster)
	}
	return i
}

// kept counts what the stream itself has of each record, which readers drop repetitions of.
func kept(t *testing.T, url string) map[string]int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := probes(ctx, t, url)
	n := map[string]int{}
	for seq := s.CachedInfo().State.FirstSeq; seq <= s.CachedInfo().State.LastSeq; seq++ {
		m, err := s.GetMsg(ctx, seq)
		if err != nil {
			t.Fatal(err)
		}
		r, err := wire.ParseTraversal(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		n[r.Key()]++
	}
	return n
}

// Of a cluster of three, the node that leads the stream is killed in the middle of a run, and when it is back the one that an agent is connected to; and then an agent, which is
// started anew. The run completes; each attempt stands in the stream once; and what was lost with a node or an agent is not taken for the network's doing.
func TestNodesAndAnAgentAreKilled(t *testing.T) {
	t.Parallel() // it waits, for leases and leaders
	nodes := bustest.NewProcesses(t, 3)
	m := &mesh{t: t, urls: nodes.URLs()}
	m.open(bus.Options{Region: "eu", Replicas: 3})
	first := leader(t, nodes)
	second, third := (first+1)%3, (first+2)%3
	m.own = m.open(bus.Options{Guest: true, URLs: []string{nodes.Node(third).URL()}})
	m.agent("a", nodes.Node(second).URL())
	m.agent("b", nodes.Node(third).URL())
	doomed := m.agent("c", nodes.Node(first).URL())

	o := m.options("cluster", 3)
	o.Agents = []wire.AgentID{"a", "b", "c"}
	o.Parallel, o.Patience = 1, 2*patience
	var fault sync.WaitGroup
	restart := func(i int) {
		nodes.Node(i).Kill()
		nodes.Node(i).Start()
	}
	// Each fault meets the next attempt, and comes when the one before is over.
	o.Each = func(p coordinator.Progress) {
		switch p.Stored {
		case 1:
			fault.Go(func() { restart(first) })
		case 3:
			fault.Wait()
			fault.Go(func() { restart(second) })
		case 5:
			fault.Wait()
			fault.Go(func() {
				doomed.dieInATest(m)
				m.agent("c", nodes.Node(first).URL())
			})
		}
	}
	res, err := coordinator.Do(t.Context(), o)
	fault.Wait()
	if err != nil || len(res.Made) != 9 || len(res.Left) != 0 {
		t.Fatalf("%v: %+v", err, res)
	}
	once := kept(t, nodes.Node(third).URL())
	stored := m.stored("cluster")
	if len(stored) != 9 || len(once) != 9 {
		t.Errorf("%d records are read, %d are in the stream; want 9", len(stored), len(once))
	}
	for key, r := range stored {
		if once[key] != 1 {
			t.Errorf("%s is in the stream %d times", key, once[key])
		}
		if r.Result != wire.ResultConnected {
			t.Errorf("%s came to %s at %s: %s", key, r.Result, r.Step, r.Why)
		}
	}
}
