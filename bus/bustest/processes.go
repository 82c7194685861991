package bustest

import (
	"fmt"
	"strings"
	"testing"
)

// Processes are a cluster of nats-servers, each in a process of its own: what
// Cluster is in this process, but its nodes can be killed and frozen. Between
// them, and between them and their clients, stand proxies.
type Processes struct {
	nodes []*Process
}

// NewProcesses starts a cluster of n and returns when JetStream can be used.
func NewProcesses(t testing.TB, n int) *Processes {
	t.Helper()
	if n < 2 {
		t.Fatalf("bustest: a cluster of %d processes: want two or more, or NewProcess", n)
	}
	c := &Processes{}
	for range n {
		p := newProcess(t)
		for range n {
			p.from = append(p.from, NewProxy(t, ""))
		}
		c.nodes = append(c.nodes, p)
	}
	for i, p := range c.nodes {
		p.args = []string{
			"-name", fmt.Sprintf("process-%d", i), "-advertise", p.proxy.Addr(), "-cluster", "processes",
			"-cluster-advertise", nowhere, "-peer-ping", peerPing.String(), "-routes", strings.Join(c.routesOf(i), ","),
		}
	}
	// As in a Mesh, the ways open when all have their listeners.
	c.setRoutes(Blackhole)
	for _, p := range c.nodes {
		p.mu.Lock()
		p.spawn()
		p.mu.Unlock()
	}
	c.setRoutes(Open)
	for _, p := range c.nodes {
		p.mu.Lock()
		p.await()
		p.mu.Unlock()
	}
	return c
}

func (c *Processes) routesOf(i int) []string {
	var routes []string
	for _, to := range c.nodes {
		routes = append(routes, to.from[i].Addr())
	}
	return routes
}

// Len is how many nodes there are, running or not.
func (c *Processes) Len() int { return len(c.nodes) }

// Node is the one of that index.
func (c *Processes) Node(i int) *Process { return c.nodes[i] }

// URLs are those of all nodes, running or not.
func (c *Processes) URLs() []string {
	urls := make([]string, len(c.nodes))
	for i, p := range c.nodes {
		urls[i] = p.URL()
	}
	return urls
}

// Partition separates the groups from each other, as Region.Partition does.
func (c *Processes) Partition(m Mode, groups ...[]int) {
	ways := make([][]*Proxy, len(c.nodes))
	for j, to := range c.nodes {
		ways[j] = to.from
	}
	partition(ways, m, groups)
}

// Heal opens every way between the nodes, and to their clients.
func (c *Processes) Heal() {
	c.setRoutes(Open)
	for _, p := range c.nodes {
		p.proxy.Heal()
	}
}

func (c *Processes) setRoutes(m Mode) {
	for _, p := range c.nodes {
		for _, way := range p.from {
			way.Set(m)
		}
	}
}
