package edge

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// Two users who call each other at once come to have one call, and both of their call ops say which.
//
// A caller's edge stores its call, then looks for one of the callee's to the caller, and only then lets its own ring. Both do so in that order, so
// at least one of the two finds the other's. It gives its own call up, by deciding that it is withdrawn, and then accepts the other. If both
// gave theirs up for each other, both find that out, and the call with the smaller id stands. All decisions are created once, so whoever reads
// them, and however late, finds the same call to stand.
//
// A user who calls somebody whose call is just ringing has answered it, in the same way.

// reach asks which edges hold sessions of the user: it tells in which regions, besides the own, the user may be calling from. Where other regions
// have edges it waits for their answers too.
func (e *Edge) reach(ctx context.Context, u wire.UserID) (abroad []wire.Region, online bool, err error) {
	others := make(map[wire.EdgeID]wire.Region)
	for _, l := range e.bus.Others() {
		if l.Region != e.region {
			others[l.Edge] = l.Region
		}
	}
	online = e.inboxOf(u) != nil
	if online && len(others) == 0 {
		return nil, true, nil
	}
	if !e.bus.Ready() {
		return nil, false, unavailable(errNotReady)
	}
	var mu sync.Mutex // guards abroad and online
	done := make(chan error, 1)
	e.who(u, func(edge wire.EdgeID, err error) {
		mu.Lock()
		defer mu.Unlock()
		if region := others[edge]; region != "" && !slices.Contains(abroad, region) {
			abroad = append(abroad, region)
		}
		online = online || edge != ""
		if edge == "" || len(others) == 0 {
			select {
			case done <- err:
			default: // it has said so before
			}
		}
	})
	select {
	case err = <-done:
	case <-ctx.Done():
		return nil, false, unavailable(ctx.Err())
	}
	mu.Lock()
	defer mu.Unlock()
	if !online && errors.Is(err, bus.ErrUnavailable) && !e.bus.Ready() {
		return nil, false, unavailable(err)
	}
	return slices.Clone(abroad), online, nil
}

// meet looks whether the callee of mine is calling its caller, and makes one call of the two. It returns the call that stands; nil if there is
// none but mine, which may ring then, unless again says that mine was given up in vain and another is to take its place.
func (e *Edge) meet(ctx context.Context, mine *offer, abroad []wire.Region) (stands *offer, again bool, err error) {
	for _, theirs := range e.opposite(ctx, mine, abroad) {
		stands, again, err = e.merge(ctx, mine, theirs)
		if stands == nil && !again && err == nil {
			continue // over already
		}
		if stands != nil {
			joiner := mine
			if stands == mine {
				joiner = theirs
			}
			e.tellMet(ctx, stands, joiner)
		}
		return stands, again, err
	}
	return nil, false, nil
}

// opposite finds the calls of mine's callee to its caller that may still ring. What can't be read now is passed over: then both ring, and people
// sort it out.
func (e *Edge) opposite(ctx context.Context, mine *offer, abroad []wire.Region) []*offer {
	regions := append([]wire.Region{e.region}, abroad...)
	found := make([]*offer, len(regions))
	var wg sync.WaitGroup
	for i, region := range regions { // each has its place
		wg.Go(func() {
			value, err := e.bus.GetPair(ctx, region, mine.To, mine.From.ID)
			var o offer
			switch {
			case err == nil && json.Unmarshal(value, &o) == nil:
				found[i] = &o
			case err != nil && !errors.Is(err, bus.ErrNotFound):
				e.log.Warn("it can't be told whether two users call each other at once", "region", region, "error", err)
			}
		})
	}
	wg.Wait()
	var late []*offer
	if b := e.inboxOf(mine.From.ID); b != nil {
		for _, id := range b.ringsFrom(mine.To) { // its caller may have gone to another region since
			if !slices.ContainsFunc(found, func(o *offer) bool { return o != nil && o.Call == id }) {
				o, _ := e.readOffer(ctx, id) // one that can't be read is passed over
				late = append(late, o)
			}
		}
	}
	return slices.DeleteFunc(slices.Concat(found, late), func(o *offer) bool {
		return o == nil || o.From.ID != mine.To || o.To != mine.From.ID || !time.Now().Before(o.expires())
	})
}

// merge makes one call of two that lead to each other. Both sides may do it at once.
func (e *Edge) merge(ctx context.Context, mine, theirs *offer) (stands *offer, again bool, err error) {
	d, err := e.stored(ctx, theirs.Call, partDecision)
	undecided := errors.Is(err, bus.ErrNotFound)
	if err != nil && !undecided {
		return nil, false, err
	}
	forMine := d.State == withdrawn && d.Into == mine.Call
	if !undecided && !forMine {
		return nil, false, nil
	}
	if forMine { // its edge is about to accept mine for it
		_, _, err = e.create(ctx, mine.Call, decision{State: wire.CallAccepted, By: d.By})
		return mine, false, err
	}
	own, first, err := e.create(ctx, mine.Call, decision{State: withdrawn, By: mine.FromPeer, Into: theirs.Call})
	switch {
	case err != nil:
		return nil, false, err
	case !first && own.State == wire.CallAccepted: // the other side was quicker
		return mine, false, nil
	case !first && own.State != withdrawn:
		return nil, true, nil
	}
	d, first, err = e.create(ctx, theirs.Call, decision{State: wire.CallAccepted, By: mine.FromPeer})
	switch {
	case err != nil:
		return nil, false, err
	case first || d.State == wire.CallAccepted && d.By == mine.FromPeer:
		return theirs, false, nil
	case d.State != withdrawn || d.Into != mine.Call:
		return nil, true, nil // it was answered on another device, or is over
	case mine.Call < theirs.Call:
		return mine, false, nil
	default:
		return theirs, false, nil
	}
}

// tellMet tells both callers that the other has accepted, and the devices that may ring that they need not. Both sides may tell it.
func (e *Edge) tellMet(ctx context.Context, stands, joiner *offer) {
	accepted := func(by wire.PeerID) wire.CallEvent {
		return wire.CallEvent{Call: stands.Call, State: wire.CallAccepted, By: by}
	}
	err := errors.Join(
		e.tellDecision(ctx, stands, decision{State: wire.CallAccepted, By: joiner.FromPeer}),
		e.tellCall(ctx, joiner.From.ID, joiner.FromPeer, false, accepted(stands.FromPeer)),
	)
	if err != nil {
		e.log.Warn("that two calls have met was not accepted, and is told again", "call", stands.Call, "error", err)
	}
	e.own(func(ctx context.Context) { e.dropKept(ctx, joiner) })
}
