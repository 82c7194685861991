// Package pair has two hosts try to connect, as two browsers of a call would: they meet in a room of an edge, signal through it, and open a data channel over ICE and DTLS. What each attempt came to is a [wire.Outcome], under the same definition as real calls.
package pair

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pion/webrtc/v4"

	"callmesh/bus/wire"
	"callmesh/probe/meet"
)

// Signalling is how two sides reach each other, whatever carries it: [meet.Session] does, through an edge.
type Signalling interface {
	// Self is this side's id. The greater of two offers.
	Self() wire.PeerID
	// ICEServers are the relays that this side may use.
	ICEServers() []wire.ICEServer
	// Others are the other peers that are there; Changed has a value when they may have changed.
	Others() []wire.PeerID
	Changed() <-chan struct{}
	// Send returns once what it says is accepted. Signals are what others say, in the order of each.
	Send(ctx context.Context, to wire.PeerID, data any) error
	Signals() <-chan meet.Signal
	// Ended is closed when it is over; Err says why, nil if it was closed here.
	Ended() <-chan struct{}
	Err() error
}

// Options say what to try.
type Options struct {
	Mode   wire.TraversalMode
	Repeat int
	// Limit is how long an attempt may take before it has failed. Default: 20 s.
	Limit time.Duration
	// Wait is how long to wait for the other side to come. Default: 1 minute.
	Wait time.Duration
	// Transfer asks for a transfer too, which tells how much the path carries. Both sides must be told the same.
	Transfer bool
	// Each is called after each attempt. May be nil.
	Each func(Attempt)
}

// ErrNobody means that the other side did not come.
var ErrNobody = errors.New("nobody else came to the room")

// ErrMismatch means that the two sides were told different things.
var ErrMismatch = errors.New("the other side does something else")

// message is what the two say to each other.
type message struct {
	Probe     int                      `json:"probe"` // version
	Kind      kindOf                   `json:"kind"`
	N         int                      `json:"n,omitempty"`
	Mode      wire.TraversalMode       `json:"mode,omitempty"`
	Repeat    int                      `json:"repeat,omitempty"`
	SDP       string                   `json:"sdp,omitempty"`
	Candidate *webrtc.ICECandidateInit `json:"candidate,omitempty"`
	Result    wire.Result              `json:"result,omitempty"`
	Path      wire.PathKind            `json:"path,omitempty"`
}

type kindOf string

const (
	ready     kindOf = "ready" // with mode and repeat
	offer     kindOf = "offer" // of attempt n
	answer    kindOf = "answer"
	candidate kindOf = "candidate"
	settled   kindOf = "settled" // attempt n has come to a result, measured and all
)

const version = 1

// run is one run with one other peer.
type run struct {
	o       Options
	s       Signalling
	peer    wire.PeerID
	offers  bool
	servers []webrtc.ICEServer
}

// Run waits for the other side and makes the attempts, one after another. Its error says why they could not be made; an attempt that fails is none.
func Run(ctx context.Context, s Signalling, o Options) ([]Attempt, error) {
	if o.Limit <= 0 {
		o.Limit = 20 * time.Second
	}
	if o.Wait <= 0 {
		o.Wait = time.Minute
	}
	servers, err := serversOf(o.Mode, s.ICEServers())
	if err != nil {
		return nil, err
	}
	r := &run{o: o, s: s, servers: servers}
	if err := r.meet(ctx); err != nil {
		return nil, err
	}
	var all []Attempt
	for n := 1; n <= o.Repeat; n++ {
		a, err := r.attempt(ctx, n)
		if err != nil {
			return all, err
		}
		all = append(all, a)
		if o.Each != nil {
			o.Each(a)
		}
	}
	return all, nil
}

// meet finds the other side: the one that says it is ready. It tells whoever comes that this side is.
func (r *run) meet(ctx context.Context) error {
	ctx, stop := context.WithTimeoutCause(ctx, r.o.Wait, ErrNobody)
	defer stop()
	told := map[wire.PeerID]bool{}
	for {
		for _, p := range r.s.Others() {
			if told[p] {
				continue
			}
			// One that has just left, or has not come yet, is no error: it will say itself that it is ready.
			err := r.say(ctx, p, message{Kind: ready, Mode: r.o.Mode, Repeat: r.o.Repeat})
			if err != nil && !gone(err) {
				return err
			}
			told[p] = err == nil
		}
		select {
		case <-r.s.Changed():
		case sig := <-r.s.Signals():
			m, err := parse(sig.Data)
			if err != nil || m.Kind != ready {
				continue
			}
			if m.Mode != r.o.Mode || m.Repeat != r.o.Repeat {
				return fmt.Errorf("%w: mode %s %d times, where this side does %s %d times", ErrMismatch, m.Mode, m.Repeat, r.o.Mode, r.o.Repeat)
			}
			r.peer, r.offers = sig.From, r.s.Self() > sig.From
			if told[sig.From] {
				return nil
			}
			return r.say(ctx, sig.From, message{Kind: ready, Mode: r.o.Mode, Repeat: r.o.Repeat})
		case <-r.s.Ended():
			return r.s.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func gone(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && e.Code == wire.CodeNoSuchPeer
}

func (r *run) say(ctx context.Context, to wire.PeerID, m message) error {
	m.Probe = version
	return r.s.Send(ctx, to, m)
}

func parse(data json.RawMessage) (message, error) {
	var m message
	if err := json.Unmarshal(data, &m); err != nil {
		return m, err
	}
	switch {
	case m.Probe != version:
		return m, fmt.Errorf("version %d of probe, this is %d", m.Probe, version)
	case m.Mode != "" && !slices.Contains(wire.Modes(), m.Mode):
		return m, fmt.Errorf("the other side is in mode %.20q; want one of %v", m.Mode, wire.Modes())
	case !slices.Contains([]wire.PathKind{"", wire.PathHost, wire.PathSrflx, wire.PathPrflx, wire.PathRelay}, m.Path):
		return m, fmt.Errorf("the other side has the path %.20q", m.Path)
	}
	return m, nil
}

// maxWhy is how much of an error is told, in bytes: whoever is in the room may have a say in it.
const maxWhy = 300

// attempt makes one attempt. What goes wrong in it is its outcome; an error is what ends the run.
func (r *run) attempt(ctx context.Context, n int) (Attempt, error) {
	a := Attempt{N: n, Mode: r.o.Mode}
	tries, stop := context.WithTimeout(ctx, r.o.Limit)
	defer stop()
	mine := make(chan webrtc.ICECandidateInit, 64)
	l, err := open(r.o.Mode, r.servers, func(c webrtc.ICECandidateInit) {
		select {
		case mine <- c:
		default: // a host of so many addresses has enough
		}
	})
	if err != nil {
		return a, err
	}
	x := &exchange{run: r, l: l, n: n, mine: mine}
	outcome, err := x.signal(tries)
	if err == nil {
		a.Outcome = outcome
		if outcome.Result == wire.ResultConnected {
			l.measure(tries, &a)
			if r.o.Transfer && a.Loss < 1 {
				a.KbitPerS = l.bulk.run(tries, r.offers)
			}
			if a.Loss == 1 {
				a.Outcome = wire.Outcome{Result: wire.ResultFailed, Step: wire.StepMedia, Ms: outcome.Ms}
			}
		}
	} else {
		a.Outcome = wire.Outcome{Result: wire.ResultNoSignalling, Step: wire.StepSignal}
		a.Why = wire.PlainText(err.Error(), maxWhy)
	}
	l.times(&a)
	x.finish(ctx, &a)
	err = l.close()
	if ctx.Err() != nil {
		return a, ctx.Err()
	}
	if e := r.s.Err(); e != nil && n < r.o.Repeat {
		return a, e
	}
	return a, err
}
