// Package agent is a vantage point: it says on the bus where it stands and what its NAT is like, and takes part in pair tests when it is told to.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/probe/nat"
)

// Options are of an agent. Bus, ID and Region are required.
type Options struct {
	// Bus is a guest's.
	Bus *bus.Bus
	ID  wire.AgentID
	// Region, Network and ASN are labels; the region need not have edges.
	Region  wire.Region
	Network string
	ASN     uint32
	// Slots is how many tests it takes at once. Default: 1, as tests that run together are in each other's times.
	Slots int
	// Lease is how long it counts as there after it was heard last. Default: 10 s.
	Lease time.Duration
	// Classify tells what the NAT before this host is like; nil: nobody does. Until it has, the agent is not announced.
	Classify func(context.Context) (nat.Class, error)
	// Renew is how often it is told anew. Default: 30 minutes.
	Renew   time.Duration
	Version string
	// Logger and Registerer may be nil.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

const (
	// parting is how long an agent that is to end waits for its tests, and for whoever asks what they came to.
	parting = 10 * time.Second
	// withdrawTime is how long it then tries to take itself out of the registry; after that the lease does it.
	withdrawTime = 2 * time.Second
	// retry is how soon NATs are told again after that has failed.
	retry = time.Minute
)

// Agent is one life of a vantage point. Make it with [New].
type Agent struct {
	o       Options
	log     *slog.Logger
	metrics *metrics
	run     wire.PeerID
	speak   chan struct{} // there is something to announce at once
	idle    chan struct{} // has a value when a test has ended, or its result was fetched

	// mu guards the following.
	mu      sync.Mutex
	class   *nat.Class // nil until it was told
	tests   map[string]*test
	said    time.Time // when the registry last took what was said
	since   time.Time // when it first did
	leaving bool
}

// New checks the options. Nothing is said before [Agent.Run].
func New(o Options) (*Agent, error) {
	if o.Bus == nil {
		return nil, errors.New("agent: want a bus")
	}
	if o.Slots == 0 {
		o.Slots = 1
	}
	if o.Lease == 0 {
		o.Lease = 10 * time.Second
	}
	if o.Renew == 0 {
		o.Renew = 30 * time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &Agent{
		o: o, log: o.Logger.With("agent", o.ID), run: wire.NewPeerID(), speak: make(chan struct{}, 1), idle: make(chan struct{}, 1), tests: make(map[string]*test),
	}
	said := a.describe()
	if err := said.Validate(); err != nil {
		return nil, err
	}
	a.metrics = newMetrics(o.Registerer, a)
	return a, nil
}

// describe is what the agent says of itself.
func (a *Agent) describe() wire.Agent {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := wire.Agent{
		ID: a.o.ID, Run: a.run, Region: a.o.Region, Network: a.o.Network, ASN: a.o.ASN, Slots: a.o.Slots, Busy: a.busyLocked(), LeaseMs: a.o.Lease.Milliseconds(), Version: a.o.Version,
	}
	if !a.since.IsZero() {
		w.ForMs = time.Since(a.since).Milliseconds()
	}
	if a.class != nil {
		w.Mapping, w.Filtering, w.UDPBlocked = string(a.class.Mapping), string(a.class.Filtering), a.class.UDPBlocked
	}
	return w
}

// Announced reports whether the registry has the agent, as far as that can be told.
func (a *Agent) Announced() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Since(a.said) < a.o.Lease
}

// Run announces the agent and takes part in tests until ctx ends; then no new ones are taken, and those that there are have ten seconds. NATS may come and go meanwhile. If another
// process has the name, Run waits for as long as that one's lease may hold without it, as of one that has crashed, and ends with a [bus.HeldError] if it speaks.
func (a *Agent) Run(ctx context.Context) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var parts sync.WaitGroup
	defer parts.Wait()
	sub, err := a.o.Bus.ServeAgent(a.o.ID, a.run, func(m bus.Message) { a.hear(working, &parts, m) })
	if err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	defer sub.Close()
	forget := a.o.Bus.OnReady(a.say)
	defer forget()
	classifying, ended := context.WithCancel(ctx)
	defer ended()
	parts.Go(func() { a.classify(classifying) })
	held := a.announce(ctx)
	ended() // the NAT need not be told any more

	a.mu.Lock()
	a.leaving = true
	a.mu.Unlock()
	withdrawing, cancel := context.WithTimeout(working, withdrawTime)
	defer cancel()
	if err := a.o.Bus.WithdrawAgent(withdrawing, a.describe()); err != nil {
		a.log.Info("still in the registry, until the lease ends", "error", err)
	}
	a.finish()
	sub.Close()
	stop()
	return held
}

// finish waits until the tests have ended and what they came to was fetched, within bounds.
func (a *Agent) finish() {
	limit := time.NewTimer(parting)
	defer limit.Stop()
	for a.owes() {
		select {
		case <-a.idle:
		case <-limit.C:
			return
		}
	}
}

func (a *Agent) owes() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.tests {
		if !t.fetched && (t.result == nil || time.Since(t.ended) < parting) {
			return true
		}
	}
	return false
}

// classify tells the NAT's class, again and again, as networks change under a host.
func (a *Agent) classify(ctx context.Context) {
	if a.o.Classify == nil {
		return
	}
	for {
		again := a.o.Renew
		class, err := a.o.Classify(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			a.log.Warn("what the NAT before this host is like could not be told", "error", err)
			class, again = nat.Class{Mapping: nat.MappingUnknown, Filtering: nat.FilteringUnknown}, min(again, retry)
		}
		a.mu.Lock()
		// What was known before is better than nothing.
		if err == nil || a.class == nil {
			if a.class != nil && *a.class != class {
				a.log.Info("the NAT before this host is another", "was", *a.class, "is", class)
			}
			a.class = &class
		}
		a.mu.Unlock()
		a.say()
		timer := time.NewTimer(again)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}
