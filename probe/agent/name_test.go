package agent_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/probe/agent"
)

// namesake starts another agent of the same name.
func (r *rig) namesake() (done chan error, a *agent.Agent) {
	r.t.Helper()
	o := agent.Options{Bus: open(r.t, r.url, bus.Options{Guest: true}), ID: "berlin", Region: "eu", Network: "office", Lease: 3 * time.Second}
	a, err := agent.New(o)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(r.t.Context())
	done, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		done <- a.Run(ctx)
	}()
	r.t.Cleanup(func() { stop(); <-ended })
	return done, a
}

// A second agent of a name that is in use is told whose it is, and ends; the first goes on.
func TestASecondAgentOfTheSameName(t *testing.T) {
	r := start(t, func(o *agent.Options) { o.Lease = 3 * time.Second })
	first := r.announced()
	done, second := r.namesake()
	select {
	case err := <-done:
		h, held := errors.AsType[*bus.HeldError](err)
		if !held || h.Holder.Run != first.Run || !strings.Contains(err.Error(), "run "+string(first.Run)+" of region eu, network dsl has the name since 20") {
			t.Errorf("the second ends with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the second stays")
	}
	if second.Announced() {
		t.Error("the second was announced")
	}
	if now := r.announced(); now.Run != first.Run {
		t.Errorf("the name is %s's now", now.Run)
	}
}

// After a crash the lease lets the agent come back, and whoever comes back has the name: the one before, should it not have died after all, gives way.
func TestAnAgentComesBackAfterACrash(t *testing.T) {
	var crashing *bus.Bus
	r := start(t, func(o *agent.Options) { o.Lease, crashing = 3*time.Second, o.Bus })
	first := r.announced()
	crashing.Close()
	_, again := r.namesake()
	eventually(t, "the name is free", again.Announced)
	eventually(t, "the registry tells so", func() bool {
		now := r.announced()
		return now.Run != first.Run && now.Network == "office"
	})
}

// One whose connection was lost for longer than its lease finds its name another's, and ends.
func TestAnAgentThatLostItsName(t *testing.T) {
	r := start(t, func(o *agent.Options) { o.Lease = 3 * time.Second })
	first := r.announced()
	// As if it had been away until its lease had ended.
	for err := errors.New("not yet"); err != nil; {
		if err = r.b.WithdrawAgent(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		other := first
		other.Run, other.LeaseMs = "abcdefghijklmnop", 60_000
		err = r.b.AnnounceAgent(t.Context(), other)
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); ; {
		select {
		case err := <-r.done:
			if _, held := errors.AsType[*bus.HeldError](err); !held {
				t.Errorf("it ends with %v", err)
			}
			r.done <- nil // for the end of the rig
			return
		case <-tick.C: // the other goes on speaking
			other := first
			other.Run, other.LeaseMs = "abcdefghijklmnop", 60_000
			if err := r.b.AnnounceAgent(t.Context(), other); err != nil {
				t.Fatal(err)
			}
		case <-limit:
			t.Fatal("it stays")
		}
	}
}
