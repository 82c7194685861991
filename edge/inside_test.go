package edge

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge/auth"
)

// insidePatience bounds each wait of the tests that look inside an edge.
const insidePatience = 30 * time.Second

type noTokens struct{}

func (noTokens) Verify(context.Context, string) (auth.Claims, error) {
	return auth.Claims{}, errors.New("no token is good here")
}

func openBus(t *testing.T, url string) *bus.Bus {
	t.Helper()
	b, err := bus.Open(bus.Options{Name: t.Name(), Region: "eu", URLs: []string{url}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	ctx, cancel := context.WithTimeout(t.Context(), insidePatience)
	defer cancel()
	if err := b.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return b
}

// insideEdge is a whole edge, on a bus of its own.
func insideEdge(t *testing.T, url string, change func(*Options)) *Edge {
	t.Helper()
	opts := Options{Bus: openBus(t, url), Verifier: noTokens{}, ResumeSecret: make([]byte, 32), Limits: DefaultLimits()}
	if change != nil {
		change(&opts)
	}
	e, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(insidePatience); !ok(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("not in time: " + what)
		}
	}
}

// Whoever closes a socket may hold the lock of an inbox, and even the edge's; who cuts it at the same moment needs the edge's. Neither waits for the other.
func TestClosingASocketWaitsForNobodyWhoCutsIt(t *testing.T) {
	e := insideEdge(t, bustest.Cluster(t, 1).URL(0), nil)
	server := httptest.NewServer(e.Handler())
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), insidePatience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(server.URL, "http")+"/v1/ws", &websocket.DialOptions{Subprotocols: []string{wire.Subprotocol}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	eventually(t, "the edge knows the socket", func() bool { return len(e.socketList()) == 1 })
	sock := e.socketList()[0]

	cut, closed := make(chan struct{}), make(chan struct{})
	e.mu.Lock()
	unlock := sync.OnceFunc(e.mu.Unlock)
	defer unlock() // also when it fails: who ends the edge needs it
	go func() { defer close(cut); sock.cut() }()
	eventually(t, "it is being cut", func() bool {
		sock.queue.mu.Lock()
		defer sock.queue.mu.Unlock()
		return sock.queue.closed
	})
	go func() { defer close(closed); sock.close(wire.CloseSlow, "too slow") }()
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Error("to close the socket waits for the edge's lock")
	}
	unlock()
	for what, done := range map[string]chan struct{}{"cut": cut, "closed": closed} {
		select {
		case <-done:
		case <-time.After(insidePatience):
			t.Errorf("the socket is never %s", what)
		}
	}
}

// A message of this edge is stored and acked, and what its stream tells of it is dropped on the way here, by a full channel: nobody follows it, and it is fetched.
func TestAnOwnMessageThatWasDroppedIsFetched(t *testing.T) {
	e := insideEdge(t, bustest.Cluster(t, 1).URL(0), nil)
	r := insideRoom(t, e)
	r.sub.Close()
	const peer = "aaaaaaaaaaaaaaaa"
	done := make(chan error, 1)
	r.mu.Lock()
	env := r.publishLocked(&outgoing{event: wire.EvPost, from: peer, frame: func(dst []byte, mid wire.Mid, at int64) []byte {
		return wire.AppendPost(dst, mid, at, r.id, peer, wire.User{ID: "a"}, []byte("1"))
	}}, func(err error) { done <- err })
	r.mu.Unlock()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := r.listen(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is heard", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.seq.applied(r.out.source) == env.N
	})
}
