package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/probe/meet"
)

const (
	// maxSignals is how many signals of a test wait for their reader: the other side sends some dozens.
	maxSignals = 256
	// signalTime is how long the other agent may take to say that it has heard something.
	signalTime = 5 * time.Second
)

// line is the signalling of one test over the bus. It implements pair.Signalling. It never ends by itself: an attempt has its own limit, and who runs the test knows what has become of the other agent.
type line struct {
	agent   *Agent
	test    string
	with    wire.PairTest
	signals chan meet.Signal
	changed chan struct{}
	ended   chan struct{}
}

func newLine(a *Agent, id string, with wire.PairTest) *line {
	return &line{agent: a, test: id, with: with, signals: make(chan meet.Signal, maxSignals), changed: make(chan struct{}, 1), ended: make(chan struct{})}
}

// hear takes what the other agent says, and reports whether there was room for it.
func (l *line) hear(from wire.PeerID, data []byte) bool {
	select {
	case l.signals <- meet.Signal{From: from, Data: slices.Clone(data)}:
		return true
	default:
		return false
	}
}

// Self implements pair.Signalling.
func (l *line) Self() wire.PeerID { return l.agent.run }

// ICEServers implements pair.Signalling.
func (l *line) ICEServers() []wire.ICEServer { return l.with.Servers }

// Others implements pair.Signalling.
func (l *line) Others() []wire.PeerID { return []wire.PeerID{l.with.OtherRun} }

// Changed implements pair.Signalling.
func (l *line) Changed() <-chan struct{} { return l.changed }

// Signals implements pair.Signalling.
func (l *line) Signals() <-chan meet.Signal { return l.signals }

// Ended implements pair.Signalling.
func (l *line) Ended() <-chan struct{} { return l.ended }

// Err implements pair.Signalling.
func (l *line) Err() error { return nil }

// Send implements pair.Signalling. One that has not begun yet, or has ended, is no such peer.
func (l *line) Send(ctx context.Context, to wire.PeerID, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if to != l.with.OtherRun {
		return wire.Errorf(wire.CodeNoSuchPeer, "the test is not with %s", to)
	}
	type reply struct {
		answer wire.AgentAnswer
		err    error
	}
	heard := make(chan reply, 1)
	ask := wire.AppendJSON(nil, wire.AgentAsk{Ask: wire.AskSignal, Test: l.test, From: l.agent.run, Data: raw})
	l.agent.o.Bus.AskAgent(l.with.Other, to, ask, signalTime, func(payload []byte, err error) {
		var r reply
		if r.err = err; err == nil {
			r.answer, r.err = wire.ParseAgentAnswer(payload)
		}
		heard <- r
	})
	select {
	case r := <-heard:
		switch {
		case errors.Is(r.err, bus.ErrNobody) || r.err == nil && r.answer.State == wire.TestUnheard:
			return wire.Errorf(wire.CodeNoSuchPeer, "agent %s knows of no such test", l.with.Other)
		case r.err != nil:
			return fmt.Errorf("agent %s: %w", l.with.Other, r.err)
		case r.answer.State != wire.TestTaken:
			return fmt.Errorf("agent %s answers %s: %s", l.with.Other, r.answer.State, r.answer.Why)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
