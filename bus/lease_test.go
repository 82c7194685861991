package bus_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

// holder is a bus that holds a lease, and what it was told of the others.
type holder struct {
	*bus.Bus
	told *log
	end  context.CancelFunc
}

func hold(t *testing.T, o bus.Options) holder {
	t.Helper()
	h := holder{open(t, o), &log{}, nil}
	ctx, end := context.WithCancel(t.Context())
	h.end = end
	err := h.HoldLease(ctx, func() bus.Lease { return bus.Lease{Sessions: 7} }, bus.LeaseEvents{
		Found: func(l bus.Lease) {
			if l.Sessions != 7 || l.Region != "eu" {
				t.Errorf("found %+v", l)
			}
			h.told.add("found " + string(l.Edge))
		},
		Lost: func(e wire.EdgeID) { h.told.add("lost " + string(e)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func edge(t *testing.T, url, id string) bus.Options {
	o := node(t, url)
	o.Edge = wire.EdgeID(id)
	return o
}

// An edge that goes says so and is lost at once; one that dies is lost after its silence, and found again when it is back.
func TestLeases(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	way := bustest.NewProxy(t, "")
	way.SetTarget(c.ClientProxy(0).Addr())
	a, polite := hold(t, edge(t, c.URL(0), "a")), hold(t, edge(t, c.URL(0), "polite"))
	dies := hold(t, edge(t, "nats://"+way.Addr(), "dies"))
	eventually(t, "a knows both", func() error {
		if n := len(a.Others()); n != 2 {
			return fmt.Errorf("%d others", n)
		}
		return nil
	})
	if !a.Alive("a") || !a.Alive("dies") || a.Alive("unknown") {
		t.Errorf("alive: itself %v, dies %v, unknown %v", a.Alive("a"), a.Alive("dies"), a.Alive("unknown"))
	}
	start := time.Now()
	polite.end()
	eventually(t, "the goodbye is heard", heardOf(a, "lost polite"))
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("a goodbye took %v", took)
	}

	start = time.Now()
	way.Cut()
	eventually(t, "its silence is noted", heardOf(a, "lost dies"))
	if took := time.Since(start); took < 4*time.Second || took > 12*time.Second {
		t.Errorf("lost after %v, want some 5 s", took)
	}
	if a.Alive("dies") || len(a.Others()) != 0 {
		t.Errorf("lost, and yet alive: %v", a.Others())
	}
	way.Heal()
	eventually(t, "it is found again", func() error {
		if !a.Alive("dies") {
			return fmt.Errorf("told %q", a.told.list())
		}
		return nil
	})
	// Who was cut off hears nobody; that is no sign that they are gone.
	if slices.Contains(dies.told.list(), "lost a") {
		t.Errorf("the one that was cut off lost the others: %q", dies.told.list())
	}
}

// A way that swallows everything looks like silence of the others, until NATS itself has not answered either.
func TestNoLeaseIsLostWhileCutOff(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	way := bustest.NewProxy(t, c.ClientProxy(0).Addr())
	a, cutOff := hold(t, edge(t, c.URL(0), "a")), hold(t, edge(t, "nats://"+way.Addr(), "cutoff"))
	eventually(t, "they know each other", func() error {
		if !a.Alive("cutoff") || !cutOff.Alive("a") {
			return fmt.Errorf("told %q and %q", a.told.list(), cutOff.told.list())
		}
		return nil
	})
	waitReady(t, cutOff.Bus)
	way.Blackhole()
	eventually(t, "a loses it", heardOf(a, "lost cutoff"))
	eventually(t, "the connection is given up", func() error {
		if cutOff.Ready() {
			return fmt.Errorf("still ready")
		}
		return nil
	})
	way.Heal()
	waitReady(t, cutOff.Bus)
	eventually(t, "a finds it again", func() error {
		if !a.Alive("cutoff") {
			return fmt.Errorf("told %q", a.told.list())
		}
		return nil
	})
	if got := cutOff.told.list(); !slices.Equal(got, []string{"found a"}) || !cutOff.Alive("a") {
		t.Errorf("the one that was cut off was told %q", got)
	}
}

func heardOf(h holder, what string) func() error {
	return func() error {
		if got := h.told.list(); !slices.Contains(got, what) {
			return fmt.Errorf("told %q", got)
		}
		return nil
	}
}
