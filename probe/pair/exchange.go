package pair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pion/webrtc/v4"

	"callmesh/bus/wire"
)

// exchange is the signalling of one attempt.
type exchange struct {
	*run
	l    *link
	n    int
	mine <-chan webrtc.ICECandidateInit
	// early are the other's candidates that came before its description.
	early     []webrtc.ICECandidateInit
	described bool
	theirs    *message // that the other side has settled
}

// signal exchanges descriptions and candidates until the attempt has come to something. An error means that the other side was not reached.
func (x *exchange) signal(ctx context.Context) (wire.Outcome, error) {
	if x.offers {
		if err := x.describe(ctx, offer); err != nil {
			return wire.Outcome{}, err
		}
	}
	result := make(chan wire.Outcome, 1)
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		result <- x.l.settle(watching)
	}()
	defer func() { stop(); <-watched }()
	for {
		// Without a candidate of one's own nothing can come of it. It is waited for the other's description, so that both know that these came across.
		var barren <-chan struct{}
		if x.described {
			barren = x.l.barren
		}
		select {
		case <-barren:
			stop()
			return <-result, nil
		case o := <-result:
			if o.Result != wire.ResultConnected && !x.described {
				return o, errors.New("the other side's description did not come")
			}
			return o, nil
		case c := <-x.mine:
			if err := x.say(ctx, x.peer, message{Kind: candidate, N: x.n, Candidate: &c}); err != nil {
				return wire.Outcome{}, err
			}
		case sig := <-x.s.Signals():
			if sig.From != x.peer {
				continue
			}
			if err := x.take(ctx, sig.Data); err != nil {
				return wire.Outcome{}, err
			}
			// The other side has given up: nothing will come of it here.
			if x.theirs != nil && x.theirs.Result != wire.ResultConnected {
				stop()
			}
		case <-x.s.Ended():
			return wire.Outcome{}, x.s.Err()
		}
	}
}

// describe sends our description.
func (x *exchange) describe(ctx context.Context, kind kindOf) error {
	var d webrtc.SessionDescription
	var err error
	if kind == offer {
		d, err = x.l.pc.CreateOffer(nil)
	} else {
		d, err = x.l.pc.CreateAnswer(nil)
	}
	if err != nil {
		return err
	}
	if err := x.l.pc.SetLocalDescription(d); err != nil {
		return err
	}
	return x.say(ctx, x.peer, message{Kind: kind, N: x.n, SDP: d.SDP})
}

// take takes one message of the other side. What belongs to another attempt is passed over.
func (x *exchange) take(ctx context.Context, data []byte) error {
	m, err := parse(data)
	if err != nil {
		return err
	}
	if m.N != x.n {
		return nil
	}
	switch m.Kind {
	case offer:
		if x.offers {
			return errors.New("both sides offer")
		}
		if err := x.accept(webrtc.SDPTypeOffer, m.SDP); err != nil {
			return err
		}
		return x.describe(ctx, answer)
	case answer:
		return x.accept(webrtc.SDPTypeAnswer, m.SDP)
	case candidate:
		if m.Candidate == nil {
			return nil
		}
		if !x.described {
			if len(x.early) < cap(x.mine) {
				x.early = append(x.early, *m.Candidate)
			}
			return nil
		}
		// One that can't be used, say of another family, is no fault.
		_ = x.l.pc.AddICECandidate(*m.Candidate)
	case settled:
		x.theirs = &m
	case ready:
	}
	return nil
}

func (x *exchange) accept(t webrtc.SDPType, sdp string) error {
	if x.described {
		return nil
	}
	if err := x.l.pc.SetRemoteDescription(webrtc.SessionDescription{Type: t, SDP: sdp}); err != nil {
		return fmt.Errorf("the other side's description: %w", err)
	}
	x.described = true
	for _, c := range x.early {
		_ = x.l.pc.AddICECandidate(c)
	}
	x.early = nil
	return nil
}

// finish tells the other side and waits for its word, with the connection still there: one that goes as soon as it is connected takes along the answer that the other needs.
func (x *exchange) finish(ctx context.Context, a *Attempt) {
	ctx, stop := context.WithTimeout(ctx, x.o.Limit+5*time.Second)
	defer stop()
	if x.say(ctx, x.peer, message{Kind: settled, N: x.n, Result: a.Result, Path: a.Path}) != nil {
		return
	}
	for x.theirs == nil {
		left := false
		select {
		case sig := <-x.s.Signals():
			if sig.From == x.peer && x.take(ctx, sig.Data) != nil {
				return
			}
		case c := <-x.mine:
			_ = x.say(ctx, x.peer, message{Kind: candidate, N: x.n, Candidate: &c})
		case <-x.s.Changed():
			left = !slices.Contains(x.s.Others(), x.peer)
		case <-x.s.Ended():
			left = true
		case <-ctx.Done():
			return
		}
		if left && !x.lastWord(ctx) {
			return
		}
	}
	a.Theirs = x.theirs.Path
	// A relay's packets can look like a peer-reflexive candidate at the other end.
	if a.Path != "" && a.Theirs == wire.PathRelay {
		a.Path = wire.PathRelay
	}
}

// lastWord takes what the other side said before it left, and reports whether that it has settled was among it.
func (x *exchange) lastWord(ctx context.Context) bool {
	for x.theirs == nil {
		select {
		case sig := <-x.s.Signals():
			if sig.From == x.peer && x.take(ctx, sig.Data) != nil {
				return false
			}
		default:
			return false
		}
	}
	return true
}
