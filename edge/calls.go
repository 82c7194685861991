package edge

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// A call lives in three keys of the caller's region, each created once and by one edge only: the offer; the decision, which the first answer, the
// caller's hangup or the end of the ringing makes; and the end of an accepted call. Any edge can act on a call, as all is there: see decide.go.
// Beside them stand the callee's list of calls that no device has dealt with (missed.go), and each pair's latest call (meet.go).

// offer is what a call is.
type offer struct {
	Call      wire.CallID `json:"call"`
	Room      wire.RoomID `json:"room"`
	Media     wire.Media  `json:"media"`
	From      wire.User   `json:"from"`
	FromPeer  wire.PeerID `json:"fromPeer"`
	To        wire.UserID `json:"to"`
	At        int64       `json:"at"`
	ExpiresAt int64       `json:"expiresAt"`
}

const (
	// maxCalls bounds the calls that a session is in at once, ringing ones included.
	maxCalls = 512
	// meetTries is how often a call begins anew because the other side's call, which it was to become, was over just then.
	meetTries = 4
)

func (e *Edge) offer(s *session, a *wire.CallArgs) *offer {
	now := time.Now()
	o := &offer{
		Call: wire.NewCallID(e.region), Room: a.Room, Media: a.Media, From: s.user, FromPeer: s.peer, To: a.To,
		At: now.UnixMilli(), ExpiresAt: now.Add(e.limits.Ring).UnixMilli(),
	}
	if o.Room == "" {
		o.Room = wire.NewRoomID()
	}
	return o
}

func (o *offer) expires() time.Time { return time.UnixMilli(o.ExpiresAt) }

// late reports whether nobody can answer the call any more. The margin is for clocks that differ.
func (o *offer) late() bool { return time.Now().After(o.expires().Add(backstop)) }

func (o *offer) kept(rings bool) bus.KeptCall {
	return bus.KeptCall{Missed: wire.Missed{Call: o.Call, From: o.From, Media: o.Media, At: o.At}, Rings: rings}
}

func (o *offer) ringFrame() func([]byte, wire.Mid, int64) []byte {
	return body(wire.RingEvent{Call: o.Call, Room: o.Room, From: o.From, Media: o.Media, ExpiresAt: o.ExpiresAt},
		func(e *wire.RingEvent) *wire.Head { return &e.Head }, wire.EvRing)
}

func (e *Edge) call(ctx context.Context, s *session, a wire.CallArgs) (wire.CallOK, error) {
	if a.To == s.user.ID {
		return wire.CallOK{}, wire.Errorf(wire.CodeBadRequest, "to: users can't call themselves")
	}
	if !e.mayCall(s.user.ID) {
		return wire.CallOK{}, wire.Errorf(wire.CodeRateLimited, "more than %g calls a second: slow down", e.limits.CallRate)
	}
	if n := s.callCount(); n >= maxCalls {
		return wire.CallOK{}, wire.Errorf(wire.CodeRateLimited, "the session is in %d calls: hang up one first", n)
	}
	regions, online, err := e.reach(ctx, a.To)
	if err != nil {
		return wire.CallOK{}, err
	}
	blocked := e.blocks(ctx, a.To, s.user.ID) // asked in any case, so that the time does not tell
	if !online || blocked {
		o := e.offer(s, &a)
		if err := e.keepInVain(ctx, o, blocked); err != nil && e.complaints.Allow() {
			e.log.Warn("a missed call could not be kept", "call", o.Call, "error", err) // offline is the answer all the same
		}
		e.metrics.calls.WithLabelValues("offline").Inc()
		return wire.CallOK{}, wire.Errorf(wire.CodeOffline, "the user is not online")
	}
	s.holdCalls() // the session hears of the call by its ok first
	for range meetTries {
		o := e.offer(s, &a)
		if err := e.place(ctx, o); err != nil {
			return wire.CallOK{}, unavailable(err)
		}
		met, again, err := e.meet(ctx, o, regions)
		switch {
		case err != nil:
			return wire.CallOK{}, unavailable(err)
		case again:
			continue
		case met != nil:
			s.addCall(met.Call)
			s.joinsCall(met.Call)
			return wire.CallOK{Call: met.Call, Room: met.Room, Key: s.key()}, nil
		}
		s.ringsOut(o)
		e.crosses(s, o)
		e.keepTime(o, o.expires())
		if err := e.toUserWait(ctx, o.To, &outgoing{event: wire.EvRing, frame: o.ringFrame()}); err != nil {
			return wire.CallOK{}, unavailable(err) // it may ring: then its time is kept
		}
		return wire.CallOK{Call: o.Call, Room: o.Room, Key: s.key()}, nil
	}
	return wire.CallOK{}, unavailable(errors.New("the calls of the other side come and go"))
}

// keepInVain keeps a call for a callee who is offline, or seems so to a caller who is blocked: that call is forgotten again, and takes as long.
func (e *Edge) keepInVain(ctx context.Context, o *offer, blocked bool) error {
	if blocked {
		return e.bus.SetPair(ctx, o.To, "", nil)
	}
	return e.bus.KeepCall(ctx, o.To, o.kept(false))
}

// place stores all that others may have to know of the call, before anybody hears of it.
func (e *Edge) place(ctx context.Context, o *offer) error {
	var wg sync.WaitGroup
	var kept, stored, paired error
	wg.Go(func() { kept = e.bus.KeepCall(ctx, o.To, o.kept(true)) })
	wg.Go(func() { stored = e.bus.CreateCall(ctx, o.Call, partOffer, mustJSON(o)) })
	wg.Go(func() { paired = e.bus.SetPair(ctx, o.From.ID, o.To, mustJSON(o)) })
	wg.Wait()
	return errors.Join(kept, stored, paired)
}

// mayCall is not a matter of the session: whoever wants to ring more would open more of them, and end them to begin anew.
func (e *Edge) mayCall(u wire.UserID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.callers[u]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(e.limits.CallRate), e.limits.CallBurst)
		e.callers[u] = l
	}
	return l.Allow()
}

// sweepCallers forgets who may call as often again as somebody who never did.
func (e *Edge) sweepCallers(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for u, l := range e.callers {
		if l.TokensAt(now) >= float64(e.limits.CallBurst) {
			delete(e.callers, u)
		}
	}
}

func (e *Edge) toUserWait(ctx context.Context, u wire.UserID, og *outgoing) error {
	og.span = e.spanOf(ctx)
	done := make(chan error, 1)
	e.toUser(u, og, func(err error) { done <- err })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *Edge) answer(ctx context.Context, s *session, a wire.AnswerArgs) (wire.AnswerOK, error) {
	o, err := e.offerOf(ctx, a.Call, s.user.ID)
	if err != nil {
		return wire.AnswerOK{}, err
	}
	if s.user.ID != o.To {
		return wire.AnswerOK{}, wire.Errorf(wire.CodeForbidden, "only the callee can answer")
	}
	if err := e.endIfLate(ctx, o); err != nil {
		return wire.AnswerOK{}, err
	}
	d := decision{State: wire.CallAccepted, By: s.peer}
	if !a.Accept {
		if d.State = wire.CallDeclined; a.Reason == wire.ReasonBusy {
			d.State = wire.CallBusy
		}
	}
	stands, first, err := e.decide(ctx, a.Call, d)
	switch {
	case err != nil:
		return wire.AnswerOK{}, err
	case first:
	case stands == d:
		if _, err := e.decided(ctx, a.Call, partEnd); !errors.Is(err, bus.ErrNotFound) {
			return wire.AnswerOK{}, cmp.Or(err, gone())
		}
	case stands.State == wire.CallAccepted || stands.State == wire.CallDeclined || stands.State == wire.CallBusy:
		return wire.AnswerOK{}, wire.Errorf(wire.CodeTaken, "the call was answered on another device")
	default:
		return wire.AnswerOK{}, gone()
	}
	if a.Accept {
		s.addCall(a.Call)
	}
	if err := e.tellDecision(ctx, o, d); err != nil {
		return wire.AnswerOK{}, err // the client asks again, and is the one who has answered
	}
	return wire.AnswerOK{Room: o.Room, Key: s.key()}, nil
}

func (e *Edge) hangup(ctx context.Context, s *session, a wire.HangupArgs) (wire.Empty, error) {
	o, err := e.offerOf(ctx, a.Call, s.user.ID)
	if err != nil {
		return wire.Empty{}, err
	}
	if err := e.endIfLate(ctx, o); err != nil {
		return wire.Empty{}, err
	}
	d := decision{State: wire.CallCancelled, By: s.peer}
	if s.user.ID == o.To {
		d.State = wire.CallDeclined
	}
	stands, first, err := e.decide(ctx, a.Call, d)
	switch {
	case err != nil:
		return wire.Empty{}, err
	case first || stands == d:
		err = e.tellDecision(ctx, o, d)
	case stands.State == wire.CallAccepted:
		err = e.endCall(ctx, s.peer, o, stands.By)
	default:
		err = gone()
	}
	if err == nil || wire.AsError(err).Code == wire.CodeGone {
		s.dropCall(a.Call)
	}
	return wire.Empty{}, err
}

// endCall ends an accepted call. Of two that end it at once one does, and tells the other.
func (e *Edge) endCall(ctx context.Context, by wire.PeerID, o *offer, answered wire.PeerID) error {
	end := decision{State: wire.CallEnded, By: by}
	err := e.bus.CreateCall(ctx, o.Call, partEnd, mustJSON(end))
	if errors.Is(err, bus.ErrExists) {
		if stands, err := e.decided(ctx, o.Call, partEnd); err != nil || stands != end {
			return cmp.Or(err, gone())
		}
	} else if err != nil {
		return unavailable(err)
	} else {
		e.metrics.calls.WithLabelValues(string(wire.CallEnded)).Inc()
	}
	return e.tellEnd(ctx, o, by, answered)
}
