package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// Options say what is tried. Bus, Run, Modes and Servers are required.
type Options struct {
	// Bus is a guest's, and ready.
	Bus *bus.Bus
	Run wire.RunID
	// Fresh says that the run is new: a region that can't be read has nothing of it.
	Fresh bool
	// Agents are who tries whom. None: all that are there, and those that the run has had before.
	Agents []wire.AgentID
	Modes  []wire.TraversalMode
	Repeat int
	// Parallel is how many attempts are made at once; of each agent never more than it takes.
	Parallel int
	// Limit is how long an attempt may take before it has failed.
	Limit time.Duration
	// Patience is for how long nothing need come of anything, for want of agents or of NATS, before what is left is left.
	Patience time.Duration
	// Servers are the relays and STUN servers that an agent may use.
	Servers func(wire.Agent) ([]wire.ICEServer, error)
	// Each is called after each attempt was stored, one at a time. May be nil.
	Each   func(Progress)
	Logger *slog.Logger
}

// Progress is how far a run has come.
type Progress struct {
	Planned int
	Stored  int // of the plan, by this run and before it
	Last    wire.Traversal
}

// Left is an attempt that was not made.
type Left struct {
	Attempt
	Why string
}

// Result is what a run came to.
type Result struct {
	Planned int
	Before  int // of the plan, stored before this run
	Made    []wire.Traversal
	Left    []Left
}

const (
	// tries is how often an attempt is made whose signalling fails, which says nothing of the network; the last one is stored.
	tries = 3
	// rest is for how long an agent that could not begin is left alone.
	rest = time.Second
	// fewest is how many agents make a pair.
	fewest = 2
)

type runner struct {
	o       Options
	agents  *bus.Agents
	changed chan struct{}

	pending []Attempt
	busy    map[wire.AgentID]int
	resting map[wire.AgentID]time.Time
	tried   map[Attempt]int
	spoiled map[Attempt]wire.Traversal // what came of the last try of those that are tried again
	why     map[Attempt]string         // why it could not be begun
	done    chan finished
}

type finished struct {
	attempt Attempt
	record  wire.Traversal
	err     error
}

// Do makes all attempts of the plan that are not stored yet, until they are or ctx ends. An error means that nothing could be planned; what could not be made is in the result.
func Do(ctx context.Context, o Options) (*Result, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	r := &runner{
		o: o, changed: make(chan struct{}, 1), busy: map[wire.AgentID]int{}, resting: map[wire.AgentID]time.Time{}, tried: map[Attempt]int{},
		spoiled: map[Attempt]wire.Traversal{}, why: map[Attempt]string{}, done: make(chan finished),
	}
	r.agents = o.Bus.WatchAgents(func() {
		select {
		case r.changed <- struct{}{}:
		default:
		}
	})
	defer r.agents.Close()
	stored, names, err := r.before(ctx)
	if err != nil {
		return nil, err
	}
	if len(o.Agents) > 0 {
		names = o.Agents
	} else if names, err = r.gather(ctx, names); err != nil {
		return nil, err
	}
	plan := Plan(names, o.Modes, o.Repeat)
	r.pending = Remaining(plan, o.Run, stored)
	res := &Result{Planned: len(plan), Before: len(plan) - len(r.pending)}
	r.work(ctx, res)
	return res, nil
}

// before reads what the run has stored, and of whom.
func (r *runner) before(ctx context.Context) (stored map[string]bool, names []wire.AgentID, err error) {
	stored = map[string]bool{}
	err = r.o.Bus.Traversals(ctx, bus.TraversalFilter{Source: wire.SourceProbe, Run: r.o.Run}, func(t wire.Traversal) {
		stored[t.Key()] = true
		for _, e := range t.Ends {
			if !slices.Contains(names, e.Name) {
				names = append(names, e.Name)
			}
		}
	})
	if _, only := bus.Abroad(err); only && r.o.Fresh {
		r.o.Logger.Warn("regions are out of reach; the run is new, and goes on without them", "error", err)
		err = nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("what run %s has stored can't be read: %w", r.o.Run, err)
	}
	return stored, names, nil
}

// gather adds the agents that are there, and waits until there is a pair of them.
func (r *runner) gather(ctx context.Context, names []wire.AgentID) ([]wire.AgentID, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Patience)
	defer cancel()
	if err := r.agents.Wait(ctx); err != nil {
		return nil, err
	}
	for {
		all := slices.Clone(names)
		for _, a := range r.agents.List() {
			if !slices.Contains(all, a.ID) {
				all = append(all, a.ID)
			}
		}
		if len(all) >= fewest {
			return all, nil
		}
		select {
		case <-r.changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("a run takes two agents, and within %s there is %d; start them with `probe agent`", r.o.Patience, len(all))
		}
	}
}

// work makes the attempts.
func (r *runner) work(ctx context.Context, res *Result) {
	tick := time.NewTicker(rest / 2)
	defer tick.Stop()
	running, progress := 0, time.Now()
	for len(r.pending)+running > 0 {
		if ctx.Err() == nil {
			running += r.start(ctx, r.o.Parallel-running)
		}
		if running == 0 && (ctx.Err() != nil || time.Since(progress) > r.o.Patience) {
			break
		}
		select {
		case f := <-r.done:
			running--
			r.busy[f.attempt.A]--
			r.busy[f.attempt.B]--
			if r.take(ctx, f, res) {
				progress = time.Now()
			}
		case <-r.changed:
		case <-tick.C:
		}
	}
	r.leave(ctx, res)
}

// start begins attempts for which both agents are there and free, at most so many, and returns how many.
func (r *runner) start(ctx context.Context, room int) (started int) {
	if room <= 0 || len(r.pending) == 0 {
		return 0
	}
	there := map[wire.AgentID]wire.Agent{}
	for _, a := range r.agents.List() {
		there[a.ID] = a
	}
	now := time.Now()
	free := func(id wire.AgentID) bool {
		a, ok := there[id]
		return ok && r.busy[id] < a.Slots && now.After(r.resting[id])
	}
	r.pending = slices.DeleteFunc(r.pending, func(a Attempt) bool {
		if started >= room || !free(a.A) || !free(a.B) {
			return false
		}
		started++
		r.busy[a.A]++
		r.busy[a.B]++
		agents := [2]wire.Agent{there[a.A], there[a.B]}
		go func() {
			record, err := r.attempt(ctx, a, agents)
			r.done <- finished{a, record, err}
		}()
		return true
	})
	return started
}

// take notes what came of an attempt, and reports whether that is progress.
func (r *runner) take(ctx context.Context, f finished, res *Result) bool {
	a := f.attempt
	switch {
	case errors.Is(f.err, errNotBegun):
		r.why[a] = f.err.Error()
		until := time.Now().Add(rest)
		r.resting[a.A], r.resting[a.B] = until, until
		r.pending = append(r.pending, a)
		return false
	case ctx.Err() != nil && f.err != nil:
		r.why[a] = "it was interrupted"
		r.pending = append(r.pending, a)
		return false
	case f.err != nil:
		res.Left = append(res.Left, Left{a, f.err.Error()})
		return true
	}
	r.tried[a]++
	if f.record.Result == wire.ResultNoSignalling && r.tried[a] < tries {
		r.o.Logger.Info("an attempt could not be signalled and is made again", "pair", f.record.Pair, "mode", a.Mode, "n", a.N, "why", f.record.Why)
		r.spoiled[a] = f.record
		r.pending = append(r.pending, a)
		return true
	}
	return r.keep(ctx, a, f.record, res)
}
