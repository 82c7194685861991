package edge_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// seeded gives a test its random moments, and says how to have them again.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// replicated starts an edge on each of the three nodes of a NATS cluster, which all keep every stream.
func replicated(t *testing.T, change ...edgetest.Config) (*bustest.Region, *edgetest.Mesh) {
	t.Helper()
	c := bustest.Cluster(t, 3)
	m := edgetest.Start(t, "eu", nil)
	for i := range 3 {
		m.Add("eu", c.URL(i), append([]edgetest.Config{replicas(3)}, change...)...)
	}
	m.Await()
	return c, m
}

// until waits for a moment of the test.
func until(t *testing.T, what string, at time.Time) {
	t.Helper()
	edgetest.Eventually(t, what, func() bool { return time.Now().After(at) })
}

// TestAPartition cuts one of three NATS nodes off, with the edge that is on it, for longer than a lease: that edge says so at once, and gives its sessions
// away; they go on elsewhere, and nothing that was accepted is lost, doubled or out of order on any side.
func TestAPartition(t *testing.T) {
	for name, mode := range map[string]bustest.Mode{"cut": bustest.Cut, "blackhole": bustest.Blackhole} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // as most here: they wait, for elections and leases
			testPartition(t, mode)
		})
	}
}

func testPartition(t *testing.T, mode bustest.Mode) {
	random := seeded(t)
	c, m := replicated(t)
	lone := random.IntN(3)
	away := turns(m.Edges[(lone+1)%3], m.Edges[(lone+2)%3])
	var all []*edgetest.Speaker
	for i, n := range m.Edges {
		all = append(all, edgetest.NewSpeaker(t, n, fmt.Sprint("user", i), "r", away))
	}
	edgetest.Whole(t, all...)
	stop := talk(t, 20*time.Millisecond, all...)
	until(t, "they talk", time.Now().Add(time.Duration(random.IntN(1000))*time.Millisecond))

	c.Partition(mode, []int{lone}, []int{(lone + 1) % 3, (lone + 2) % 3})
	edgetest.Eventually(t, "the edge knows that its streams take nothing", func() bool { return !m.Edges[lone].Edge.Ready() })
	idle := edgetest.Dial(t, m.Edges[lone].URL)
	if a := idle.Do(wire.OpHello, wire.HelloArgs{Token: edgetest.Token(t, "new", time.Hour)}); a.Error == nil || a.Error.Code != wire.CodeUnavailable {
		t.Errorf("a hello to the edge that is cut off: %+v", a)
	}
	if code := idle.CloseCode(); code != wire.CloseBusLost {
		t.Errorf("a hello to the edge that is cut off was closed with %d", code)
	}
	c0 := all[lone].Client()
	start := time.Now()
	edgetest.Eventually(t, "the speaker is sent elsewhere", func() bool { return all[lone].Client() != c0 })
	if code := c0.CloseCode(); code != wire.CloseBusLost {
		t.Errorf("the socket of the edge that is cut off got %d after %v", code, time.Since(start))
	}
	before := all[lone].Said()
	edgetest.Eventually(t, "it talks on elsewhere", func() bool { return all[lone].Said() > before+20 })
	until(t, "the partition lasts", time.Now().Add(time.Duration(random.IntN(3000))*time.Millisecond))

	c.Heal()
	c.Await()
	edgetest.Eventually(t, "the edge is back", func() bool { return m.Edges[lone].Edge.Ready() })
	back := all[(lone+1)%3]
	back.Move(m.Edges[lone]) // it serves again
	before = back.Said()
	edgetest.Eventually(t, "one talks there", func() bool { return back.Said() > before+20 })
	stop()
	edgetest.Whole(t, all...)
	for _, s := range all {
		if left := s.Left(); len(left) > 0 {
			t.Errorf("%v were said to have left", left)
		}
		times, slowest := s.Refused()
		t.Logf("%d posts got unavailable, after %v at most", times, slowest)
	}
	edgetest.Eventually(t, "the edge that was cut off has let its session go", func() bool {
		there := 0.0 // those who were cut off once more meanwhile are elsewhere
		for _, s := range all {
			if s.Client().Hello.Edge == m.Edges[lone].Bus.Edge() {
				there++
			}
		}
		return gauge(t, m.Edges[lone], "callmesh_edge_sessions") == there
	})
}

// TestAShortPartition is over before any lease is: nobody may be said to have left, and what was said meanwhile is heard.
func TestAShortPartition(t *testing.T) {
	t.Parallel()
	random := seeded(t)
	c, m := replicated(t)
	var all []*edgetest.Speaker
	for i, n := range m.Edges {
		all = append(all, edgetest.NewSpeaker(t, n, fmt.Sprint("user", i), "r", turns(m.Edges...)))
	}
	edgetest.Whole(t, all...)
	for round := range 4 {
		stop := talk(t, 10*time.Millisecond, all...)
		until(t, "they talk", time.Now().Add(time.Duration(random.IntN(300))*time.Millisecond))
		lone := random.IntN(3)
		c.Partition([]bustest.Mode{bustest.Cut, bustest.Blackhole}[round%2], []int{lone})
		until(t, "the partition lasts", time.Now().Add(time.Duration(500+random.IntN(2000))*time.Millisecond))
		c.Heal()
		c.Await()
		stop()
		edgetest.Whole(t, all...)
	}
	for _, s := range all {
		if left := s.Left(); len(left) > 0 {
			t.Errorf("%v were said to have left", left)
		}
	}
}

// TestAPartitionLongerThanTheGrace has each side give the other's peers up. When it heals they are there again, with what they said.
func TestAPartitionLongerThanTheGrace(t *testing.T) {
	t.Parallel()
	c, m := replicated(t, withGrace(4*time.Second))
	ann := edgetest.NewSpeaker(t, m.Edges[0], "ann", "r", turns(m.Edges[0]))
	ben := edgetest.NewSpeaker(t, m.Edges[1], "ben", "r", turns(m.Edges[1]))
	cid := edgetest.Connect(t, m.Edges[2], "cid") // whose edge and NATS node will be cut off, and who goes nowhere
	if !slices.Contains(join(cid, "r"), ben.Client().Peer()) {
		meet(cid, ben.Client())
	}
	edgetest.Eventually(t, "all three are there", func() bool { return len(ann.Peers()) == 2 && len(ben.Peers()) == 2 })
	c.Partition(bustest.Blackhole, []int{2})
	stop := talk(t, 20*time.Millisecond, ann, ben)
	for _, s := range []*edgetest.Speaker{ann, ben} {
		edgetest.Eventually(t, "the one who is cut off is given up", func() bool { return slices.Contains(s.Left(), cid.Peer()) })
		if peers := s.Peers(); len(peers) != 1 {
			t.Errorf("the roster is %v", peers)
		}
	}
	c.Heal()
	c.Await()
	edgetest.Eventually(t, "the edge takes sessions again", func() bool {
		c := edgetest.Dial(t, m.Edges[2].URL)
		defer c.Close()
		return c.Do(wire.OpHello, wire.HelloArgs{Token: edgetest.Token(t, "first", time.Hour)}).Error == nil
	})
	dora := edgetest.NewSpeaker(t, m.Edges[2], "dora", "r", turns(m.Edges[2]))
	before := dora.Said()
	stopDora := talk(t, 20*time.Millisecond, dora)
	edgetest.Eventually(t, "she talks", func() bool { return dora.Said() > before+20 })
	stopDora()
	stop()
	for _, s := range []*edgetest.Speaker{ann, ben} {
		edgetest.Eventually(t, "she is heard", func() bool { return len(s.Heard(dora)) == dora.Said() })
		edgetest.Eventually(t, "nobody who is gone is in the roster", func() bool { return len(s.Peers()) == 2 })
	}
}

// TestTheLastWordsDuringAShortCut has the only member of an edge speak and leave while another edge's NATS node is cut off, for less than a lease: nothing of that
// edge comes to the room after it.
func TestTheLastWordsDuringAShortCut(t *testing.T) {
	t.Parallel()
	c, m := replicated(t)
	ann, bob := edgetest.Connect(t, m.Edges[0], "ann"), edgetest.Connect(t, m.Edges[2], "bob")
	join(ann, "r")
	join(bob, "r")
	meet(ann, bob)
	c.Partition(bustest.Cut, []int{2})
	edgetest.Eventually(t, "a stream takes it", func() bool {
		return ann.Do(wire.OpPost, wire.PostArgs{Room: "r", Data: json.RawMessage(`"the last"`), Key: "1"}).Error == nil
	})
	edgetest.Must[wire.Keyed](ann, wire.OpLeave, wire.LeaveArgs{Room: "r"})
	until(t, "the live word that her edge has gone is lost", time.Now().Add(500*time.Millisecond))
	c.Heal()
	c.Await()
	bob = stays(t, bob, m.Edges[2])
	edgetest.Await(bob, wire.EvPost, func(e wire.PostEvent) bool { return string(e.Data) == `"the last"` })
	edgetest.Await(bob, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Peer == ann.Peer() })
}

// stays resumes if the socket was lost.
func stays(t *testing.T, c *edgetest.Client, n *edgetest.Node) *edgetest.Client {
	t.Helper()
	if c.Open() {
		return c
	}
	return c.Resume(n)
}

// TestThreeWhoJoinAtOnceMeet opens the same room on three nodes at the same moment, when none can know of the others' interest.
func TestThreeWhoJoinAtOnceMeet(t *testing.T) {
	t.Parallel()
	_, m := replicated(t)
	joinAtOnce(t, 120, m.Edges...)
}

// TestALameDuckUnderLoad shuts one NATS node down after the other as an upgrade does, while people talk on edges that are connected to it: the edges leave
// in time, and nothing is lost.
func TestALameDuckUnderLoad(t *testing.T) {
	t.Parallel()
	random := seeded(t)
	c, m := replicated(t)
	var all []*edgetest.Speaker
	for i, n := range m.Edges {
		all = append(all, edgetest.NewSpeaker(t, n, fmt.Sprint("user", i), "r", turns(m.Edges...)))
	}
	edgetest.Whole(t, all...)
	for range 2 {
		stop := talk(t, 10*time.Millisecond, all...)
		lame := random.IntN(3)
		c.Server(lame).LameDuck() // returns when the node has ended
		c.Stop(lame)
		c.Restart(lame)
		c.Await()
		stop()
		edgetest.Whole(t, all...)
	}
	ducks := 0.0
	for _, s := range all {
		if left := s.Left(); len(left) > 0 {
			t.Errorf("%v were said to have left", left)
		}
		if times, _ := s.Resumes(); times > 0 {
			t.Errorf("a session had to resume %d times", times)
		}
	}
	for _, n := range m.Edges {
		ducks += counter(t, n, "callmesh_bus_lame_ducks_total")
	}
	if ducks == 0 {
		t.Error("nobody left a lame duck")
	}
}
