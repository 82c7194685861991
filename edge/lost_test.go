package edge

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

// insideRoom opens a room on the edge, as a member would.
func insideRoom(t *testing.T, e *Edge) *room {
	t.Helper()
	r, err := e.enter(t.Context(), "lobby")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func say(t *testing.T, b *bus.Bus, s bus.Scope, env *wire.Envelope) {
	t.Helper()
	stored := make(chan error, 1)
	b.Publish(s, bus.ToAll, env.Append(nil), func(err error) { stored <- err })
	if err := <-stored; err != nil {
		t.Fatal(err)
	}
}

// An edge that is heard between the doubt about it and the note that it is lost stays: nobody would take the note back, and its peers would all be dropped.
func TestAnEdgeThatIsHeardIsNotLost(t *testing.T) {
	url := bustest.Cluster(t, 1).URL(0)
	here, there := insideEdge(t, url, nil), insideEdge(t, url, nil)
	eventually(t, "the edge is heard", func() bool { return here.bus.Alive(there.id) })
	if _, lost := here.noteLost(there.id); lost {
		t.Error("an edge that holds its lease counts as lost")
	}
}

// An edge that began and died while this one was cut off leaves events in the streams, and no lease that could be lost.
func TestPeersOfAnEdgeThatWasNeverHeardGo(t *testing.T) {
	url := bustest.Cluster(t, 1).URL(0)
	e := insideEdge(t, url, func(o *Options) { o.Limits.Grace = 100 * time.Millisecond })
	r := insideRoom(t, e)
	peer := wire.Peer{Peer: wire.NewPeerID(), User: wire.User{ID: "ann"}, Region: "eu"}
	env := wire.Envelope{Kind: wire.KindEvent, Event: wire.EvJoined, Source: wire.NewSource(), N: 1, At: time.Now().UnixMilli(), Edge: "dead", From: peer.Peer}
	env.Body = joinedFrame(r.id, peer)(nil, env.Mid(), env.At)
	say(t, openBus(t, url), r.scope, &env)
	there := func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.remote[peer.Peer] != nil
	}
	heard := func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.seq.applied(env.Source) == 1
	}
	eventually(t, "the peer is known", heard)
	eventually(t, "the peer is gone", func() bool { return !there() })
}

// What an edge sent last is read back though the streams can't be read just when it is missed.
func TestWhatALostEdgeSentIsReadOnceItCanBe(t *testing.T) {
	url := bustest.Cluster(t, 1).URL(0)
	logged := &lines{}
	e := insideEdge(t, url, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(logged, nil)) })
	r := insideRoom(t, e)
	last := wire.Envelope{Kind: wire.KindEvent, Event: wire.EvPost, Source: wire.NewSource(), N: 1, At: time.Now().UnixMilli(), Edge: "dead", From: wire.NewPeerID(), Body: []byte("{}")}
	r.sub.Close() // so what is said now has missed this edge

	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	name, err := js.StreamNameBySubject(t.Context(), "cm.eu."+string(r.scope)+".x")
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	r.edges["dead"] = last.Source
	r.mu.Unlock()
	e.edgeLost("dead") // if the sweep was not quicker
	eventually(t, "it can't be read", func() bool { return strings.Contains(logged.String(), "could not be read back") })
	if _, err := js.CreateStream(t.Context(), stream.CachedInfo().Config); err != nil {
		t.Fatal(err)
	}
	say(t, openBus(t, url), r.scope, &last)
	eventually(t, "it is read back", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.seq.applied(last.Source) == 1
	})
}

// lines are what a log has.
type lines struct {
	mu sync.Mutex // guards the following
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
