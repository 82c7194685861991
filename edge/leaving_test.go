package edge_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
	"callmesh/turnctl/turnauth"
)

// hosts are the relays of a list, by the host of each one's first URL.
func hosts(servers []wire.ICEServer) string {
	names := make([]string, len(servers))
	for i, s := range servers {
		names[i], _, _ = strings.Cut(strings.TrimPrefix(s.URLs[0], "turn:"), ".")
	}
	return strings.Join(names, " ")
}

// movedTo is what a client was told unasked, event by event.
func movedTo(t *testing.T, c *edgetest.Client) []string {
	t.Helper()
	var lists []string
	for _, ev := range c.Events(wire.EvICE) {
		e := decode[wire.ICEEvent](t, ev)
		if !ev.Mid.IsZero() || e.ICETTL != 3600 {
			t.Errorf("told %+v", e)
		}
		lists = append(lists, hosts(e.ICEServers))
	}
	return lists
}

// Who was given a relay that begins to drain is told of the others, once and only if there are any; nobody else is told anything.
func TestSessionsAreToldThatARelayLeaves(t *testing.T) {
	t.Parallel()
	secret := turnauth.NewSecret("a")
	var registry lateRegistry
	var relays *edge.Relays
	eu := edgetest.NewNode(t, "eu", bustest.Cluster(t, 1).URL(0), func(bo *bus.Options, o *edge.Options) {
		relays = edge.NewRelays("eu", edge.RelayOptions{
			Registry: &registry, Secrets: func() []turnauth.Secret { return []turnauth.Secret{secret} }, TTL: time.Hour, Registerer: bo.Registerer,
		})
		o.ICE = relays
	})
	heard := eu.Bus.WatchRelays(nil)
	t.Cleanup(heard.Close)
	registry.Store(heard)
	drain := func(id wire.RelayID, keepOut time.Duration) {
		t.Helper()
		if err := eu.Bus.DrainRelay(t.Context(), "eu", id, keepOut); err != nil {
			t.Fatal(err)
		}
	}
	given := func(want string) {
		t.Helper()
		edgetest.Eventually(t, fmt.Sprintf("newcomers are given %q", want), func() bool {
			servers, _ := relays.ICEServers("eu", "ann")
			names := strings.Fields(hosts(servers))
			slices.Sort(names)
			return strings.Join(names, " ") == want
		})
	}
	tells := func(c *edgetest.Client, want ...string) {
		t.Helper()
		edgetest.Eventually(t, fmt.Sprintf("told of %q", want), func() bool { return len(movedTo(t, c)) >= len(want) })
		if got := movedTo(t, c); !slices.Equal(got, want) {
			t.Fatalf("told of %q, want %q", got, want)
		}
	}

	early := edgetest.Connect(t, eu, "eve")
	for _, id := range []wire.RelayID{"one", "two"} {
		if err := eu.Bus.AnnounceRelay(t.Context(), relayOf("eu", id, turnauth.KeyID(secret))); err != nil {
			t.Fatal(err)
		}
	}
	given("one two")
	ann := edgetest.Connect(t, eu, "ann")
	asked := edgetest.Connect(t, eu, "bob")
	edgetest.Must[wire.ICEOK](asked, wire.OpICE, wire.ICEArgs{})

	drain("one", time.Hour)
	tells(ann, "two")
	tells(asked, "two")
	late := edgetest.Connect(t, eu, "carl") // has the other one alone

	// It flaps, and then nothing is left to move to: nobody has to know.
	for range 3 {
		drain("one", 0)
		given("one two")
		drain("one", time.Hour)
		given("two")
	}
	drain("two", time.Hour)
	given("")
	edgetest.Must[wire.ICEOK](asked, wire.OpICE, wire.ICEArgs{}) // knows of no relay from now on

	drain("one", 0)
	tells(ann, "two", "one")
	tells(late, "one")
	drain("two", 0)
	given("one two")
	if got := movedTo(t, early); len(got) > 0 {
		t.Errorf("who was given no relay was told of %q", got)
	}
	if got := movedTo(t, asked); !slices.Equal(got, []string{"two"}) {
		t.Errorf("who asked and was given none was told of %q", got)
	}
	tells(ann, "two", "one")
	want := "# HELP callmesh_edge_relay_moves_total Times that sessions were told of other relays, as one that they had been given was leaving.\n# TYPE callmesh_edge_relay_moves_total counter\ncallmesh_edge_relay_moves_total 4\n"
	if err := testutil.GatherAndCompare(eu.Registry, strings.NewReader(want), "callmesh_edge_relay_moves_total"); err != nil {
		t.Error(err)
	}
}

// slowRegistry is one that can be made to hold up who asks it next, after it has told them of relays; and it counts how often it was asked for these.
type slowRegistry struct {
	lateRegistry
	asked atomic.Int64
	next  atomic.Pointer[func()]
}

func (r *slowRegistry) List() []bus.RelayState {
	r.asked.Add(1)
	return r.lateRegistry.List()
}

func (r *slowRegistry) Signer(region wire.Region) wire.KeyID {
	if held := r.next.Swap(nil); held != nil {
		(*held)()
	}
	return r.lateRegistry.Signer(region)
}

// Who asks just when a relay leaves, and is still told of it, is told that it leaves after that answer and not before.
func TestWhoAsksWhileARelayLeavesIsTold(t *testing.T) {
	t.Parallel()
	secret := turnauth.NewSecret("a")
	var registry slowRegistry
	var relays *edge.Relays
	eu := edgetest.NewNode(t, "eu", bustest.Cluster(t, 1).URL(0), func(_ *bus.Options, o *edge.Options) {
		relays = edge.NewRelays("eu", edge.RelayOptions{
			Registry: &registry, Secrets: func() []turnauth.Secret { return []turnauth.Secret{secret} }, TTL: time.Hour,
		})
		o.ICE = relays
	})
	heard := eu.Bus.WatchRelays(nil)
	t.Cleanup(heard.Close)
	registry.Store(heard)
	for _, id := range []wire.RelayID{"one", "two"} {
		if err := eu.Bus.AnnounceRelay(t.Context(), relayOf("eu", id, turnauth.KeyID(secret))); err != nil {
			t.Fatal(err)
		}
	}
	edgetest.Eventually(t, "there are two relays", func() bool { return len(heard.List()) == 2 })
	ann, bob := edgetest.Connect(t, eu, "ann"), edgetest.Connect(t, eu, "bob")

	asks, goOn := make(chan struct{}), make(chan struct{})
	held, letGo := func() { close(asks); <-goOn }, sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(letGo)
	registry.next.Store(&held)
	answer := ann.Start(wire.OpICE, wire.ICEArgs{})
	<-asks
	if err := eu.Bus.DrainRelay(t.Context(), "eu", "one", time.Hour); err != nil {
		t.Fatal(err)
	}
	edgetest.Eventually(t, "bob is told", func() bool { return slices.Equal(movedTo(t, bob), []string{"two"}) })
	swept := registry.asked.Load()
	edgetest.Eventually(t, "the edge has looked again", func() bool { return registry.asked.Load() >= swept+3 })
	before := len(movedTo(t, ann))
	letGo()
	ok := decode[wire.ICEOK](t, edgetest.Event{Raw: edgetest.Answered(t, wire.OpICE, answer).OK})
	if got := strings.Fields(hosts(ok.ICEServers)); len(got) != 2 {
		t.Fatalf("what ann is answered is no list from before: %q", got)
	}
	edgetest.Eventually(t, "ann is told that one of these leaves", func() bool { return len(movedTo(t, ann)) > before })
	if got := movedTo(t, ann); !slices.Equal(got, []string{"two"}) {
		t.Errorf("ann is told of %q", got)
	}
}
