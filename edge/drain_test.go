package edge_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// fleet is edges that are replaced one after another, as in an upgrade.
type fleet struct {
	mu    sync.Mutex // guards the following
	nodes []*edgetest.Node
	turn  int
}

// pick gives one node after the other of those that take new sessions.
func (f *fleet) pick() *edgetest.Node {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turn++
	return f.nodes[f.turn%len(f.nodes)]
}

// replace puts fresh in the place of old.
func (f *fleet) replace(old, fresh *edgetest.Node) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, n := range f.nodes {
		if n == old {
			f.nodes[i] = fresh
		}
	}
}

// status asks a node over HTTP.
func status(t *testing.T, n *edgetest.Node, path string) int {
	t.Helper()
	res, err := http.Get(n.HTTP + path)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// TestARollingRestart replaces three edges one after another while people talk, of whom half heed the goaway and half don't: nothing is lost, nobody
// leaves, and each drain ends well within its time.
func TestARollingRestart(t *testing.T) {
	t.Parallel()
	c, m := replicated(t)
	f := &fleet{nodes: append([]*edgetest.Node(nil), m.Edges...)}
	var all []*edgetest.Speaker
	for i := range 6 {
		s := edgetest.NewSpeaker(t, m.Edges[i%3], fmt.Sprint("user", i), "r", f.pick)
		if i < 3 {
			s.HeedGoaway()
		}
		all = append(all, s)
	}
	edgetest.Whole(t, all...)
	stop := talk(t, 20*time.Millisecond, all...)
	for i, old := range m.Edges {
		fresh := edgetest.NewNode(t, "eu", c.URL(i), replicas(3))
		f.replace(old, fresh)
		drain(t, old)
		old.Edge.Close() // with a goodbye, as a process that ends in good order
		old.Stop()
		before := all[i].Said()
		edgetest.Eventually(t, "they talk on", func() bool { return all[i].Said() > before+20 })
	}
	stop()
	edgetest.Whole(t, all...)
	for _, s := range all {
		if left := s.Left(); len(left) > 0 {
			t.Errorf("%v were said to have left", left)
		}
		if times, _ := s.Resumes(); times == 0 {
			t.Error("a speaker never had to resume")
		}
	}
}

// drain drains a node, and looks meanwhile at what it answers to those who come anew.
func drain(t *testing.T, n *edgetest.Node) {
	t.Helper()
	const limit = 8 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	waiting := edgetest.Connect(t, n, "idle") // who neither heeds nor talks
	start := time.Now()
	done := make(chan struct{})
	go func() { n.Edge.Drain(ctx); close(done) }()
	edgetest.Await[wire.GoawayEvent](waiting, wire.EvGoaway, nil)
	if got := status(t, n, "/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("readyz of an edge that drains: %d", got)
	}
	if got := status(t, n, "/livez"); got != http.StatusOK {
		t.Errorf("livez of an edge that drains: %d", got)
	}
	_, res, err := websocket.Dial(ctx, n.URL, &websocket.DialOptions{Subprotocols: []string{wire.Subprotocol}})
	if err == nil || res == nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a new socket to an edge that drains: %v", err)
	}
	<-done
	if took := time.Since(start); took > limit*3/4 || ctx.Err() != nil {
		t.Errorf("the drain took %v of %v", took, limit)
	}
	if code := waiting.CloseCode(); code != wire.CloseDraining {
		t.Errorf("who ignored the goaway got %d", code)
	}
	if n := gauge(t, n, "callmesh_edge_sockets"); n != 0 {
		t.Errorf("%v sockets are left", n)
	}
}
