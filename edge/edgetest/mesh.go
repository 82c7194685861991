// Package edgetest starts real edges on a real NATS for tests, and has a client that speaks the wire contract and nothing more: what the
// tests see of an edge is what any client sees.
package edgetest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/auth"
	"callmesh/turnctl/turnauth"
)

// Secret signs the tokens of test meshes, and their resume keys.
const Secret = "a secret of the test meshes, long enough"

// Patience is how long a test waits for what must come. It is generous, as the machines are slow and shared; nothing waits for it in vain.
const Patience = 20 * time.Second

// Mesh is some edges that share a secret.
type Mesh struct {
	t     testing.TB
	Edges []*Node
}

// Node is one edge, reachable at URL until it is stopped.
type Node struct {
	Edge     *edge.Edge
	Bus      *bus.Bus
	Registry *prometheus.Registry
	URL      string // ws://…/v1/ws
	HTTP     string // http://…

	server *http.Server
	stop   sync.Once
}

// Config changes what an edge is started with.
type Config func(*bus.Options, *edge.Options)

// Start runs one edge for each NATS URL, in the region, and waits until all are ready and know each other.
func Start(t testing.TB, region wire.Region, urls []string, change ...Config) *Mesh {
	t.Helper()
	m := &Mesh{t: t}
	for _, url := range urls {
		m.Add(region, url, change...)
	}
	m.Await()
	return m
}

// Add starts one more edge and returns when it is ready.
func (m *Mesh) Add(region wire.Region, natsURL string, change ...Config) *Node {
	m.t.Helper()
	n := NewNode(m.t, region, natsURL, change...)
	m.Edges = append(m.Edges, n)
	return n
}

// Await waits until every edge that runs sees every other.
func (m *Mesh) Await() {
	m.t.Helper()
	for _, n := range m.Edges {
		for _, o := range m.Edges {
			if n != o {
				Eventually(m.t, "an edge hears another's lease", func() bool { return n.Bus.Alive(o.Bus.Edge()) })
			}
		}
	}
}

// NewNode starts an edge, which the test's end stops, and returns when it is ready.
func NewNode(t testing.TB, region wire.Region, natsURL string, change ...Config) *Node {
	t.Helper()
	n := &Node{Registry: prometheus.NewRegistry()}
	verifier, err := auth.NewVerifier(auth.Options{Secret: turnauth.NewSecret(Secret)})
	must(t, err)
	guests, err := auth.NewSigner(turnauth.NewSecret(Secret), nil)
	must(t, err)
	bo := bus.Options{Name: t.Name(), Region: region, URLs: []string{natsURL}, Registerer: n.Registry}
	eo := edge.Options{Verifier: verifier, Guests: guests, ResumeSecret: []byte(Secret), Limits: edge.DefaultLimits(), Registerer: n.Registry}
	for _, c := range change {
		c(&bo, &eo)
	}
	n.Bus, err = bus.Open(bo)
	must(t, err)
	t.Cleanup(n.Bus.Close)
	eo.Bus = n.Bus
	n.Edge, err = edge.New(eo)
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	n.HTTP = "http://" + listener.Addr().String()
	n.URL = "ws://" + listener.Addr().String() + "/v1/ws"
	n.server = &http.Server{Handler: n.Edge.Handler(), ReadHeaderTimeout: Patience}
	go func() { _ = n.server.Serve(listener) }()
	t.Cleanup(func() { n.Stop(); verifier.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	must(t, n.Bus.WaitReady(ctx))
	return n
}

// Stop ends the edge at once: its sockets are cut and nobody is told.
func (n *Node) Stop() {
	n.stop.Do(func() {
		_ = n.server.Close()
		n.Bus.Close() // first, so that the edge can't say goodbye: this is a crash
		n.Edge.Close()
	})
}

// Token signs a token for a user.
func Token(t testing.TB, user string, ttl time.Duration) string {
	t.Helper()
	signer, err := auth.NewSigner(turnauth.NewSecret(Secret), nil)
	must(t, err)
	token, _, err := signer.Sign(user, user, ttl)
	must(t, err)
	return token
}

// Eventually waits for a condition, which it asks again and again.
func Eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	for wait := time.Millisecond; !is(); wait = min(2*wait, 50*time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
		<-time.After(wait)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
