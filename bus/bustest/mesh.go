// Package bustest runs real nats-servers for tests: clusters of one to N nodes
// and regions joined by gateways in this process (Cluster, Super), and a node
// in a process of its own that can be killed (Process). Between nodes, and
// between nodes and clients, stand TCP proxies that a test can cut or let go
// silent (Proxy), so partitions are real and heal. All of it ends with the
// test and leaves no goroutine, port or file.
package bustest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"callmesh/bus/natsd"
)

const (
	// formingTime bounds every wait here. A cluster forms in one to a few
	// seconds; an election after a leader died takes up to ten.
	formingTime = 60 * time.Second
	// peerPing finds a silent partition in three seconds instead of fifteen.
	peerPing = time.Second
	// nowhere is what nodes advertise to each other: a port that refuses. The
	// addresses they gossip would lead around the proxies, and there is one
	// proxy for each pair, so none could be advertised to all.
	nowhere = "127.0.0.1:1"
)

// Mesh is several regions, joined by gateways.
type Mesh struct {
	t        testing.TB
	regions  []*Region
	crossing Crossing
}

// Cluster runs n nodes joined by routes, each with a store of its own, and
// returns when JetStream can be used. One node stands alone, without a cluster.
func Cluster(t testing.TB, n int) *Region {
	t.Helper()
	return super(t, n, "local").regions[0]
}

// Super runs a cluster of n nodes for each of the regions, joined by gateways,
// and returns when JetStream can be used. JetStream has one leader for all
// regions: while fewer than half of all nodes reach each other, streams work on
// but none can be made.
func Super(t testing.TB, n int, regions ...string) *Mesh {
	t.Helper()
	if len(regions) < 2 {
		t.Fatalf("bustest: a super-cluster needs two regions or more, got %q", regions)
	}
	return super(t, n, regions...)
}

func super(t testing.TB, n int, names ...string) *Mesh {
	t.Helper()
	if n < 1 {
		t.Fatalf("bustest: %d nodes in a cluster, want one or more", n)
	}
	m := &Mesh{t: t}
	for _, name := range names {
		m.regions = append(m.regions, m.plan(name, n, names))
	}
	log := logger(t)
	for _, r := range m.regions {
		for i, nd := range r.nodes {
			nd.opts.Logger = log
			nd.opts.Routes = r.routesOf(i)
			nd.opts.Gateways = m.gatewaysOf(r)
		}
	}
	t.Cleanup(m.stop)
	m.setPeers(Blackhole)
	for _, r := range m.regions {
		for _, nd := range r.nodes {
			nd.start(t)
		}
	}
	// Opened only now, when all have their listeners: nodes that were refused
	// at first would wait a second before they try again.
	m.setPeers(Open)
	m.Await()
	return m
}

// plan makes a region's nodes and the ways to them; nothing runs yet.
func (m *Mesh) plan(name string, n int, regions []string) *Region {
	r := &Region{t: m.t, name: name, mesh: m}
	for i := range n {
		nd := &node{client: NewProxy(m.t, ""), fromRegion: map[string]*Proxy{}}
		nd.opts = natsd.Options{
			Name: fmt.Sprintf("%s-%d", name, i), DataDir: m.t.TempDir(),
			ListenAddr: "127.0.0.1:0", Advertise: nd.client.Addr(), PeerPing: peerPing,
		}
		if n > 1 || len(regions) > 1 {
			nd.opts.ClusterName = name
			nd.opts.ClusterListen, nd.opts.ClusterAdvertise = "127.0.0.1:0", nowhere
			for range n {
				nd.from = append(nd.from, NewProxy(m.t, ""))
			}
		}
		for _, other := range regions {
			if other != name {
				nd.opts.GatewayListen, nd.opts.GatewayAdvertise = "127.0.0.1:0", nowhere
				nd.fromRegion[other] = NewProxy(m.t, "")
				nd.fromRegion[other].tap = m.crossing.stream
			}
		}
		r.nodes = append(r.nodes, nd)
	}
	return r
}

// routesOf lists node i's ways to all nodes, itself included: the server takes
// their number for the size of the cluster.
func (r *Region) routesOf(i int) []string {
	var routes []string
	for _, to := range r.nodes {
		if len(to.from) > 0 {
			routes = append(routes, to.from[i].Addr())
		}
	}
	return routes
}

// gatewaysOf lists r's ways to the nodes of each other region.
func (m *Mesh) gatewaysOf(r *Region) map[string][]string {
	gateways := map[string][]string{}
	for _, other := range m.regions {
		for _, to := range other.nodes {
			if p := to.fromRegion[r.name]; p != nil {
				gateways[other.name] = append(gateways[other.name], p.Addr())
			}
		}
	}
	return gateways
}

// Crossing counts what goes over the gateways.
func (m *Mesh) Crossing() *Crossing { return &m.crossing }

// Region returns the one of that name; a wrong name fails the test.
func (m *Mesh) Region(name string) *Region {
	m.t.Helper()
	for _, r := range m.regions {
		if r.name == name {
			return r
		}
	}
	m.t.Fatalf("bustest: no region %q", name)
	return nil
}

// Regions are all, in the order given to Super.
func (m *Mesh) Regions() []*Region { return slices.Clone(m.regions) }

// Isolate separates the named regions, together, from all the others. Mode is
// Cut or Blackhole.
func (m *Mesh) Isolate(mode Mode, names ...string) {
	for _, to := range m.regions {
		for _, n := range to.nodes {
			for from, p := range n.fromRegion {
				if slices.Contains(names, from) != slices.Contains(names, to.name) {
					p.Set(mode)
				}
			}
		}
	}
}

// Far puts the regions apart: what goes from one to another takes d, up to twice that.
func (m *Mesh) Far(d time.Duration) {
	for _, to := range m.regions {
		for _, n := range to.nodes {
			for _, p := range n.fromRegion {
				p.Delay(d)
			}
		}
	}
}

// Heal opens every way in the mesh.
func (m *Mesh) Heal() {
	m.setPeers(Open)
	for _, r := range m.regions {
		r.Heal()
	}
}

// setPeers sets the ways between nodes, not those of clients.
func (m *Mesh) setPeers(mode Mode) {
	for _, r := range m.regions {
		for _, n := range r.nodes {
			for _, p := range n.from {
				p.Set(mode)
			}
			for _, p := range n.fromRegion {
				p.Set(mode)
			}
		}
	}
}

// around lists every way to and from node i of region r.
func (m *Mesh) around(r *Region, i int) []*Proxy {
	n := r.nodes[i]
	ways := append([]*Proxy{n.client}, n.from...)
	for _, p := range n.fromRegion {
		ways = append(ways, p)
	}
	for j, to := range r.nodes {
		if j != i && len(to.from) > 0 {
			ways = append(ways, to.from[i])
		}
	}
	return ways
}

func (m *Mesh) stop() {
	for _, r := range m.regions {
		for _, n := range r.nodes {
			n.stop()
		}
	}
}

// Await waits until the running nodes of each region are joined by routes, the
// regions by gateways, and JetStream has a leader that sees all of them; it
// fails the test, saying what is missing, when that takes more than a minute.
func (m *Mesh) Await() {
	m.t.Helper()
	var missing string
	awaitOr(m.t, func() string { return missing }, func() bool {
		missing = m.missing()
		return missing == ""
	})
}

// missing says what keeps the mesh from being whole, "" when it is.
func (m *Mesh) missing() string {
	var all, followers []string
	var regions []string
	clustered := false
	for _, r := range m.regions {
		up := r.runningNames()
		all = append(all, up...)
		if len(up) > 0 {
			regions = append(regions, r.name)
		}
	}
	for _, r := range m.regions {
		for _, n := range r.nodes {
			s := n.running()
			if s == nil {
				continue
			}
			if err := s.Err(); err != nil {
				return fmt.Sprintf("%s: %v", s.Name(), err)
			}
			clustered = clustered || n.opts.ClusterName != ""
			if w := lacking(r.runningNames(), append(s.Routed(), s.Name())); w != "" {
				return s.Name() + " has not all its routes to " + w
			}
			if w := lacking(regions, append(s.Linked(), r.name)); w != "" {
				return s.Name() + " has no gateway to region " + w
			}
			if f := s.Followers(); f != nil {
				followers = f
			}
		}
	}
	if clustered {
		if w := lacking(all, followers); w != "" {
			return "JetStream has no leader that sees " + w
		}
	}
	return ""
}

func (r *Region) runningNames() []string {
	var names []string
	for _, n := range r.nodes {
		if n.running() != nil {
			names = append(names, n.opts.Name)
		}
	}
	return names
}

// lacking lists what of want is not in have, "" when all is.
func lacking(want, have []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(want), func(s string) bool {
		return slices.Contains(have, s)
	}), ", ")
}
