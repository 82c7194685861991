package fleet

import (
	"context"
	"time"

	"callmesh/bus/wire"
)

// announce says how the relay is: when that changes, when NATS is back, and otherwise often enough for the lease to hold.
func (a *Agent) announce(ctx context.Context) {
	tick := time.NewTicker(a.opts.Pace.Lease() / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			a.withdraw()
			return
		case <-tick.C:
		case <-a.changed:
		}
		a.say(ctx)
	}
}

func (a *Agent) say(ctx context.Context) {
	now := time.Now()
	a.mu.Lock()
	_, known := a.works()
	relay := a.relay(now)
	a.mu.Unlock()
	if !known || !a.opts.Bus.Ready() {
		return // nothing to say, or nobody to say it to: it is said when that changes
	}
	ctx, cancel := context.WithTimeout(ctx, a.opts.Pace.Lease()/3)
	defer cancel()
	err := a.opts.Bus.AnnounceRelay(ctx, relay)
	a.metrics.announced(err)
	if err != nil {
		if ctx.Err() == nil {
			a.log.Warn("the registry of relays did not take it; trying on", "error", err)
		}
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said = now
}

// withdraw takes the relay out of the registry.
func (a *Agent) withdraw() {
	ctx, cancel := context.WithTimeout(context.Background(), withdrawTime)
	defer cancel()
	a.mu.Lock()
	said := a.said
	a.mu.Unlock()
	if said.IsZero() {
		return
	}
	if err := a.opts.Bus.WithdrawRelay(ctx, a.opts.Bus.Region(), a.opts.ID); err != nil {
		a.log.Warn("the relay could not be taken out of the registry; its lease ends by itself", "after", a.opts.Pace.Lease(), "error", err)
		return
	}
	a.log.Info("the relay is taken out of the registry")
}

// relay is what there is to say now. The lock is held, unless nobody has the agent yet.
func (a *Agent) relay(now time.Time) wire.Relay {
	r := wire.Relay{
		ID: a.opts.ID, Region: a.opts.Bus.Region(), Realm: a.opts.Realm, Health: wire.RelayFailing, Key: a.proven,
		Load: a.load.Allocations, Capacity: a.load.Capacity, LeaseMs: a.opts.Pace.Lease().Milliseconds(),
		Software: short(a.load.Software), Agent: short(a.opts.Version), URLs: []string{},
	}
	for _, u := range a.opts.URLs {
		switch h := a.health[u]; {
		case h.OK:
			r.URLs, r.Health = append(r.URLs, u), wire.RelayHealthy
		case h.Known:
			r.Down = append(r.Down, wire.RelayDown{URL: u, Why: short(h.Why)})
			if r.Why == "" {
				r.Why = short(h.Why)
			}
		}
	}
	if r.Health == wire.RelayHealthy {
		r.Why = ""
	}
	if !a.start.IsZero() {
		r.ForMs = now.Sub(a.start).Milliseconds()
	}
	return r
}

// maxSaid is how much of what others said goes into the registry, in bytes.
const maxSaid = 100

func short(s string) string { return wire.PlainText(s, maxSaid) }

// Serving reports whether callers are sent to the relay: it works, and what was last said still holds. Where relays are replaced one after the other, the next one
// waits for that.
func (a *Agent) Serving() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	ok, _ := a.works()
	return ok && time.Since(a.said) < a.opts.Pace.Lease()
}
