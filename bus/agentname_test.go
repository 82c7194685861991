package bus_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

func held(t testing.TB, err error) *bus.HeldError {
	t.Helper()
	h, ok := errors.AsType[*bus.HeldError](err)
	if !ok {
		t.Fatalf("%v, want that another has the name", err)
	}
	return h
}

// Of two agents of one name the first has it, and the second is told who that is and since when, even if the first speaks of another region. When the first has gone, the name is free.
func TestAnAgentsNameIsOneProcesss(t *testing.T) {
	t.Parallel()
	m := bustest.Super(t, 1, "eu", "us")
	eu, us := bus.Options{Region: "eu", URLs: m.Region("eu").URLs()}, bus.Options{Region: "us", URLs: m.Region("us").URLs()}
	ready(t, eu)
	ready(t, us)
	first, second := guest(t, m.Region("eu").URL(0), ""), guest(t, m.Region("us").URL(0), "")
	eventually(t, "both know both regions", func() error {
		if len(first.Regions())+len(second.Regions()) != 4 {
			return errors.New("not yet")
		}
		return nil
	})
	berlin := vantage("berlin", "eu")
	berlin.LeaseMs, berlin.ForMs = 60_000, 7_200_000
	must(t, first.AnnounceAgent(t.Context(), berlin))
	for _, region := range []wire.Region{"eu", "us", "elsewhere"} {
		h := held(t, second.AnnounceAgent(t.Context(), vantage("berlin", region)))
		if h.Holder.Run != berlin.Run || h.Region != "eu" || h.Said.Sub(h.Since()).Hours() != 2 || !strings.Contains(h.Error(), string(berlin.Run)+" of region eu, network dsl has the name since ") {
			t.Errorf("in %s: %v", region, h)
		}
	}
	before := held(t, second.AnnounceAgent(t.Context(), vantage("berlin", "eu")))
	must(t, first.AnnounceAgent(t.Context(), berlin))
	if after := held(t, second.AnnounceAgent(t.Context(), vantage("berlin", "eu"))); after.Seq <= before.Seq {
		t.Errorf("it has spoken again, at %d after %d", after.Seq, before.Seq)
	}
	must(t, first.WithdrawAgent(t.Context(), berlin))
	must(t, second.AnnounceAgent(t.Context(), vantage("berlin", "us")))
}

// Of many that come at once exactly one has the name.
func TestOfManyAgentsAtOnceOneHasTheName(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 3)
	ready(t, node(t, c.URL(0)))
	var mu sync.Mutex
	var have []wire.PeerID
	var all sync.WaitGroup
	for i := range 6 {
		b, a := guest(t, c.URL(i%3), ""), vantage("berlin", "eu")
		a.LeaseMs = 60_000
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			err := b.AnnounceAgent(ctx, a)
			for errors.Is(err, bus.ErrUnavailable) && ctx.Err() == nil {
				err = b.AnnounceAgent(ctx, a)
			}
			mu.Lock()
			defer mu.Unlock()
			if _, is := errors.AsType[*bus.HeldError](err); err == nil {
				have = append(have, a.Run)
			} else if !is {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(have) != 1 {
		t.Errorf("%v have the name", have)
	}
}
