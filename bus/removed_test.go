package bus_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

// A region that is gone for good is one no more, once what NATS lists of it is deleted, as RUNBOOK says.
func TestARegionIsTakenAway(t *testing.T) {
	t.Parallel()
	m := bustest.Super(t, 1, "eu", "us", "asia")
	var all []*bus.Bus
	for _, r := range []wire.Region{"eu", "us", "asia"} {
		b := open(t, inRegion(t, m.Region(string(r)).URL(0), r))
		if err := b.HoldLease(t.Context(), func() bus.Lease { return bus.Lease{} }, bus.LeaseEvents{Found: func(bus.Lease) {}, Lost: func(wire.EdgeID) {}}); err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	knows := func(n int) func() error {
		return func() error {
			for _, b := range all[:2] {
				if got := b.Regions(); len(got) != n {
					return fmt.Errorf("%s knows %q", b.Region(), got)
				}
			}
			return nil
		}
	}
	eventually(t, "all three are known", knows(3))
	m.Isolate(bustest.Blackhole, "asia")
	nc, err := nats.Connect(m.Region("eu").URL(0))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	eventually(t, "its streams are listed no more", func() error {
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		defer stop()
		left := 0
		names := js.StreamNames(ctx)
		for name := range names.Name() {
			if strings.HasPrefix(name, "CM_asia_") || strings.HasSuffix(name, "_asia") {
				left++
				if err := nc.PublishRequest("$JS.API.STREAM.DELETE."+name, nats.NewInbox(), nil); err != nil {
					return err
				}
			}
		}
		if left > 0 {
			return fmt.Errorf("%d left", left)
		}
		return names.Err()
	})
	t.Logf("deleted after %v", time.Since(begun))
	all = []*bus.Bus{open(t, inRegion(t, m.Region("eu").URL(0), "eu")), open(t, inRegion(t, m.Region("us").URL(0), "us"))}
	eventually(t, "two are known to edges that start anew", knows(2))
	t.Logf("forgotten after %v", time.Since(begun))
}
