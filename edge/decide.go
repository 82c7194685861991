package edge

import (
	"context"
	"encoding/json"
	"errors"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// decision is what became of a call.
type decision struct {
	State wire.CallState `json:"state"`
	By    wire.PeerID    `json:"by,omitempty"`
	Into  wire.CallID    `json:"into,omitempty"` // of a withdrawn one: the other side's call, which it is to become
}

// withdrawn is the state of a call that its caller gave up for the callee's own call, before anybody heard of it: see meet.go. No client is told.
const withdrawn wire.CallState = "withdrawn"

// The parts of a call in the bucket.
const (
	partOffer    = "offer"
	partDecision = "decision"
	partEnd      = "end"
)

func gone() error { return wire.Errorf(wire.CodeGone, "there is no such call, or it is over") }

// offerOf finds a call that the user takes part in.
func (e *Edge) offerOf(ctx context.Context, id wire.CallID, u wire.UserID) (*offer, error) {
	if _, ok := id.Region(); !ok {
		return nil, gone()
	}
	o, err := e.readOffer(ctx, id)
	switch {
	case errors.Is(err, bus.ErrNotFound):
		return nil, gone()
	case err != nil:
		return nil, unavailable(err)
	case u != o.To && u != o.From.ID:
		return nil, wire.Errorf(wire.CodeForbidden, "the call is between other users")
	}
	return o, nil
}

func (e *Edge) readOffer(ctx context.Context, id wire.CallID) (*offer, error) {
	value, err := e.bus.GetCall(ctx, id, partOffer)
	if err != nil {
		return nil, err
	}
	var o offer
	if err := json.Unmarshal(value, &o); err != nil {
		return nil, err
	}
	return &o, nil
}

// decide makes the decision if nobody has made it yet, and otherwise returns the one that stands: perhaps one's own, made by a request whose
// answer was lost.
func (e *Edge) decide(ctx context.Context, id wire.CallID, d decision) (stands decision, first bool, err error) {
	stands, first, err = e.create(ctx, id, d)
	if err == nil && !first {
		stands, err = e.meaning(ctx, id, stands)
	}
	if err != nil {
		return stands, false, unavailable(err)
	}
	return stands, first, nil
}

// create stores the decision as it is, if there is none yet, and returns what is stored.
func (e *Edge) create(ctx context.Context, id wire.CallID, d decision) (stands decision, first bool, err error) {
	err = e.bus.CreateCall(ctx, id, partDecision, mustJSON(d))
	switch {
	case err == nil:
		e.metrics.calls.WithLabelValues(string(d.State)).Inc()
		return d, true, nil
	case !errors.Is(err, bus.ErrExists):
		return d, false, err
	}
	stands, err = e.stored(ctx, id, partDecision)
	return stands, false, err
}

// stored reads what was decided as it stands in the bucket: [bus.ErrNotFound] if nothing was.
func (e *Edge) stored(ctx context.Context, id wire.CallID, part string) (d decision, err error) {
	value, err := e.bus.GetCall(ctx, id, part)
	if err == nil {
		err = json.Unmarshal(value, &d)
	}
	return d, err
}

// meaning tells what a stored decision comes to. Of two calls that were withdrawn for each other the smaller one stands, accepted by the other's
// caller: whoever reads both finds the same.
func (e *Edge) meaning(ctx context.Context, id wire.CallID, d decision) (decision, error) {
	if d.State != withdrawn || id > d.Into {
		return d, nil
	}
	other, err := e.stored(ctx, d.Into, partDecision)
	switch {
	case errors.Is(err, bus.ErrNotFound):
		return d, nil
	case err != nil:
		return d, err
	case other.State == withdrawn && other.Into == id:
		return decision{State: wire.CallAccepted, By: other.By}, nil
	}
	return d, nil
}

// decided reads what was decided, and what it comes to: [bus.ErrNotFound] if nothing was.
func (e *Edge) decided(ctx context.Context, id wire.CallID, part string) (d decision, err error) {
	d, err = e.stored(ctx, id, part)
	if err == nil {
		d, err = e.meaning(ctx, id, d)
	}
	if err != nil && !errors.Is(err, bus.ErrNotFound) {
		return d, unavailable(err)
	}
	return d, err
}

// endIfLate ends the ringing of a call whose time has long passed: the edges that kept it may have died.
func (e *Edge) endIfLate(ctx context.Context, o *offer) error {
	if !o.late() {
		return nil
	}
	_, err := e.stored(ctx, o.Call, partDecision)
	if errors.Is(err, bus.ErrNotFound) {
		err = e.ringOut(ctx, o.Call)
	}
	if err != nil {
		return unavailable(err)
	}
	return nil
}

// callKey lets a user's sessions hear of each state of a call once, though it may be told again: by another edge, or for a client that asks again.
func callKey(id wire.CallID, state wire.CallState) string { return string(id) + " " + string(state) }

func (e *Edge) tellCall(ctx context.Context, u wire.UserID, to wire.PeerID, except bool, ev wire.CallEvent) error {
	return e.toUserWait(ctx, u, &outgoing{event: wire.EvCall, to: to, except: except, key: callKey(ev.Call, ev.State), frame: callFrame(ev)})
}

// tellDecision tells both sides what became of a ringing call. To do so again is harmless. If it fails, this edge tries again by itself, as what
// it tells of has happened all the same.
func (e *Edge) tellDecision(ctx context.Context, o *offer, d decision) error {
	caller, devices := wire.CallEvent{Call: o.Call, State: d.State}, wire.CallEvent{Call: o.Call, State: d.State}
	var answered wire.PeerID
	switch d.State {
	case wire.CallAccepted, wire.CallDeclined, wire.CallBusy:
		caller.By, answered = d.By, d.By
		devices.State = wire.CallTaken
	case wire.CallCancelled, wire.CallMissed:
	default:
		return nil // it never rang
	}
	var errs [2]error
	if d.State != wire.CallCancelled || d.By != o.FromPeer { // another device of the caller may have cancelled it
		errs[0] = e.tellCall(ctx, o.From.ID, o.FromPeer, false, caller)
	}
	errs[1] = e.tellCall(ctx, o.To, answered, answered != "", devices)
	if err := errors.Join(errs[:]...); err != nil {
		e.retell(o)
		return unavailable(err)
	}
	e.toldAll(o.Call)
	if d.State != wire.CallMissed {
		e.own(func(ctx context.Context) { e.dropKept(ctx, o) })
	}
	return nil
}

// tellEnd tells both sides that an accepted call has ended, save the session that ended it.
func (e *Edge) tellEnd(ctx context.Context, o *offer, by, answered wire.PeerID) error {
	ev := wire.CallEvent{Call: o.Call, State: wire.CallEnded, By: by}
	var errs [2]error
	if by != o.FromPeer {
		errs[0] = e.tellCall(ctx, o.From.ID, o.FromPeer, false, ev)
	}
	if by != answered {
		errs[1] = e.tellCall(ctx, o.To, answered, false, ev)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return unavailable(err) // the client asks again, and is the one who has ended it
	}
	return nil
}
