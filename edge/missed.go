package edge

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

const (
	// proofPatience is how long a hello waits for another device to prove that it got what its own hello told, just before.
	proofPatience = time.Second
	proofEvery    = 20 * time.Millisecond
)

// unanswered is what a hello tells of the calls that no device of the user has dealt with.
type unanswered struct {
	edge   *Edge
	s      *session
	resume *sessionState // nil for a new session
	ring   bool          // the session is to be rung, as its streams tell it nothing

	mu     sync.Mutex // guards the following, while regions are asked together
	missed []wire.Missed
	rings  [][]byte // frames for the calls that ring now
	shown  map[wire.Region][]wire.CallID
}

// fate is what a hello finds a kept call to have come to.
type fate int

const (
	fateUnknown fate = iota // it can't be read now, or is just beginning
	fateRings
	fateMissed
	fateOver // answered, or cancelled
)

// unanswered reads the user's list of every region. Missed calls stay in it until the client has proven that it got them; a call that was never
// decided, as every edge that kept its time has died, is decided now.
func (e *Edge) unanswered(ctx context.Context, s *session, resume *sessionState, ring bool) *unanswered {
	u := &unanswered{edge: e, s: s, resume: resume, ring: ring, missed: []wire.Missed{}, shown: make(map[wire.Region][]wire.CallID)}
	var wg sync.WaitGroup
	for region, list := range e.bus.KeptCalls(ctx, s.user.ID) {
		if len(list) > 0 {
			wg.Go(func() { u.take(ctx, region, list) })
		}
	}
	wg.Wait()
	slices.SortFunc(u.missed, func(a, b wire.Missed) int { return cmp.Compare(a.At, b.At) })
	return u
}

// after adds to what goes first on a socket: the rings, and a proof of the missed calls.
func (u *unanswered) after(sock *socket, frames [][]byte) [][]byte {
	frames = append(frames, u.rings...)
	if len(u.shown) == 0 {
		return frames
	}
	sock.proven = u.forget
	return append(frames, proof)
}

// forget takes out of the lists what the client has got.
func (u *unanswered) forget(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for region, calls := range u.shown {
		if err := u.edge.bus.DropCalls(ctx, region, u.s.user.ID, calls...); err != nil {
			u.edge.log.Warn("missed calls that were told stay, and will be told again", "region", region, "error", err)
		}
	}
}

func (u *unanswered) take(ctx context.Context, region wire.Region, list []bus.KeptCall) {
	list = u.awaitProof(ctx, region, list)
	fates := u.fates(ctx, list)
	now := time.Now().UnixMilli()
	var shown []wire.Missed
	err := u.edge.bus.ChangeKept(ctx, region, u.s.user.ID, func(list []bus.KeptCall) []bus.KeptCall {
		shown = nil
		list = slices.DeleteFunc(list, func(c bus.KeptCall) bool { return u.proven(&c) || fates[c.Call] == fateOver })
		for i := range list {
			if c := &list[i]; fates[c.Call] == fateMissed {
				shown = append(shown, c.Missed)
				c.Rings, c.ShownTo, c.ShownGen, c.ShownAt = false, u.s.peer, u.s.generation(), now
			}
		}
		return list
	})
	if err != nil {
		u.edge.log.Warn("missed calls can't be marked as told, and will be told again", "region", region, "error", err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.missed = append(u.missed, shown...)
	for _, m := range shown {
		u.shown[region] = append(u.shown[region], m.Call)
	}
}

// proven reports whether the client has got what an earlier hello of the session told of the call: its key comes from that hello's ok, or from
// a later one.
func (u *unanswered) proven(c *bus.KeptCall) bool {
	return u.resume != nil && c.ShownTo == u.s.peer && c.ShownGen <= u.resume.Gen
}

// awaitProof returns the list once no other session has just been told of a call without proof that it got that, or when it took too long.
func (u *unanswered) awaitProof(ctx context.Context, region wire.Region, list []bus.KeptCall) []bus.KeptCall {
	ctx, cancel := context.WithTimeout(ctx, proofPatience)
	defer cancel()
	for {
		recent := time.Now().Add(-clockMargin).UnixMilli()
		if !slices.ContainsFunc(list, func(c bus.KeptCall) bool { return c.ShownTo != "" && c.ShownTo != u.s.peer && c.ShownAt > recent }) {
			return list
		}
		if !pause(ctx, proofEvery) {
			return list
		}
		if now, err := u.edge.bus.KeptCallsIn(ctx, region, u.s.user.ID); err == nil {
			list = now
		}
	}
}

func (u *unanswered) fates(ctx context.Context, list []bus.KeptCall) map[wire.CallID]fate {
	fates := make([]fate, len(list))
	var wg sync.WaitGroup
	for i := range list { // as many as the list's bound
		wg.Go(func() { fates[i] = u.fate(ctx, &list[i]) })
	}
	wg.Wait()
	byCall := make(map[wire.CallID]fate, len(list))
	for i := range list {
		byCall[list[i].Call] = fates[i]
	}
	return byCall
}

func (u *unanswered) fate(ctx context.Context, c *bus.KeptCall) fate {
	if !c.Rings {
		return fateMissed
	}
	d, err := u.edge.decided(ctx, c.Call, partDecision)
	if errors.Is(err, bus.ErrNotFound) {
		o, err := u.edge.readOffer(ctx, c.Call)
		switch {
		case errors.Is(err, bus.ErrNotFound) && time.Since(time.UnixMilli(c.At)) > u.edge.limits.Ring+clockMargin:
			return fateOver // it came to nothing at its very beginning
		case err != nil:
			return fateUnknown
		case !o.late():
			u.rung(o)
			return fateRings
		}
		if u.edge.ringOut(ctx, c.Call) != nil {
			return fateUnknown
		}
		if d, err = u.edge.decided(ctx, c.Call, partDecision); err != nil {
			return fateUnknown
		}
	} else if err != nil {
		return fateUnknown
	}
	if d.State == wire.CallMissed {
		return fateMissed
	}
	return fateOver
}

// rung lets the session hear of a call that began to ring before it was there.
func (u *unanswered) rung(o *offer) {
	u.edge.keepTime(o, o.expires().Add(backstop))
	mid := wire.Mid{Source: wire.NewSource(), N: 1} // of no stream: it is told to this session alone
	if !u.ring || !u.s.rings(o.Call, mid) {
		return
	}
	frame := o.ringFrame()(nil, mid, time.Now().UnixMilli())
	u.mu.Lock()
	defer u.mu.Unlock()
	u.rings = append(u.rings, frame)
}

// dropKept takes a call that was answered or cancelled out of the callee's list. Should that fail, the next hello does it.
func (e *Edge) dropKept(ctx context.Context, o *offer) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	region, _ := o.Call.Region()
	if err := e.bus.DropCalls(ctx, region, o.To, o.Call); err != nil {
		e.log.Debug("a call that is over stays in its callee's list for a while", "call", o.Call, "error", err)
	}
}

// keepMissed makes a call that rang one that was missed. If a hello has told of it already, it is no longer in the list.
func (e *Edge) keepMissed(ctx context.Context, o *offer) error {
	region, _ := o.Call.Region()
	return e.bus.ChangeKept(ctx, region, o.To, func(list []bus.KeptCall) []bus.KeptCall {
		for i := range list {
			if list[i].Call == o.Call {
				list[i].Rings = false
			}
		}
		return list
	})
}
