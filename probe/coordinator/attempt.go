package coordinator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/probe/pair"
)

const (
	// askTime is how long an agent may take to answer.
	askTime = 5 * time.Second
	// pollEvery is how often the two of an attempt are asked what it came to.
	pollEvery = 200 * time.Millisecond
	// beyond is how long an attempt may take beyond twice its limit, in which two agents meet, try, and wait for each other's last word.
	beyond = 30 * time.Second
	// maxWhy is how much of an error stands in a record, in bytes.
	maxWhy = 200
)

// errNotBegun says that an attempt could not be begun, which says nothing of it: it can be later.
var errNotBegun = errors.New("not begun")

// attempt has two agents make an attempt, and returns its record. An error is [errNotBegun], that of ctx, or one that would come again.
func (r *runner) attempt(ctx context.Context, a Attempt, agents [2]wire.Agent) (wire.Traversal, error) {
	at, id := time.Now(), wire.NewTestID()
	halves := [2]half{{agent: agents[0]}, {agent: agents[1]}}
	servers, lack, err := r.servers(a.Mode, agents)
	if err != nil {
		return wire.Traversal{}, err
	}
	if lack != nil {
		// Agents would not meet for it, and what they tell of that reads as if signalling had failed.
		none := &wire.AgentResult{Outcome: wire.Outcome{Result: wire.ResultNoCandidates, Step: wire.StepGather}, Why: wire.PlainText(lack.Error(), maxWhy)}
		halves[0].result, halves[1].result = none, none
		return merge(a, r.o.Run, at.UnixMilli(), halves), nil
	}
	if err := r.begin(ctx, a, id, agents, servers); err != nil {
		r.stop(id, agents[:]...)
		return wire.Traversal{}, err
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	deadline := at.Add(2*r.o.Limit + beyond)
	var silent [2]silence
	stopped := false
	for {
		for i := range halves {
			if h := &halves[i]; h.result == nil && h.gone == "" {
				r.poll(ctx, h, id, &silent[i], deadline)
			}
		}
		lost := halves[0].gone != "" || halves[1].gone != ""
		settled := (halves[0].result != nil || halves[0].gone != "") && (halves[1].result != nil || halves[1].gone != "")
		if settled {
			return merge(a, r.o.Run, at.UnixMilli(), halves), nil
		}
		if lost && !stopped {
			// The other one need not try on alone.
			r.stop(id, agents[:]...)
			stopped = true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			r.stop(id, agents[:]...)
			return wire.Traversal{}, ctx.Err()
		}
	}
}

// servers are those of each agent. lack says that one of them has none for a mode that can't do without: the relays there were may have stopped since.
func (r *runner) servers(mode wire.TraversalMode, agents [2]wire.Agent) (servers [2][]wire.ICEServer, lack, err error) {
	for i, agent := range agents {
		if servers[i], err = r.o.Servers(agent); err != nil {
			return servers, nil, err
		}
		if !mode.Relayed() {
			continue
		}
		if e := pair.Serves(mode, servers[i]); e != nil {
			lack = fmt.Errorf("agent %s: %w", agent.ID, e)
		}
	}
	return servers, lack, nil
}

// begin tells both agents.
func (r *runner) begin(ctx context.Context, a Attempt, id string, agents [2]wire.Agent, servers [2][]wire.ICEServer) error {
	var answers [2]wire.AgentAnswer
	var errs [2]error
	var both sync.WaitGroup
	for i, agent := range agents {
		other := agents[1-i]
		test := &wire.PairTest{Other: other.ID, OtherRun: other.Run, Mode: a.Mode, LimitMs: r.o.Limit.Milliseconds(), Servers: servers[i]}
		both.Go(func() {
			answers[i], errs[i] = r.ask(ctx, agent, wire.AgentAsk{Ask: wire.AskBegin, Test: id, Begin: test})
		})
	}
	both.Wait()
	for i, agent := range agents {
		switch {
		case errs[i] != nil:
			return fmt.Errorf("%w: agent %s: %w", errNotBegun, agent.ID, errs[i])
		case answers[i].State == wire.TestBusy:
			return fmt.Errorf("%w: agent %s is busy", errNotBegun, agent.ID)
		case answers[i].State != wire.TestTaken:
			return fmt.Errorf("agent %s answers %s: %s", agent.ID, answers[i].State, answers[i].Why)
		}
	}
	return nil
}

// poll asks one agent what the attempt came to, and notes when there is nobody to tell any more.
func (r *runner) poll(ctx context.Context, h *half, id string, silent *silence, deadline time.Time) {
	answer, err := r.ask(ctx, h.agent, wire.AgentAsk{Ask: wire.AskResult, Test: id})
	now := time.Now()
	switch {
	case ctx.Err() != nil:
		return
	case err == nil && answer.State == wire.TestEnded:
		h.result = answer.Result
		return
	case err == nil && answer.State == wire.TestRunning:
		*silent = silence{}
		if now.After(deadline) {
			h.gone = "did not come to an end"
		}
		return
	case err == nil:
		h.gone = "knows nothing of the attempt any more"
		return
	}
	if r.replaced(h.agent) {
		h.gone = "was started anew in the middle of it"
		return
	}
	h.gone = silent.gone(now, err, h.agent.Lease(), r.o.Patience)
}

// silence is of an agent that is not heard: since when, and since when there is a NATS that knows nobody of that name. Zero if it is heard.
type silence struct{ since, nobody time.Time }

// gone notes another question without an answer, and says what has become of the agent, if that is to be said by now. One that comes back to a NATS that was away needs a moment, and
// that begins when NATS is back.
func (s *silence) gone(now time.Time, err error, lease, patience time.Duration) string {
	if s.since.IsZero() {
		s.since = now
	}
	switch nobody := errors.Is(err, bus.ErrNobody); {
	case !nobody:
		s.nobody = time.Time{}
	case s.nobody.IsZero():
		s.nobody = now
	case now.Sub(s.nobody) > lease:
		return "went away in the middle of it"
	}
	if now.Sub(s.since) > patience {
		return "could not be reached any more: " + wire.PlainText(err.Error(), maxWhy)
	}
	return ""
}

// replaced reports whether the agent of that name is another one now.
func (r *runner) replaced(a wire.Agent) bool {
	for _, now := range r.agents.List() {
		if now.ID == a.ID {
			return now.Run != a.Run
		}
	}
	return false
}

// stop has agents give a test up. It waits for nobody: an attempt has its own limits.
func (r *runner) stop(id string, agents ...wire.Agent) {
	ask := wire.AppendJSON(nil, wire.AgentAsk{Ask: wire.AskStop, Test: id})
	for _, a := range agents {
		r.o.Bus.AskAgent(a.ID, a.Run, ask, askTime, func([]byte, error) {})
	}
}

func (r *runner) ask(ctx context.Context, a wire.Agent, ask wire.AgentAsk) (wire.AgentAnswer, error) {
	type reply struct {
		answer wire.AgentAnswer
		err    error
	}
	got := make(chan reply, 1)
	r.o.Bus.AskAgent(a.ID, a.Run, wire.AppendJSON(nil, ask), askTime, func(payload []byte, err error) {
		p := reply{err: err}
		if err == nil {
			p.answer, p.err = wire.ParseAgentAnswer(payload)
		}
		got <- p
	})
	select {
	case p := <-got:
		return p.answer, p.err
	case <-ctx.Done():
		return wire.AgentAnswer{}, ctx.Err()
	}
}
