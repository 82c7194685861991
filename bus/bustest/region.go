package bustest

import (
	"slices"
	"sync"
	"testing"

	"callmesh/bus/natsd"
)

// Region is one cluster of nats-servers in this process: all of what Cluster
// makes, or one of several in a Mesh.
//
// Everyone reaches a node through proxies only: its clients (URL), the other
// nodes of its cluster (one proxy for each direction of each pair), and the
// other regions. So an address stays the same when a node restarts, and each
// way can be cut by itself.
type Region struct {
	t     testing.TB
	name  string
	mesh  *Mesh
	nodes []*node
}

// node is one server and the ways to it.
type node struct {
	opts   natsd.Options
	client *Proxy
	// from[i] is the way in from node i of the same cluster.
	from []*Proxy
	// fromRegion is the way in from each other region.
	fromRegion map[string]*Proxy

	// mu guards the following.
	mu     sync.Mutex
	server *natsd.Server // nil while stopped
}

// Name of the region.
func (r *Region) Name() string { return r.name }

// Len is how many nodes the region has, running or not.
func (r *Region) Len() int { return len(r.nodes) }

// URL is where clients connect to node i; it stays the same over restarts.
func (r *Region) URL(i int) string { return "nats://" + r.nodes[i].client.Addr() }

// URLs are those of all nodes, running or not.
func (r *Region) URLs() []string {
	urls := make([]string, len(r.nodes))
	for i := range r.nodes {
		urls[i] = r.URL(i)
	}
	return urls
}

// Server is node i's server, nil while it is stopped.
func (r *Region) Server(i int) *natsd.Server { return r.nodes[i].running() }

// ClientProxy is the way that clients take to node i.
func (r *Region) ClientProxy(i int) *Proxy { return r.nodes[i].client }

// Leader is the index of the node that leads JetStream's meta group, or -1: in
// a Mesh it may be in another region, and for some seconds there may be none.
func (r *Region) Leader() int {
	return slices.IndexFunc(r.nodes, func(n *node) bool {
		s := n.running()
		return s != nil && s.Followers() != nil
	})
}

// Stop shuts node i down in order: it hands its leaderships over first.
// Stopping a stopped node does nothing.
func (r *Region) Stop(i int) { r.nodes[i].stop() }

// Kill ends node i as seen from outside: every connection to and from it is
// reset with no goodbye, and only then does it shut down. For a process that
// really dies, with what was not written, see Process.
func (r *Region) Kill(i int) {
	ways := r.mesh.around(r, i)
	before := make([]Mode, len(ways))
	for k, p := range ways {
		before[k] = p.Mode()
		p.Cut()
	}
	r.nodes[i].stop()
	for k, p := range ways {
		p.Set(before[k])
	}
}

// Restart starts node i, when it is stopped, with the addresses and the files
// it had. It does not wait for the others to notice: see Await.
func (r *Region) Restart(i int) {
	r.t.Helper()
	r.nodes[i].start(r.t)
}

// Partition separates the groups from each other, by node: what is in one group
// still reaches its own members and its clients. A node in no group is in one
// more, with the others that are in none. Mode is Cut or Blackhole.
func (r *Region) Partition(m Mode, groups ...[]int) {
	ways := make([][]*Proxy, len(r.nodes))
	for j, to := range r.nodes {
		ways[j] = to.from
	}
	partition(ways, m, groups)
}

// partition sets the ways between nodes of different groups; ways[j][i] is the one from node i into node j.
func partition(ways [][]*Proxy, m Mode, groups [][]int) {
	group := func(i int) int {
		return slices.IndexFunc(groups, func(g []int) bool { return slices.Contains(g, i) })
	}
	for j := range ways {
		for i, p := range ways[j] {
			if group(i) != group(j) {
				p.Set(m)
			}
		}
	}
}

// Heal opens every way between the region's nodes and to their clients.
func (r *Region) Heal() {
	for _, n := range r.nodes {
		n.client.Heal()
		for _, p := range n.from {
			p.Heal()
		}
	}
}

// Await waits until the running nodes of the whole mesh are joined and
// JetStream leads all of them; it fails the test when that takes too long.
func (r *Region) Await() {
	r.t.Helper()
	r.mesh.Await()
}

func (n *node) running() *natsd.Server {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.server
}

func (n *node) start(t testing.TB) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server != nil {
		return
	}
	s, err := natsd.Start(n.opts)
	if err != nil {
		t.Fatalf("bustest: node %s: %v", n.opts.Name, err)
	}
	n.server = s
	if n.opts.ClusterName != "" {
		// The server opens its route listener just after it has started.
		await(t, "route listener of "+n.opts.Name, func() bool { return s.RouteAddr() != "" || s.Err() != nil })
	}
	n.client.SetTarget(hostPort(s.ClientURL()))
	for _, p := range n.from {
		p.SetTarget(s.RouteAddr())
	}
	for _, p := range n.fromRegion {
		p.SetTarget(s.GatewayAddr())
	}
}

func (n *node) stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server == nil {
		return
	}
	n.server.Shutdown()
	n.server = nil
	n.client.SetTarget("")
	for _, p := range n.from {
		p.SetTarget("")
	}
	for _, p := range n.fromRegion {
		p.SetTarget("")
	}
}
