package edge_test

import (
	"fmt"
	"slices"
	"strings"
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

// lateRegistry is a registry that is there only once the edge has its bus.
type lateRegistry struct{ atomic.Pointer[bus.Relays] }

func (l *lateRegistry) List() []bus.RelayState {
	if rs := l.Load(); rs != nil {
		return rs.List()
	}
	return nil
}

func (l *lateRegistry) Signer(r wire.Region) wire.KeyID {
	if rs := l.Load(); rs != nil {
		return rs.Signer(r)
	}
	return ""
}

func relayOf(region wire.Region, id wire.RelayID, key string) wire.Relay {
	host := string(id) + ".example.org"
	return wire.Relay{
		ID: id, Region: region, Health: wire.RelayHealthy, Key: wire.KeyID(key), Load: -1, Capacity: -1, LeaseMs: 60_000,
		URLs: []string{"turns:" + host + ":443?transport=tcp", "turn:" + host + ":3478?transport=tcp", "turn:" + host + ":3478?transport=udp"},
	}
}

// told is what `ice` tells: `region: url url` of each item, and which secret signed it.
func told(t *testing.T, c *edgetest.Client, secrets ...turnauth.Secret) string {
	t.Helper()
	var items []string
	for _, s := range edgetest.Must[wire.ICEOK](c, wire.OpICE, wire.ICEArgs{}).ICEServers {
		signed := "?"
		for _, secret := range secrets {
			if turnauth.Verify([]turnauth.Secret{secret}, s.Username, s.Credential, time.Now()) == nil {
				signed = secret.Reveal()
			}
		}
		items = append(items, fmt.Sprintf("%s by %s: %s", s.Region, signed, strings.Join(s.URLs, " ")))
	}
	return strings.Join(items, "\n")
}

// An edge gives its sessions the relays that the registries of all regions have, as they are now, signed with the secret that the bus names.
func TestRelaysFromTheBus(t *testing.T) {
	t.Parallel()
	m := bustest.Super(t, 1, "eu", "us")
	old, fresh := turnauth.NewSecret("old"), turnauth.NewSecret("new")
	oldKey, freshKey := turnauth.KeyID(old), turnauth.KeyID(fresh)
	var held atomic.Pointer[[]turnauth.Secret]
	held.Store(&[]turnauth.Secret{old})
	var registry lateRegistry
	us := edgetest.NewNode(t, "us", m.Region("us").URL(0))
	eu := edgetest.NewNode(t, "eu", m.Region("eu").URL(0), func(bo *bus.Options, o *edge.Options) {
		o.ICE = edge.NewRelays("eu", edge.RelayOptions{
			Registry: &registry, Secrets: func() []turnauth.Secret { return *held.Load() }, TTL: time.Hour,
			Static: []string{"turn:static.example.org:3478", "turn:one.example.org:3478?transport=udp"}, Registerer: bo.Registerer,
		})
	})
	heard := eu.Bus.WatchRelays(nil)
	t.Cleanup(heard.Close)
	registry.Store(heard)
	ann := edgetest.Connect(t, eu, "ann")
	comes := func(want ...string) {
		t.Helper()
		var got string
		defer func() {
			if t.Failed() {
				t.Logf("the last was\n%s", got)
			}
		}()
		edgetest.Eventually(t, fmt.Sprintf("%q", want), func() bool { got = told(t, ann, old, fresh); return got == strings.Join(want, "\n") })
	}
	comes("eu by old: turn:static.example.org:3478 turn:one.example.org:3478?transport=udp")

	urls := func(id string) string {
		return strings.ReplaceAll("turn:ID.example.org:3478?transport=udp turn:ID.example.org:3478?transport=tcp turns:ID.example.org:443?transport=tcp", "ID", id)
	}
	static := "eu by old: turn:static.example.org:3478"
	announce := func(r wire.Relay) {
		t.Helper()
		if err := us.Bus.AnnounceRelay(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	one := relayOf("eu", "one", oldKey)
	announce(one)
	announce(relayOf("us", "two", oldKey))
	comes("eu by old: "+urls("one"), static, "us by old: "+urls("two"))

	one.Health, one.Why, one.Down, one.URLs = wire.RelayFailing, "udp4.allocate", []wire.RelayDown{{URL: one.URLs[2], Why: "udp4.allocate"}}, nil
	announce(one)
	comes(static, "us by old: "+urls("two"))
	counted := func(own, other string) string {
		text := "# HELP callmesh_edge_relays Relays in the registry, by where they stand (own: the edge's region, other) and by state (healthy, full, draining, failing).\n# TYPE callmesh_edge_relays gauge\n"
		for _, l := range [][2]string{{"own", own}, {"other", other}} {
			for _, state := range []string{"draining", "failing", "full", "healthy"} {
				n := 0
				if state == l[1] {
					n = 1
				}
				text += fmt.Sprintf("callmesh_edge_relays{region=%q,state=%q} %d\n", l[0], state, n)
			}
		}
		return text
	}
	if err := testutil.GatherAndCompare(eu.Registry, strings.NewReader(counted("failing", "healthy")), "callmesh_edge_relays"); err != nil {
		t.Error(err)
	}
	one = relayOf("eu", "one", freshKey)
	announce(one)
	comes("eu by old: "+urls("one"), static, "us by old: "+urls("two")) // this edge does not have the new secret: the old one still works
	held.Store(&[]turnauth.Secret{old, fresh})
	comes("eu by new: "+urls("one"), static, "us by old: "+urls("two"))
	if err := us.Bus.SetSigner(t.Context(), "eu", wire.KeyID(freshKey)); err != nil {
		t.Fatal(err)
	}
	static = "eu by new: turn:static.example.org:3478"
	comes("eu by new: "+urls("one"), static, "us by old: "+urls("two"))
	edgetest.Eventually(t, "the other edge hears which secrets this one has", func() bool {
		others := us.Bus.Others()
		return len(others) == 1 && slices.Equal(others[0].TURNKeys, []wire.KeyID{wire.KeyID(oldKey), wire.KeyID(freshKey)})
	})

	if err := us.Bus.DrainRelay(t.Context(), "eu", "one", time.Hour); err != nil {
		t.Fatal(err)
	}
	comes(static, "us by old: "+urls("two"))
	if err := us.Bus.WithdrawRelay(t.Context(), "us", "two"); err != nil {
		t.Fatal(err)
	}
	comes(static)
}
