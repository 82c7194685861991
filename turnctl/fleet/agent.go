package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/verdict"
)

// Check looks whether callers can use a relay at a URL, with credentials of the secret. It returns soon after ctx has ended.
type Check func(ctx context.Context, url string, secret turnauth.Secret) verdict.Report

// Load is how busy a relay is.
type Load struct {
	Allocations int // now; -1: not known
	Capacity    int // how many there can be; -1: not known
	// BytesPerSecond that it carries, both ways together; -1: not known.
	BytesPerSecond int64
	Software       string // what the relay says that it is; may be empty
}

// unknown is the load of a relay that does not tell.
var unknown = Load{Allocations: -1, Capacity: -1, BytesPerSecond: -1}

// Options are of an agent. Bus, Relay, URLs, Check and Secrets are required.
type Options struct {
	// Bus is where the registry is, opened as a guest of the relay's region.
	Bus *bus.Bus
	// ID and Realm are of the relay; it stands in the bus's region.
	ID    wire.RelayID
	Realm string
	// URLs as callers are given them: 1 to [wire.MaxRelayURLs].
	URLs  []string
	Check Check
	// Load asks how busy the relay is. Nil: that is not known.
	Load func(context.Context) (Load, error)
	// Secrets are those that the relay may have, the one to use unless told otherwise first. They may change.
	Secrets func() []turnauth.Secret
	Pace    Pace
	// Version is the agent's.
	Version string
	// Logger and Registerer may be nil.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Agent checks one relay and says on the bus how it is.
type Agent struct {
	opts    Options
	log     *slog.Logger
	metrics *metrics
	relays  *bus.Relays
	changed chan struct{} // there is something to say at once

	mu      sync.Mutex // guards the following
	health  map[string]Health
	load    Load
	loadErr string     // why the load is not known, as it was last said
	proven  wire.KeyID // the secret with which a check passed last
	refused wire.KeyID // the one that the bus names and that the relay does not take, as it was last said
	said    time.Time  // when the registry last took what was said
	start   time.Time  // when the whole relay last changed its health
	whole   *bool      // its health then; nil before the first check
}

// withdrawTime is how long an agent that ends tries to take its relay out of the registry. After that the lease does it.
const withdrawTime = 2 * time.Second

// NewAgent checks the options. Nothing is checked or said before [Agent.Run].
func NewAgent(o Options) (*Agent, error) {
	if o.Bus == nil || o.Check == nil || o.Secrets == nil {
		return nil, errors.New("fleet: an agent wants a bus, a check and secrets")
	}
	if err := o.Pace.Validate(); err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &Agent{
		opts: o, log: o.Logger.With("relay", o.ID), metrics: newMetrics(o.Registerer, o.URLs), changed: make(chan struct{}, 1),
		health: make(map[string]Health, len(o.URLs)), load: unknown,
	}
	probe := a.relay(time.Now())
	for _, u := range o.URLs {
		probe.Down = append(probe.Down, wire.RelayDown{URL: u, Why: "not checked"})
	}
	if err := probe.Validate(); err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	return a, nil
}

// Run checks and announces until ctx ends, and then takes the relay out of the registry. It goes on checking while NATS is away.
func (a *Agent) Run(ctx context.Context) {
	a.relays = a.opts.Bus.WatchRelays(nil)
	defer a.relays.Close()
	forget := a.opts.Bus.OnReady(a.speak)
	defer forget()
	var parts sync.WaitGroup
	defer parts.Wait()
	parts.Go(func() { a.announce(ctx) })
	for first := true; ; first = false {
		if wait := a.opts.Pace.Wait(a.pending(), rand.Float64()); !first && !sleep(ctx, wait) {
			return
		}
		a.round(ctx)
		if ctx.Err() != nil {
			return
		}
	}
}

// sleep reports whether it slept to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (a *Agent) speak() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

func (a *Agent) pending() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, u := range a.opts.URLs {
		if a.health[u].Pending() {
			return true
		}
	}
	return false
}

// note takes over a round's results, and has a change said at once.
func (a *Agent) note(results map[string]checked, key wire.KeyID) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	change := false
	for u, c := range results {
		was := a.health[u]
		is := was.Next(c.result, c.why, now, a.opts.Pace.Rule)
		a.health[u] = is
		if is.Known != was.Known || is.OK != was.OK {
			change = true
			if is.OK {
				a.log.Info("works", "url", u)
			} else {
				a.log.Warn("does not work", "url", u, "item", is.Why, "says", c.says, "fix", c.fix)
			}
		}
		a.metrics.health(u, is)
	}
	if anyPassed(results) && a.proven != key {
		a.proven, change = key, true
	}
	if ok, known := a.works(); known && (a.whole == nil || *a.whole != ok) {
		a.whole, a.start = &ok, now
	}
	if change {
		a.speak()
	}
}

// works reports whether some URL works, once something is known. The lock is held.
func (a *Agent) works() (ok, known bool) {
	for _, h := range a.health {
		ok = ok || h.OK
		known = known || h.Known
	}
	return ok, known
}

func (a *Agent) refusedKey(key wire.KeyID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refused != key {
		a.refused = key
		a.log.Warn("the relay does not take the secret that it is to be used with; going on with the one before", "key", key, "before", a.proven)
	}
}

func (a *Agent) readLoad(ctx context.Context) {
	if a.opts.Load == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, a.opts.Pace.CheckTimeout())
	defer cancel()
	load, err := a.opts.Load(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	why := ""
	if err != nil {
		why = err.Error()
		load.Allocations = -1
	}
	if why != a.loadErr && ctx.Err() == nil {
		a.loadErr = why
		if err != nil {
			a.log.Warn("how busy the relay is can't be told", "error", err)
		} else {
			a.log.Info("how busy the relay is can be told again")
		}
	}
	if load.Software == "" {
		load.Software = a.load.Software
	}
	a.load = load
	a.metrics.load(load)
}
