package edge

import (
	"context"
	"errors"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// Two calls that lead to each other may both come to ring, if one side could not learn of the other's in time (see meet.go): the edges of the other
// region did not answer soon enough. Each caller's edge then hears the other's ring, since it holds its user's inbox. The edge of the call with the
// greater id gives that up, though it rings, and accepts the other for its session.

// crossLocked looks whether a ring crosses a call that a session here is making. The inbox's lock is held.
func (b *inbox) crossLocked(theirs *offer) {
	for _, s := range b.sessions {
		for _, mine := range s.callsTo(theirs.From.ID) {
			if mine.Call > theirs.Call {
				b.edge.own(func(ctx context.Context) { b.edge.giveWay(ctx, s, mine, theirs.Call) })
			}
		}
	}
}

// crosses looks for the rings that came while the call was about to ring itself.
func (e *Edge) crosses(s *session, mine *offer) {
	b := e.inboxOf(s.user.ID)
	if b == nil {
		return
	}
	for _, id := range b.ringsFrom(mine.To) {
		if mine.Call > id {
			e.own(func(ctx context.Context) { e.giveWay(ctx, s, mine, id) })
		}
	}
}

// giveWay makes the session's call end for the one that crosses it. It tries until that is decided, or nothing rings any more.
func (e *Edge) giveWay(ctx context.Context, s *session, mine *offer, id wire.CallID) {
	for wait := retryFirst; !mine.late(); wait *= 2 {
		err := e.giveWayNow(ctx, s, mine, id)
		if err == nil {
			return
		}
		e.log.Warn("a call that crosses another could not give way yet", "call", mine.Call, "to", id, "error", err)
		if !pause(ctx, wait) {
			return
		}
	}
}

// giveWayNow cancels the session's call first: nobody can answer it then, and one call is accepted.
func (e *Edge) giveWayNow(ctx context.Context, s *session, mine *offer, id wire.CallID) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	theirs, err := e.readOffer(ctx, id)
	if errors.Is(err, bus.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	cancelled, accepted := decision{State: wire.CallCancelled, By: s.peer}, decision{State: wire.CallAccepted, By: s.peer}
	d, err := e.stored(ctx, id, partDecision)
	switch {
	case errors.Is(err, bus.ErrNotFound):
	case err != nil:
		return err
	case d != accepted: // which an earlier try may have come to without hearing of it
		return nil // it is answered, or over
	}
	d, first, err := e.decide(ctx, mine.Call, cancelled)
	if err != nil {
		return err
	}
	if !first && d != cancelled {
		return nil // somebody has answered it
	}
	d, first, err = e.decide(ctx, id, accepted)
	if err != nil {
		return err
	}
	if first || d == accepted {
		s.addCall(id)
		e.tellMet(ctx, theirs, mine)
	}
	s.dropCall(mine.Call)
	return errors.Join(
		e.tellCall(ctx, s.user.ID, s.peer, false, wire.CallEvent{Call: mine.Call, State: wire.CallCancelled}),
		e.tellDecision(ctx, mine, cancelled),
	)
}
