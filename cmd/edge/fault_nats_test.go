package main

import (
	"fmt"
	"testing"
	"time"

	"callmesh/bus/bustest"
)

// Nodes of a cluster of three are killed one at a time, whatever they lead, and come back with the files they had.
func TestFaultClusterNodeIsKilled(t *testing.T) {
	m := newFaultMesh(t)
	nats := bustest.NewProcesses(t, 3)
	for i := range nats.Len() {
		p := m.addEdge(nats.URLs(), "--nats-replicas", "3")
		m.client(fmt.Sprintf("client-%d", i), 10*time.Millisecond, p)
	}
	m.start()
	for range rounds(t, 4) {
		m.moment()
		node := m.rnd.IntN(nats.Len())
		m.say("kill NATS node %d", node)
		nats.Node(node).Kill()
		m.recovered()
		nats.Node(node).Start()
		m.recovered()
	}
	m.finish()
}

// The only NATS node is killed and comes back with its files. Until then nothing is accepted, and clients are told so.
func TestFaultOnlyNodeIsKilled(t *testing.T) {
	m := newFaultMesh(t)
	nats := bustest.NewProcess(t)
	one, other := m.addEdge([]string{nats.URL()}), m.addEdge([]string{nats.URL()})
	for i := range 4 {
		m.client(fmt.Sprintf("client-%d", i), 4*time.Millisecond, one, other)
	}
	m.start()
	for range rounds(t, 6) {
		m.moment()
		m.say("kill NATS")
		nats.Kill()
		m.last(time.Duration(m.rnd.Int64N(int64(time.Second))))
		nats.Start()
		m.recovered()
	}
	m.finish()
}

// Each edge has a NATS node of its own; one of the three is cut off from the others, and heals. Those on its side are told that nothing is
// accepted, the others go on; who leaves meanwhile, on either side, is no ghost afterwards on the other.
func TestFaultPartition(t *testing.T) {
	t.Parallel()
	m := newFaultMesh(t)
	nats := bustest.NewProcesses(t, 3)
	for i := range nats.Len() {
		p := m.addEdge([]string{nats.Node(i).URL()}, "--nats-replicas", "3")
		m.client(fmt.Sprintf("client-%d", i), 10*time.Millisecond, p)
	}
	guests := make([]*steady, len(m.edges))
	for i, p := range m.edges {
		guests[i] = m.guest(fmt.Sprintf("guest-%d", i), p)
	}
	m.start()
	for round, mode := range []bustest.Mode{bustest.Blackhole, bustest.Cut} {
		m.moment()
		alone := m.rnd.IntN(nats.Len())
		m.say("node %d is alone (mode %d)", alone, mode)
		nats.Partition(mode, []int{alone})
		m.last(time.Duration(6+m.rnd.IntN(4)) * time.Second)
		if round == 0 {
			for _, side := range []int{alone, (alone + 1) % nats.Len()} {
				m.leaves(guests[side])
			}
		}
		served := m.clients[(alone+1)%nats.Len()]
		more := m.ledger.AcceptedOf(served.name) + 5
		m.eventually(func() string {
			if m.ledger.AcceptedOf(served.name) < more {
				return served.name + " is with the two nodes of three, and is not served"
			}
			return ""
		})
		nats.Heal()
		m.say("healed")
		m.recovered()
		m.caughtUp() // one fault at a time: the next must not come while NATS still elects the leaders that this one cost it
	}
	m.finish()
}
