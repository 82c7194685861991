package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"callmesh/bus/wire"
)

// rehearsal is what the regions went through.
type rehearsal struct {
	// Calls are those between each two regions, and inside each, while all is well.
	Calls []call
	// Cut is the region that was cut off, and Meanwhile the calls inside it, inside the rest, and across, which must fail.
	Cut       string
	Meanwhile []call
	// Healed has a call between the cut region and each other one; Apart is how long it was cut off and Back how long until the first of them came
	// about, in seconds.
	Healed      []call
	Apart, Back float64
	// Staying are two who were in a room all the while, one of them in the region that was cut off.
	Staying  apart
	Entering []entering
	Fallback fallback
}

// entering is how long it takes at most, in a region, to come to an edge and into a room, in milliseconds.
type entering struct {
	At                string
	Well, Cut, Healed int64
	// Failed is why somebody did not get in, once for each who did not.
	Failed []string
}

// faults are the calls that came to something else than they should.
func (r *rehearsal) faults() []string {
	var out []string
	wrong := func(when string, c call) {
		out = append(out, fmt.Sprintf("%s: %s to %s, %s: %s %s %s", when, c.From, c.To, c.Mode, c.Result, c.Step, c.Why))
	}
	for _, c := range r.Calls {
		if !c.connected() {
			wrong("with all well", c)
		}
	}
	for _, c := range r.Meanwhile {
		if across := (c.From == r.Cut) != (c.To == r.Cut); c.connected() == across {
			wrong("with "+r.Cut+" cut off", c)
		}
	}
	for _, c := range r.Healed {
		if !c.connected() {
			wrong("with all well again", c)
		}
	}
	if r.Back > returning.Seconds() {
		out = append(out, fmt.Sprintf("%s had its first call from elsewhere %.0f s after it was back, want within %s", r.Cut, r.Back, returning))
	}
	out = append(out, r.Staying.Wrong...)
	for _, e := range r.Entering {
		for _, why := range e.Failed {
			out = append(out, fmt.Sprintf("nobody gets into a room in %s: %s", e.At, why))
		}
		if longest := max(e.Well, e.Cut, e.Healed); longest > patient.Milliseconds() {
			out = append(out, fmt.Sprintf("to get into a room in %s took %d ms, want within %s", e.At, longest, patient))
		}
	}
	return append(out, r.Fallback.faults()...)
}

// verdict is an error that names everything that was not as it should be.
func (r *rehearsal) verdict() error {
	faults := r.faults()
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%d things are not as they should be:\n  %s", len(faults), strings.Join(faults, "\n  "))
}

// returning bounds how long a region may take to be one of the mesh again.
const returning = 90 * time.Second

// patient bounds how long somebody may take to come to an edge and into a room. The first at an edge waits two seconds for a region that is cut off.
const patient = 10 * time.Second

// enterings is how often somebody comes into a room, in each region and each state.
const enterings = 4

// stagehand runs one rehearsal.
type stagehand struct {
	m    *mesh
	said func(format string, args ...any)
	room int
}

// rehearse has the regions go through it all. The last of them is the one that is cut off.
func (m *mesh) rehearse(ctx context.Context, said func(format string, args ...any)) (*rehearsal, error) {
	h := &stagehand{m: m, said: said}
	gone, rest := places[len(places)-1], places[:len(places)-1]
	r := &rehearsal{Cut: gone.name}
	for _, p := range places {
		r.Entering = append(r.Entering, entering{At: p.name})
	}

	said("calls inside each region, and between each two")
	for i, a := range places {
		for _, b := range places[i:] {
			r.Calls = append(r.Calls, h.call(ctx, a, b, wire.ModeDirect), h.call(ctx, a, b, wire.ModeRelayUDP))
		}
	}
	for i, p := range places {
		r.Entering[i].Well = h.enter(ctx, p, &r.Entering[i])
	}

	two, err := h.couple(ctx, [2]place{rest[0], gone})
	if err != nil {
		return nil, err
	}
	said("%s is cut off", gone.name)
	begun := time.Now()
	if err := gone.cut(ctx); err != nil {
		return nil, err
	}
	if err := two.cut(); err != nil {
		return nil, err
	}
	// Before the calls, so that those who wait for the cut region are among them: the first of each edge.
	for i, p := range places {
		r.Entering[i].Cut = h.enter(ctx, p, &r.Entering[i])
	}
	for _, ends := range [][2]place{{gone, gone}, {rest[0], rest[1]}, {rest[0], gone}} {
		r.Meanwhile = append(r.Meanwhile, h.call(ctx, ends[0], ends[1], wire.ModeRelayUDP))
	}
	if err := gone.heal(ctx); err != nil {
		return nil, err
	}
	healed := time.Now()
	r.Apart = healed.Sub(begun).Seconds()
	said("%s is back, after %.0f s", gone.name, r.Apart)
	staying := make(chan apart, 1)
	go func() { staying <- two.healed(ctx, healed) }()
	for i, other := range rest {
		c := h.call(ctx, gone, other, wire.ModeRelayUDP)
		for !c.connected() && time.Since(healed) < returning && ctx.Err() == nil {
			c = h.call(ctx, gone, other, wire.ModeRelayUDP)
		}
		if i == 0 {
			r.Back = time.Since(healed).Seconds()
		}
		r.Healed = append(r.Healed, c)
	}
	r.Staying = <-staying
	for i, p := range places {
		r.Entering[i].Healed = h.enter(ctx, p, &r.Entering[i])
	}
	if r.Fallback, err = h.fallback(ctx, places[0], places[1]); err != nil {
		return nil, err
	}
	return r, ctx.Err()
}

// call has somebody of one region call somebody of another, each at another edge, so that nothing is between the two but the bus.
func (h *stagehand) call(ctx context.Context, a, b place, mode wire.TraversalMode) call {
	c := h.m.call(ctx, end{a, 0, 0}, end{b, 1, 1}, mode, h.newRoom())
	if c.Result == wire.ResultConnected {
		h.said("  %s to %s, %s: connected by %s in %d ms", c.From, c.To, c.Mode, c.Path, c.Ms)
	} else {
		h.said("  %s to %s, %s: %s %s", c.From, c.To, c.Mode, c.Result, c.Step)
	}
	return c
}

// enter is the longest of several times, in milliseconds. Who does not get in is noted.
func (h *stagehand) enter(ctx context.Context, p place, note *entering) int64 {
	var longest time.Duration
	for range enterings {
		found, err := h.m.enter(ctx, end{p, 0, 0}, h.newRoom())
		if err != nil {
			note.Failed = append(note.Failed, err.Error())
			h.said("  nobody gets into a room in %s: %s", p.name, err)
		}
		longest = max(longest, found.Took)
	}
	h.said("  into a room in %s: at most %d ms", p.name, longest.Milliseconds())
	return longest.Milliseconds()
}

func (h *stagehand) newRoom() string {
	h.room++
	return fmt.Sprintf("rehearsal-%d", h.room)
}
