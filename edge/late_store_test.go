package edge_test

import (
	"encoding/json"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// TestASecondTryThatIsStoredLate has a stream take a try long after another of the same message was heard, as from a NATS node that was cut off: who resumes meanwhile
// reads the late one alone, and is not given it again.
func TestASecondTryThatIsStoredLate(t *testing.T) {
	t.Parallel() // it waits
	m := on(t, 2)
	m.Await()
	a, b := m.Edges[0], m.Edges[1]
	ann, bob := edgetest.Connect(t, a, "ann"), edgetest.Connect(t, b, "bob")
	cid := edgetest.Connect(t, b, "cid")
	for _, c := range []*edgetest.Client{ann, bob, cid} {
		join(c, "lobby")
	}
	first := time.Now()
	edgetest.Must[wire.PostOK](ann, wire.OpPost, wire.PostArgs{Room: "lobby", Data: json.RawMessage(`"x"`), Key: "1"})
	edgetest.Await(bob, wire.EvPost, func(e wire.PostEvent) bool { return string(e.Data) == `"x"` })
	until(t, "a resume does not read so far back", time.Now().Add(12*time.Second))
	bob.MustRaw(wire.OpPing, wire.PingArgs{}) // a fresh key
	bob.Cut()

	env := wire.Envelope{
		Kind: wire.KindEvent, Event: wire.EvPost, Source: wire.NewSource(), N: 1, At: first.UnixMilli(), Edge: "cutoff", From: ann.Peer(), Key: []byte("1"),
	}
	env.Body = wire.AppendPost(nil, env.Mid(), env.At, "lobby", ann.Peer(), wire.User{ID: "ann", Name: "ann"}, []byte(`"x"`))
	done := make(chan error, 1)
	a.Bus.Publish(bus.RoomScope("lobby"), bus.ToAll, env.Append(nil), func(err error) { done <- err })
	noError(t, <-done)
	bob = bob.Resume(b)
	for _, c := range []*edgetest.Client{bob, cid} {
		c.Flush("lobby", ann)
	}
	for _, e := range bob.Events(wire.EvPost) {
		var post wire.PostEvent
		noError(t, json.Unmarshal(e.Raw, &post))
		if string(post.Data) == `"x"` {
			t.Errorf("it came twice: %s", e.Raw)
		}
	}
}
