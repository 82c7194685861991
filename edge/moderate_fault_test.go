package edge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/auth"
	"callmesh/edge/edgetest"
	"callmesh/turnctl/turnauth"
)

// TestKickedWhileLost kicks a session without a connection: wherever it resumes, it is out of that room, and hears nothing of what was said there since.
func TestKickedWhileLost(t *testing.T) {
	for _, tt := range []struct {
		name string
		dies bool // the edge that had the session
		to   int
	}{{"resumes where it was", false, 1}, {"resumes elsewhere", false, 2}, {"its edge dies", true, 2}} {
		t.Run(tt.name, func(t *testing.T) {
			m := on(t, 3, withGrace(10*time.Second))
			mod := edgetest.Moderator(t, m.Edges[0], "mod", "r", "s")
			eve := edgetest.Connect(t, m.Edges[1], "eve")
			for _, c := range []*edgetest.Client{eve, mod} {
				join(c, "r")
				join(c, "s")
			}
			say(t, mod, "r", 0, 3)
			wantHeard(t, 3, eve)
			eve.Cut()
			if tt.dies {
				m.Edges[1].Stop()
			}
			until := kick(t, mod, wire.KickArgs{Room: "r", Peer: eve.Peer()})
			if !tt.dies {
				seesKicked(mod, eve)
			}
			say(t, mod, "r", 100, 103)
			edgetest.Eventually(t, "the edge knows", func() bool { return bans(t, m.Edges[tt.to]) > 0 })
			say(t, mod, "s", 3, 6)
			again := eve.Resume(m.Edges[tt.to])
			if rooms := again.Hello.Rooms; !again.Hello.Resumed || len(rooms) != 1 || rooms[0].Room != "s" {
				t.Errorf("resumed: %t, into %+v", again.Hello.Resumed, rooms)
			}
			if ev := edgetest.Await[wire.KickedEvent](again, wire.EvKicked, nil); ev.Room != "r" || ev.Until != until {
				t.Errorf("it is told %+v", ev)
			}
			wantHeard(t, 6, eve, again) // and nothing of 100 to 102
			barred(t, again, "r", keptOut)
			// The roster is right everywhere, at the latest when the grace of a dead edge is over.
			fresh := edgetest.Moderator(t, m.Edges[2], "fresh", "r")
			if got := join(fresh, "r"); tt.dies {
				edgetest.Await(mod, wire.EvLeft, func(e wire.LeftEvent) bool { return e.Room == "r" && e.Peer == eve.Peer() })
			} else if !slices.Equal(got, []wire.PeerID{mod.Peer()}) {
				t.Errorf("the room has %v", got)
			}
		})
	}
}

func bans(t *testing.T, n *edgetest.Node) float64 { return gauge(t, n, "callmesh_bus_rulings") }

// TestKickWithoutABanOutlivesAnEdge has a session that is lost and resumes elsewhere, after a kick that keeps nobody out: it is out of the room until it joins again.
func TestKickWithoutABanOutlivesAnEdge(t *testing.T) {
	m := on(t, 3)
	mod := edgetest.Moderator(t, m.Edges[0], "mod", "*")
	eve, gone := edgetest.Connect(t, m.Edges[1], "eve"), edgetest.Connect(t, m.Edges[1], "ida")
	join(eve, "r")
	join(mod, "r")
	meetOrKnow(t, mod, eve)
	m.Edges[1].Stop()
	kick(t, mod, wire.KickArgs{Room: "r", Peer: eve.Peer(), ForSeconds: seconds(0)})
	kick(t, mod, wire.KickArgs{User: "ida", ForSeconds: seconds(0)})
	edgetest.Eventually(t, "the edge knows", func() bool { return bans(t, m.Edges[2]) == 2 })
	again := eve.Resume(m.Edges[2])
	if len(again.Hello.Rooms) != 0 {
		t.Errorf("resumes into %+v", again.Hello.Rooms)
	}
	edgetest.Await[wire.KickedEvent](again, wire.EvKicked, nil)
	join(again, "r")
	again.Cut()
	if third := again.Resume(m.Edges[0]); len(third.Hello.Rooms) != 1 {
		t.Errorf("having joined again, it resumes into %+v", third.Hello.Rooms)
	}
	c, a := gone.TryResume(m.Edges[2])
	wantError(t, "who was kicked from the mesh", a, wire.CodeGone, "the session has ended: say hello without resume")
	wantClose(t, "who was kicked from the mesh", c, wire.CloseSessionUnknown, "")
}

// meetOrKnow waits until a's edge knows b.
func meetOrKnow(t *testing.T, a, b *edgetest.Client) {
	t.Helper()
	edgetest.Eventually(t, "they know each other", func() bool {
		return a.Do(wire.OpSignal, wire.SignalArgs{Room: "r", To: b.Peer(), Data: json.RawMessage(`1`)}).Error == nil
	})
}

// TestJoinsDuringARuling has users come and go on every edge while they are kicked and the room is locked. Once that is known, nobody is in who may not be.
func TestJoinsDuringARuling(t *testing.T) {
	m := three(t)
	mod := edgetest.Moderator(t, m.Edges[0], "mod", "*")
	join(mod, "r")
	for round := range 6 {
		user := fmt.Sprint("eve", round)
		var clients []*edgetest.Client
		for _, n := range m.Edges {
			clients = append(clients, edgetest.Connect(t, n, user), edgetest.Connect(t, n, user))
		}
		enough := make(chan struct{})
		var wg sync.WaitGroup
		for _, c := range clients {
			wg.Go(func() {
				for {
					select {
					case <-enough:
						return
					default:
					}
					if a := c.Do(wire.OpJoin, wire.JoinArgs{Room: "r"}); a.Error == nil {
						c.Do(wire.OpLeave, wire.LeaveArgs{Room: "r"})
					}
				}
			})
		}
		stop := sync.OnceFunc(func() {
			close(enough)
			wg.Wait()
		})
		t.Cleanup(stop) // before their sockets go: who asked on after the end of a test that failed would end all the others with it
		edgetest.Await(mod, wire.EvJoined, func(e wire.JoinedEvent) bool { return e.User.ID == wire.UserID(user) })
		message := keptOut
		if round%2 == 0 {
			kick(t, mod, wire.KickArgs{Room: "r", User: wire.UserID(user)})
		} else {
			edgetest.Must[wire.Empty](mod, wire.OpLock, wire.LockArgs{Room: "r", Locked: true})
			message = "the room is locked"
		}
		known := func(n *edgetest.Node) bool {
			c := edgetest.Connect(t, n, user)
			defer c.Close()
			return c.Do(wire.OpJoin, wire.JoinArgs{Room: "r"}).Error != nil
		}
		for _, n := range m.Edges {
			edgetest.Eventually(t, "the edge knows", func() bool { return known(n) })
		}
		stop()
		for _, c := range clients {
			c.Do(wire.OpLeave, wire.LeaveArgs{Room: "r"}) // those who were in before a lock may be in
			barred(t, c, "r", message)
		}
		edgetest.Eventually(t, "none of them is in the room", func() bool {
			fresh := edgetest.Moderator(t, m.Edges[round%3], "fresh", "r")
			defer fresh.Close()
			ok := edgetest.Must[wire.JoinOK](fresh, wire.OpJoin, wire.JoinArgs{Room: "r"})
			return !slices.ContainsFunc(ok.Peers, func(p wire.Peer) bool { return p.User.ID == wire.UserID(user) })
		})
		edgetest.Must[wire.Empty](mod, wire.OpLock, wire.LockArgs{Room: "r"})
		for _, c := range clients {
			c.Close()
		}
		admitted(t, edgetest.Connect(t, m.Edges[(round+1)%3], "anybody"), "r")
	}
}

// TestAFreshEdgeLetsNobodyInWhoIsOut has edges come up, and who is kept out at their door at once.
func TestAFreshEdgeLetsNobodyInWhoIsOut(t *testing.T) {
	url := bustest.Cluster(t, 1).URL(0)
	first := edgetest.NewNode(t, "eu", url)
	mod := edgetest.Moderator(t, first, "mod", "*")
	edgetest.Must[wire.Empty](mod, wire.OpLock, wire.LockArgs{Room: "locked", Locked: true})
	kick(t, mod, wire.KickArgs{User: "mallory"})
	for i := range 10 {
		user := fmt.Sprint("eve", i)
		kick(t, mod, wire.KickArgs{Room: "r", User: wire.UserID(user)})
		n := edgetest.NewNode(t, "eu", url)
		c := edgetest.Connect(t, n, user)
		wantError(t, "banned", c.Do(wire.OpJoin, wire.JoinArgs{Room: "r"}), wire.CodeForbidden, "")
		wantError(t, "locked", c.Do(wire.OpJoin, wire.JoinArgs{Room: "locked"}), wire.CodeForbidden, "the room is locked")
		_, a := hello(t, n, wire.HelloArgs{Token: token(t, "mallory")})
		wantError(t, "hello", a, wire.CodeForbidden, "")
		wantMetrics(t, n, "callmesh_edge_refused_total", `callmesh_edge_refused_total{what="join",why="banned"} 1`, `callmesh_edge_refused_total{what="join",why="locked"} 1`)
		n.Stop()
	}
}

// TestAnEdgeThatCannotKnowLetsNobodyIn takes the bucket away before the edge could read it.
func TestAnEdgeThatCannotKnowLetsNobodyIn(t *testing.T) {
	url := bustest.Cluster(t, 1).URL(0)
	p := bustest.NewProxy(t, strings.TrimPrefix(url, "nats://"))
	b, err := bus.Open(bus.Options{Name: t.Name(), Region: "eu", URLs: []string{"nats://" + p.Addr()}})
	noError(t, err)
	t.Cleanup(b.Close)
	awaitBus(t, b)
	p.Cut() // a bus that is back makes the bucket once, where a new one may do so twice
	edgetest.Eventually(t, "the bus notices", func() bool { return !b.Ready() })
	p.Heal()
	awaitBus(t, b)
	nc, err := nats.Connect(url)
	noError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	noError(t, err)
	noError(t, js.DeleteKeyValue(t.Context(), "cm_rooms_eu"))
	verifier, err := auth.NewVerifier(auth.Options{Secret: turnauth.NewSecret(edgetest.Secret)})
	noError(t, err)
	t.Cleanup(verifier.Close)
	e, err := edge.New(edge.Options{Bus: b, Verifier: verifier, ResumeSecret: []byte(edgetest.Secret)})
	noError(t, err)
	t.Cleanup(e.Close)
	server := httptest.NewServer(e.Handler())
	t.Cleanup(server.Close)
	res, err := http.Get(server.URL + "/readyz")
	noError(t, err)
	noError(t, res.Body.Close())
	if res.StatusCode != http.StatusServiceUnavailable || e.Ready() {
		t.Errorf("readyz says %d, ready %t", res.StatusCode, e.Ready())
	}
	c := edgetest.Dial(t, strings.Replace(server.URL, "http", "ws", 1)+"/v1/ws")
	wantError(t, "hello", c.Do(wire.OpHello, wire.HelloArgs{Token: token(t, "ann")}), wire.CodeUnavailable, "")
	wantClose(t, "hello", c, wire.CloseBusLost, "")
	// Once it is there, the edge serves.
	_, err = js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "cm_rooms_eu"})
	noError(t, err)
	edgetest.Eventually(t, "the edge is ready", e.Ready)
	c = edgetest.Dial(t, strings.Replace(server.URL, "http", "ws", 1)+"/v1/ws")
	if a := c.Do(wire.OpHello, wire.HelloArgs{Token: token(t, "ann")}); a.Error != nil {
		t.Error(a.Error)
	}
}

func awaitBus(t *testing.T, b *bus.Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), edgetest.Patience)
	defer cancel()
	noError(t, b.WaitReady(ctx))
}

func TestKickAndLockAcrossRegions(t *testing.T) {
	super := bustest.Super(t, 1, "eu", "asia")
	eu := edgetest.NewNode(t, "eu", super.Region("eu").URL(0))
	asia := edgetest.NewNode(t, "asia", super.Region("asia").URL(0))
	for _, n := range []*edgetest.Node{eu, asia} {
		edgetest.Eventually(t, "both regions are known", func() bool { return len(n.Bus.Regions()) == 2 })
	}
	mod, other := edgetest.Moderator(t, eu, "mod", "*"), edgetest.Moderator(t, asia, "other", "r")
	eve, dan := edgetest.Connect(t, asia, "eve"), edgetest.Connect(t, eu, "dan")
	for _, c := range []*edgetest.Client{eve, dan, mod, other} {
		join(c, "r")
	}
	until := kick(t, mod, wire.KickArgs{Room: "r", User: "eve"})
	seesKicked(mod, eve)
	seesKicked(other, eve)
	if ev := edgetest.Await[wire.KickedEvent](eve, wire.EvKicked, nil); ev.Until != until {
		t.Errorf("told %+v", ev)
	}
	barred(t, eve, "r", keptOut)
	kick(t, other, wire.KickArgs{Room: "r", User: "eve", ForSeconds: seconds(0)}) // lifted in the other region
	admitted(t, eve, "r")
	admitted(t, edgetest.Connect(t, eu, "eve"), "r")

	// What is decided on one side of a partition holds on the other once it has healed, of two the later.
	super.Isolate(bustest.Cut, "asia")
	kick(t, mod, wire.KickArgs{Room: "r", User: "eve"})
	earlier := kick(t, mod, wire.KickArgs{Room: "r", User: "ida"}) - wire.DefaultKickSeconds*1000
	kick(t, other, wire.KickArgs{Room: "r", User: "dan"})
	edgetest.Eventually(t, "the clock goes on", func() bool { return time.Now().UnixMilli() > earlier })
	kick(t, other, wire.KickArgs{Room: "r", User: "ida", ForSeconds: seconds(0)})
	edgetest.Must[wire.Empty](mod, wire.OpLock, wire.LockArgs{Room: "locked", Locked: true})
	super.Heal()
	super.Await()
	edgetest.Await(eve, wire.EvKicked, func(e wire.KickedEvent) bool { return e.Until > until })
	edgetest.Await[wire.KickedEvent](dan, wire.EvKicked, nil)
	for _, n := range []*edgetest.Node{eu, asia} {
		for _, user := range []string{"eve", "dan"} {
			barred(t, edgetest.Connect(t, n, user), "r", keptOut)
		}
		admitted(t, edgetest.Connect(t, n, "ida"), "r")
		barred(t, edgetest.Connect(t, n, "ann"), "locked", "the room is locked")
	}
	// A fresh edge of either region knows it at once.
	for _, region := range []wire.Region{"eu", "asia"} {
		fresh := edgetest.NewNode(t, region, super.Region(string(region)).URL(0))
		for _, user := range []string{"eve", "dan"} {
			c := edgetest.Connect(t, fresh, user)
			wantError(t, user, c.Do(wire.OpJoin, wire.JoinArgs{Room: "r"}), wire.CodeForbidden, "")
		}
	}
}

// TestKickWhileNATSIsAway says that it is not known, and does nothing by halves.
func TestKickWhileNATSIsAway(t *testing.T) {
	m, p := half(t)
	mod := edgetest.Moderator(t, m.Edges[1], "mod", "r")
	eve, near := edgetest.Connect(t, m.Edges[0], "eve"), edgetest.Connect(t, m.Edges[1], "eve")
	for _, c := range []*edgetest.Client{eve, near, mod} {
		join(c, "r")
	}
	cutOff(t, m.Edges[1], p)
	start := time.Now()
	wantError(t, "kick", mod.Do(wire.OpKick, wire.KickArgs{Room: "r", User: "eve"}), wire.CodeUnavailable, "")
	wantError(t, "lock", mod.Do(wire.OpLock, wire.LockArgs{Room: "r", Locked: true}), wire.CodeUnavailable, "")
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("that took %v", took)
	}
	// What is decided elsewhere meanwhile takes effect when the edge is back.
	kick(t, edgetest.Moderator(t, m.Edges[0], "other", "r"), wire.KickArgs{Room: "r", User: "eve"})
	edgetest.Await[wire.KickedEvent](eve, wire.EvKicked, nil)
	p.Delay(60 * time.Millisecond) // it makes sure of its streams for seconds, and hears what was decided before it may publish again
	p.Heal()
	edgetest.Await[wire.KickedEvent](near, wire.EvKicked, nil)
	awaitBus(t, m.Edges[1].Bus)
	barred(t, near, "r", keptOut)
}
