package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"callmesh/bus/wire"
)

// fallback is what a region did without its own relay.
type fallback struct {
	At string
	// Well, Without and Again are the regions of the relays that its edges give to who comes, in order: before, while the own one was stopped, and
	// once it was back.
	Well, Without, Again []string
	// Gone and Back are the seconds until edges gave the stopped one to nobody any more, and gave it first again.
	Gone, Back float64
	// Call is one by a relay, from there to another region, meanwhile.
	Call call
}

func (f fallback) faults() []string {
	var out []string
	if len(f.Well) == 0 || f.Well[0] != f.At {
		out = append(out, fmt.Sprintf("with all well, the relays of %s are those of %q, not first its own", f.At, f.Well))
	}
	if len(f.Without) == 0 || slices.Contains(f.Without, f.At) {
		out = append(out, fmt.Sprintf("with the relay of %s stopped, its relays are those of %q", f.At, f.Without))
	}
	if !f.Call.connected() {
		out = append(out, fmt.Sprintf("with the relay of %s stopped, a call to %s: %s %s %s", f.At, f.Call.To, f.Call.Result, f.Call.Step, f.Call.Why))
	}
	if len(f.Again) == 0 || f.Again[0] != f.At {
		out = append(out, fmt.Sprintf("with the relay of %s started again, its relays are those of %q, not first its own", f.At, f.Again))
	}
	return out
}

// fallback stops a region's relay and starts it again.
func (h *stagehand) fallback(ctx context.Context, at, other place) (f fallback, err error) {
	f.At = at.name
	own := func(all []string) bool { return len(all) > 0 && all[0] == at.name }
	f.Well, _ = h.relays(ctx, at, own)
	if err := h.m.stopCoturn(at); err != nil {
		return f, err
	}
	f.Without, f.Gone = h.relays(ctx, at, func(all []string) bool { return !slices.Contains(all, at.name) })
	h.said("the relay of %s is stopped: after %.1f s edges give those of %q in its place", at.name, f.Gone, f.Without)
	f.Call = h.call(ctx, at, other, wire.ModeRelayUDP)
	if err := h.m.startCoturn(at); err != nil {
		return f, err
	}
	f.Again, f.Back = h.relays(ctx, at, own)
	h.said("it is started again: after %.1f s edges give it again", f.Back)
	return f, nil
}

// relays asks an edge until what it gives is as it should be, and how many seconds that took; what it gave last, if it never was.
func (h *stagehand) relays(ctx context.Context, at place, should func(regions []string) bool) ([]string, float64) {
	begun := time.Now()
	ctx, stop := context.WithTimeout(ctx, starting)
	defer stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var last []string
	var failed error
	for ctx.Err() == nil {
		found, err := h.m.enter(ctx, end{at, 0, 0}, h.newRoom())
		if err == nil {
			last = found.Relays
		}
		if failed = err; err == nil && should(last) {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	if failed != nil {
		h.said("an edge of %s could not be asked for relays: %s", at.name, failed)
	}
	return last, time.Since(begun).Seconds()
}
