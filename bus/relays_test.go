package bus_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

func relay(region wire.Region, id wire.RelayID) wire.Relay {
	return wire.Relay{
		ID: id, Region: region, URLs: []string{"turn:" + string(id) + ".example.org:3478?transport=udp"}, Realm: "example.org",
		Health: wire.RelayHealthy, ForMs: 60_000, Key: "0123456789abcdef", Load: 3, Capacity: 100, LeaseMs: 3000, Software: "Coturn-4.6.1",
	}
}

// follow watches the registry until the test ends.
func follow(t testing.TB, b *bus.Bus) *bus.Relays {
	t.Helper()
	rs := b.WatchRelays(nil)
	t.Cleanup(rs.Close)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := rs.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	return rs
}

// guest is a bus that makes nothing.
func guest(t testing.TB, url string, region wire.Region) *bus.Bus {
	t.Helper()
	o := node(t, url)
	o.Region, o.Guest = region, true
	return ready(t, o)
}

func listed(t testing.TB, rs *bus.Relays, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("relays %q", want), func() error {
		var got []string
		for _, r := range rs.List() {
			s := string(r.Region) + "/" + string(r.ID) + " " + string(r.Health)
			if r.Draining {
				s += " draining"
			}
			got = append(got, s)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Errorf("got %q", got)
		}
		return nil
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A relay is announced, known to who watches and to who comes later, gone when it is withdrawn, and gone in bounded time when its agent falls silent.
func TestRelays(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	edge := ready(t, node(t, c.URL(0)))
	early := follow(t, edge)
	agent := guest(t, c.URL(0), "eu")

	r := relay("eu", "one")
	must(t, agent.AnnounceRelay(t.Context(), r))
	listed(t, early, "eu/one healthy")
	late := follow(t, guest(t, c.URL(0), ""))
	listed(t, late, "eu/one healthy")
	got := late.List()[0]
	if got.URLs[0] != r.URLs[0] || got.Key != r.Key || got.Load != 3 || got.Capacity != 100 || got.LeaseMs != 3000 {
		t.Errorf("read back as %+v", got)
	}
	if since := time.Since(got.Since); since < 59*time.Second || since > 70*time.Second {
		t.Errorf("healthy for %v, want a minute", since)
	}

	r.Health, r.Why, r.URLs, r.Down = wire.RelayFailing, "udp4.allocate", nil, []wire.RelayDown{{URL: r.URLs[0], Why: "udp4.allocate"}}
	must(t, agent.AnnounceRelay(t.Context(), r))
	listed(t, early, "eu/one failing")
	must(t, agent.AnnounceRelay(t.Context(), relay("eu", "two")))
	listed(t, early, "eu/one failing", "eu/two healthy")
	must(t, agent.WithdrawRelay(t.Context(), "eu", "one"))
	listed(t, early, "eu/two healthy")

	began := time.Now()
	listed(t, early)
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("a silent agent's relay aged out after %v, its lease is 3 s", took)
	}
	listed(t, follow(t, guest(t, c.URL(0), "eu")))
}

// What operators say outlives agents, and is known to who comes later.
func TestRelayMarks(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	b := ready(t, node(t, c.URL(0)))
	rs := follow(t, b)
	must(t, b.AnnounceRelay(t.Context(), relay("eu", "one")))
	must(t, b.DrainRelay(t.Context(), "eu", "one", time.Hour))
	must(t, b.SetSigner(t.Context(), "eu", "00112233445566aa"))
	for _, rs := range []*bus.Relays{rs, follow(t, guest(t, c.URL(0), ""))} {
		eventually(t, "the signer is known", func() error {
			if k := rs.Signer("eu"); k != "00112233445566aa" {
				return fmt.Errorf("%q", k)
			}
			return nil
		})
		listed(t, rs, "eu/one healthy draining")
		if !rs.Draining("eu", "one") || rs.Draining("eu", "two") || rs.Draining("us", "one") || rs.Signer("us") != "" {
			t.Error("others are draining, or sign, too")
		}
	}
	must(t, b.DrainRelay(t.Context(), "eu", "one", 0))
	listed(t, rs, "eu/one healthy")
	must(t, b.DrainRelay(t.Context(), "eu", "one", time.Second))
	listed(t, rs, "eu/one healthy draining")
	eventually(t, "draining ends", func() error {
		if rs.Draining("eu", "one") {
			return fmt.Errorf("it is")
		}
		return nil
	})
	for what, err := range map[string]error{
		"a key that is none":   b.SetSigner(t.Context(), "eu", "secret"),
		"a name that is none":  b.DrainRelay(t.Context(), "eu", "a.b", time.Hour),
		"longer than can be":   b.DrainRelay(t.Context(), "eu", "a", 8*24*time.Hour),
		"a region that is not": b.SetSigner(t.Context(), ">", "00112233445566aa"),
	} {
		if err == nil {
			t.Errorf("%s was taken", what)
		}
	}
}

// While NATS is away, what was known stays; once it is back, an agent that speaks again is known as before, and one that does not is gone after a lease.
func TestRelaysOutliveNATS(t *testing.T) {
	t.Parallel()
	p := bustest.NewProcess(t)
	b := ready(t, node(t, p.URL()))
	rs := follow(t, b)
	must(t, b.AnnounceRelay(t.Context(), relay("eu", "back")))
	must(t, b.AnnounceRelay(t.Context(), relay("eu", "gone")))
	listed(t, rs, "eu/back healthy", "eu/gone healthy")
	p.Kill()
	eventually(t, "the loss is seen", func() error {
		if b.Ready() {
			return fmt.Errorf("it is not")
		}
		return nil
	})
	outage := time.Now().Add(4 * time.Second) // longer than a lease
	eventually(t, "a lease passes", func() error {
		if n := len(rs.List()); n != 2 {
			t.Fatalf("%d relays are known without NATS", n)
		}
		if time.Now().Before(outage) {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	p.Start()
	waitReady(t, b)
	eventually(t, "the agent is heard again", func() error { return b.AnnounceRelay(t.Context(), relay("eu", "back")) })
	said := time.Now()
	eventually(t, "the one that is silent is gone, and the other is not", func() error {
		if time.Since(said) > time.Second {
			said = time.Now()
			must(t, b.AnnounceRelay(t.Context(), relay("eu", "back")))
		}
		list := rs.List()
		if len(list) == 0 || list[0].ID != "back" {
			t.Fatalf("an agent that spoke again is not known: %+v", list)
		}
		if len(list) > 1 {
			return fmt.Errorf("%d are known", len(list))
		}
		return nil
	})
}

// Each region's registry is its own, and read from everywhere.
func TestRelaysOfTwoRegions(t *testing.T) {
	t.Parallel()
	m := bustest.Super(t, 1, "eu", "us")
	o := node(t, m.Region("us").URL(0))
	o.Region = "us"
	us := ready(t, o)
	eu := ready(t, node(t, m.Region("eu").URL(0)))
	rs := eu.WatchRelays(nil)
	t.Cleanup(rs.Close)
	long := relay("us", "b")
	long.LeaseMs = 60_000
	must(t, us.AnnounceRelay(t.Context(), long))
	long = relay("eu", "a")
	long.LeaseMs = 60_000
	must(t, eu.AnnounceRelay(t.Context(), long))
	listed(t, rs, "eu/a healthy", "us/b healthy")

	m.Isolate(bustest.Blackhole, "us")
	must(t, eu.WithdrawRelay(t.Context(), "eu", "a"))
	listed(t, rs, "us/b healthy")
	m.Heal()
	must(t, us.WithdrawRelay(t.Context(), "us", "b"))
	listed(t, rs)
}

// A guest makes no streams and changes none, and is ready once an edge of its region has been there.
func TestGuest(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	o := node(t, c.URL(0))
	said := &syncedText{}
	o.Guest, o.Replicas, o.Logger = true, 5, said.logger()
	early := open(t, o)
	o.Region = "us"
	stranger := open(t, o)
	says := func(what string) {
		t.Helper()
		eventually(t, "a guest says: "+what, func() error {
			if !strings.Contains(said.String(), what) {
				return fmt.Errorf("it says %s", said)
			}
			return nil
		})
	}
	says("no edge has been here yet")
	if early.Ready() || len(early.Regions()) != 0 {
		t.Error("a guest is ready, or knows a region, before there is any")
	}
	e := ready(t, edge(t, c.URL(0), "e"))
	waitReady(t, early)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := e.HoldLease(ctx, func() bus.Lease { return bus.Lease{TURNKeys: []wire.KeyID{"0123456789abcdef"}} }, bus.LeaseEvents{Found: func(bus.Lease) {}, Lost: func(wire.EdgeID) {}}); err != nil {
		t.Fatal(err)
	}
	if err := early.HoldLease(ctx, nil, bus.LeaseEvents{Found: func(bus.Lease) {}, Lost: func(wire.EdgeID) {}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the guest hears the edge", func() error {
		if others := early.Others(); len(others) != 1 || len(others[0].TURNKeys) != 1 {
			return fmt.Errorf("%+v", others)
		}
		return nil
	})
	if others := e.Others(); len(others) != 0 {
		t.Errorf("a guest passes for an edge: %+v", others)
	}
	says("no edge of region us has been here yet; the regions that there are: eu")
	if stranger.Ready() {
		t.Error("a guest of a region without edges is ready")
	}
	wantErr(t, "announcing where nobody is", stranger.AnnounceRelay(t.Context(), relay("us", "one")), bus.ErrUnavailable)
}
