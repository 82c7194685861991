package edge

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// call is a ringing call that this edge keeps time for: the caller's edge, those of the devices that ring, and those to which either side
// has come since.
type call struct {
	offer offer
	timer *time.Timer
	tries int
	// retell says that this edge knows what the call came to, and could not tell it: to have heard of it oneself does not end that.
	retell bool
}

const (
	// backstop is by how much later the edges of the ringing devices end a call, if the caller's edge has not.
	backstop = 2 * time.Second
	// retryFirst and retryMost are how long to wait before what a call came to is decided and told again, while the bus is away.
	retryFirst = 250 * time.Millisecond
	retryMost  = 30 * time.Second
	// maxRinging bounds the calls that an edge keeps time for. The other edges, and who next asks for the call, end it too.
	maxRinging = 64 << 10
	// maxInboxRings bounds the calls that an inbox knows to ring.
	maxInboxRings = 64
)

var errRings = errors.New("the call still rings")

// callLocked watches what passes a user's inbox: a ring is timed here too, in case the caller's edge dies; any other call event ends that. It
// reports false for a ring that comes after what ended it: the two may have been sent by different edges.
func (b *inbox) callLocked(env *wire.Envelope) (rings wire.CallID, show bool) {
	switch env.Event {
	case wire.EvRing:
		var ev wire.RingEvent
		if json.Unmarshal(env.Body, &ev) != nil || b.overLocked(ev.Call) {
			return "", false
		}
		o := &offer{Call: ev.Call, Room: ev.Room, Media: ev.Media, From: ev.From, To: b.user, ExpiresAt: ev.ExpiresAt}
		if len(b.rings) < maxInboxRings {
			b.rings[o.Call] = o
		}
		b.edge.keepTime(o, o.expires().Add(backstop))
		b.crossLocked(o)
		return ev.Call, true
	case wire.EvCall:
		var ev wire.CallEvent
		if json.Unmarshal(env.Body, &ev) != nil {
			return "", true
		}
		delete(b.rings, ev.Call)
		for _, s := range b.sessions {
			s.ringEnds(ev.Call, ev.State != wire.CallAccepted && ev.State != wire.CallTaken)
		}
		// Not here: an inbox's lock is held.
		b.edge.own(func(context.Context) { b.edge.forgetCall(ev.Call) })
	}
	return "", true
}

// overLocked reports whether the inbox has heard that a call rings no more.
func (b *inbox) overLocked(id wire.CallID) bool {
	for _, state := range []wire.CallState{wire.CallTaken, wire.CallAccepted, wire.CallCancelled, wire.CallMissed} {
		if _, told := b.keys.first("", []byte(callKey(id, state))); told {
			return true
		}
	}
	return false
}

// ringsFrom lists the calls from another user that ring here.
func (b *inbox) ringsFrom(u wire.UserID) (ids []wire.CallID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, o := range b.rings {
		switch {
		case o.late():
			delete(b.rings, id)
		case o.From.ID == u:
			ids = append(ids, id)
		}
	}
	return ids
}

// keepTime ends the ringing at a time, unless this edge has heard of its end by then.
func (e *Edge) keepTime(o *offer, at time.Time) {
	e.keepTimeOf(&call{offer: *o}, at)
}

func (e *Edge) keepTimeOf(c *call, at time.Time) {
	e.own(func(context.Context) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if _, ok := e.ringing[c.offer.Call]; ok || len(e.ringing) >= maxRinging {
			return
		}
		c.timer = time.AfterFunc(max(time.Until(at), 0), func() { e.own(func(ctx context.Context) { e.timeIsUp(ctx, c) }) })
		e.ringing[c.offer.Call] = c
	})
}

// timeIsUp ends the ringing, and comes back if it can't now: the bus may be away for a while.
func (e *Edge) timeIsUp(ctx context.Context, c *call) {
	e.mu.Lock()
	known := !c.retell && (e.heardEndLocked(c.offer.To, c.offer.Call) || e.heardEndLocked(c.offer.From.ID, c.offer.Call))
	e.mu.Unlock()
	var err error
	if !known {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		err = e.ringOut(ctx, c.offer.Call)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ringing[c.offer.Call] != c {
		return // it was heard of meanwhile
	}
	if err == nil || time.Since(c.offer.expires()) > bus.CallTTL {
		delete(e.ringing, c.offer.Call)
		return
	}
	if c.tries == 0 {
		e.log.Warn("a call's ringing could not be ended yet", "call", c.offer.Call, "error", err)
	}
	c.timer.Reset(min(retryFirst<<min(c.tries, 10), retryMost))
	c.tries++
}

// heardEndLocked reports whether the user's sessions here were told what became of the call. Edge.mu is held.
func (e *Edge) heardEndLocked(u wire.UserID, id wire.CallID) bool {
	b := e.inboxes[u]
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.overLocked(id)
}

// forgetCall ends the time kept for a call of whose end this edge has heard.
func (e *Edge) forgetCall(id wire.CallID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.ringing[id]; c != nil && !c.retell {
		c.timer.Stop()
		delete(e.ringing, id)
	}
}

// toldAll ends the time kept for a call whose end both sides were told.
func (e *Edge) toldAll(id wire.CallID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.ringing[id]; c != nil {
		c.timer.Stop()
		delete(e.ringing, id)
	}
}

// retell tells again soon what became of a call.
func (e *Edge) retell(o *offer) {
	e.mu.Lock()
	c := e.ringing[o.Call]
	if c != nil {
		c.retell = true
	}
	e.mu.Unlock()
	if c == nil {
		e.keepTimeOf(&call{offer: *o, retell: true}, time.Now().Add(retryFirst))
	}
}

// ringOut decides that nobody answered, once the time is up and unless somebody did, and tells what stands: whoever decided it may have died
// before it could. It can be repeated.
func (e *Edge) ringOut(ctx context.Context, id wire.CallID) error {
	o, err := e.readOffer(ctx, id)
	if errors.Is(err, bus.ErrNotFound) {
		return nil // long past
	}
	if err != nil {
		return err
	}
	var d decision
	if time.Now().Before(o.expires()) {
		if d, err = e.decided(ctx, id, partDecision); errors.Is(err, bus.ErrNotFound) {
			return errRings
		}
	} else {
		d, _, err = e.decide(ctx, id, decision{State: wire.CallMissed})
	}
	if err != nil {
		return err
	}
	if d.State == wire.CallMissed {
		if err := e.keepMissed(ctx, o); err != nil {
			return err
		}
	}
	return e.tellDecision(ctx, o, d)
}

// recall goes on with the calls of a session that has come here: their time is kept here too, and what they came to is told if the session has
// not heard it. told are the call events that its resume found in the streams.
func (e *Edge) recall(ctx context.Context, s *session, calls []wire.CallID, told map[string]bool) {
	for _, id := range calls {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		err := e.recallOne(ctx, s, id, told)
		cancel()
		if err != nil {
			e.log.Warn("a resumed session's call can't be read", "call", id, "error", err)
		}
	}
}

func (e *Edge) recallOne(ctx context.Context, s *session, id wire.CallID, told map[string]bool) error {
	o, err := e.readOffer(ctx, id)
	if errors.Is(err, bus.ErrNotFound) {
		s.dropCall(id)
		return nil
	}
	if err != nil {
		return err
	}
	d, err := e.decided(ctx, id, partDecision)
	switch {
	case errors.Is(err, bus.ErrNotFound):
		e.keepTime(o, o.expires())
		return nil
	case err != nil:
		return err
	}
	ev := wire.CallEvent{Call: id, State: d.State}
	switch d.State {
	case wire.CallAccepted:
		end, err := e.decided(ctx, id, partEnd)
		if errors.Is(err, bus.ErrNotFound) {
			return nil // it goes on
		}
		if err != nil {
			return err
		}
		ev.State, ev.By = end.State, end.By
	case wire.CallDeclined, wire.CallBusy:
		ev.By = d.By
	}
	s.dropCall(id)
	if told[callKey(id, ev.State)] || ev.By == s.peer || d.State == wire.CallCancelled && d.By == s.peer {
		return nil
	}
	return e.tellCall(ctx, s.user.ID, s.peer, false, ev)
}

// hangUpAll ends what a session leaves behind when it ends.
func (e *Edge) hangUpAll(ctx context.Context, s *session) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for _, id := range s.callList() {
		if _, err := e.hangup(ctx, s, wire.HangupArgs{Call: id}); err != nil && wire.AsError(err).Code != wire.CodeGone {
			e.log.Warn("a call could not be ended with its session", "call", id, "error", err)
		}
	}
}
