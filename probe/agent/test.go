package agent

import (
	"cmp"
	"context"
	"sync"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/probe/pair"
)

const (
	// keep is for how long a result can be asked for; maxTests bounds those that are kept.
	keep     = 2 * time.Minute
	maxTests = 256
	// meeting is how long the other agent may take to come to a test.
	meeting = 10 * time.Second
	maxWhy  = 400
)

// test is one test that the agent takes part in, or has. The agent's mu guards what changes.
type test struct {
	with    wire.PairTest
	line    *line
	stop    context.CancelFunc
	result  *wire.AgentResult // nil while it runs
	ended   time.Time
	fetched bool
}

func (a *Agent) busyLocked() (n int) {
	for _, t := range a.tests {
		if t.result == nil {
			n++
		}
	}
	return n
}

// hear answers one question. It is called on a dispatcher of the bus, and does not block.
func (a *Agent) hear(working context.Context, parts *sync.WaitGroup, m bus.Message) {
	var answer wire.AgentAnswer
	if ask, err := wire.ParseAgentAsk(m.Payload); err != nil {
		a.log.Warn("something was asked that makes no sense", "error", err)
		answer = wire.AgentAnswer{State: wire.TestRefused, Why: wire.PlainText(err.Error(), maxWhy)}
	} else {
		answer = a.answer(working, parts, ask)
	}
	if err := a.o.Bus.Answer(m, wire.AppendJSON(nil, answer)); err != nil {
		a.log.Debug("an answer could not be given", "error", err)
	}
}

func (a *Agent) answer(working context.Context, parts *sync.WaitGroup, ask wire.AgentAsk) wire.AgentAnswer {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.tests[ask.Test]
	switch {
	case ask.Ask == wire.AskBegin:
		return a.beginLocked(working, parts, ask)
	case t == nil:
		return wire.AgentAnswer{State: wire.TestUnheard}
	case ask.Ask == wire.AskSignal:
		if t.result != nil || ask.From != t.with.OtherRun || !t.line.hear(ask.From, ask.Data) {
			return wire.AgentAnswer{State: wire.TestUnheard}
		}
		return wire.AgentAnswer{State: wire.TestTaken}
	case t.result != nil:
		t.fetched = true
		poke(a.idle)
		return wire.AgentAnswer{State: wire.TestEnded, Result: t.result}
	case ask.Ask == wire.AskStop:
		t.stop()
		t.fetched = true // whoever gives it up does not come back for it
		return wire.AgentAnswer{State: wire.TestTaken}
	default:
		return wire.AgentAnswer{State: wire.TestRunning}
	}
}

func (a *Agent) beginLocked(working context.Context, parts *sync.WaitGroup, ask wire.AgentAsk) wire.AgentAnswer {
	switch {
	case a.tests[ask.Test] != nil:
		return wire.AgentAnswer{State: wire.TestTaken} // it is asked again, as the answer was lost
	case ask.Begin.OtherRun == a.run:
		return wire.AgentAnswer{State: wire.TestRefused, Why: "a test with oneself"}
	case a.leaving || a.busyLocked() >= a.o.Slots:
		return wire.AgentAnswer{State: wire.TestBusy}
	}
	a.forgetLocked()
	ctx, stop := context.WithCancel(working)
	t := &test{with: *ask.Begin, line: newLine(a, ask.Test, *ask.Begin), stop: stop}
	a.tests[ask.Test] = t
	parts.Go(func() {
		defer stop()
		result := t.run(ctx)
		a.metrics.tests.WithLabelValues(string(t.with.Mode), string(result.Result)).Inc()
		a.log.Debug("a test has ended", "test", ask.Test, "with", t.with.Other, "mode", t.with.Mode, "result", result.Result, "step", result.Step, "why", result.Why)
		a.mu.Lock()
		defer a.mu.Unlock()
		t.result, t.ended = &result, time.Now()
		poke(a.idle)
	})
	return wire.AgentAnswer{State: wire.TestTaken}
}

// forgetLocked lets go of results that nobody has asked for in time, and of the oldest if there are too many.
func (a *Agent) forgetLocked() {
	oldest := ""
	for id, t := range a.tests {
		switch {
		case t.result == nil:
		case time.Since(t.ended) > keep:
			delete(a.tests, id)
		case oldest == "" || t.ended.Before(a.tests[oldest].ended):
			oldest = id
		}
	}
	if len(a.tests) >= maxTests && oldest != "" {
		delete(a.tests, oldest)
	}
}

// run makes the attempt.
func (t *test) run(ctx context.Context) wire.AgentResult {
	all, err := pair.Run(ctx, t.line, pair.Options{Mode: t.with.Mode, Repeat: 1, Limit: time.Duration(t.with.LimitMs) * time.Millisecond, Wait: meeting, Transfer: true})
	if len(all) == 0 {
		why := "it was given up"
		if err != nil {
			why = err.Error()
		}
		return wire.AgentResult{Outcome: wire.Outcome{Result: wire.ResultNoSignalling, Step: wire.StepSignal}, Why: wire.PlainText(why, maxWhy)}
	}
	got := all[0]
	r := wire.AgentResult{
		Outcome: got.Outcome, GatherMs: got.GatherMs, PairMs: got.PairMs, ConnectMs: got.ConnectMs, JitterMs: got.JitterMs, Loss: got.Loss, KbitPerS: got.KbitPerS, Theirs: got.Theirs, Why: wire.PlainText(got.Why, maxWhy),
	}
	if got.Path == wire.PathRelay {
		r.RelayRegion = regionOf(t.with.Servers)
	}
	return r
}

// regionOf is where the relays stand, if all of them stand in one.
func regionOf(servers []wire.ICEServer) (region wire.Region) {
	for _, s := range servers {
		if region = cmp.Or(region, s.Region); s.Region != region {
			return ""
		}
	}
	return region
}
