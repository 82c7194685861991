package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// apart is how it went for two who stay in one room, each in a region, while the way between these is cut and mended.
type apart struct {
	Who [2]string
	// Said is how much each said meanwhile, and was told that it is accepted.
	Said [2]int
	// Whole is how many seconds after the mending both had heard all that the other said meanwhile, and saw the other in the room and online.
	Whole float64
	// Wrong is what must not be.
	Wrong []string
}

func (a *apart) wrong(format string, args ...any) {
	a.Wrong = append(a.Wrong, fmt.Sprintf(format, args...))
}

// couple is those two, as processes.
type couple struct {
	h    *stagehand
	both [2]*process
	seen apart
}

// couple has somebody of each of two regions come into a room and stay.
func (h *stagehand) couple(ctx context.Context, at [2]place) (*couple, error) {
	c := &couple{h: h}
	room := h.newRoom()
	for i, p := range at {
		c.seen.Who[i] = userOf(end{p, 1, 0})
	}
	for i, p := range at {
		var err error
		if c.both[i], err = h.m.stay(ctx, end{p, 1, i}, room, c.seen.Who[1-i]); err != nil {
			return nil, err
		}
	}
	for i := range c.both {
		if _, err := c.until(ctx, i, func(s stay) bool { return s.There && s.Online && s.Heard > 0 }); err != nil {
			return nil, err
		}
	}
	h.said("%s and %s came into a room to stay, and talk", c.seen.Who[0], c.seen.Who[1])
	return c, nil
}

// cut notes where the two are as they are cut off.
func (c *couple) cut() error {
	for i, r := range c.both {
		s, err := last(r)
		if err != nil {
			return err
		}
		c.seen.Said[i] = -s.Said
	}
	return nil
}

// healed waits until nothing is missing to either of the two.
func (c *couple) healed(ctx context.Context, since time.Time) apart {
	var said [2]int
	for i, r := range c.both {
		s, err := last(r)
		if err != nil {
			c.seen.wrong("%v", err)
			return c.seen
		}
		said[i] = s.Said
		c.seen.Said[i] += s.Said
	}
	for i := range c.both {
		s, err := c.until(ctx, i, func(s stay) bool { return s.There && s.Online && s.Heard >= said[1-i] })
		if err != nil {
			c.seen.wrong("%s has heard %d of %d of %s, who is there: %v, online: %v: %v", c.seen.Who[i], s.Heard, said[1-i], c.seen.Who[1-i], s.There, s.Online, err)
		}
		for _, w := range s.Wrong {
			c.seen.wrong("%s heard %s of %s", c.seen.Who[i], w, c.seen.Who[1-i])
		}
		if c.seen.Said[i] < fewest {
			c.seen.wrong("%s could say only %d things while the regions were apart", c.seen.Who[i], c.seen.Said[i])
		}
	}
	c.seen.Whole = time.Since(since).Seconds()
	c.h.said("  %s and %s, who said %d and %d things meanwhile, have heard all of it and see each other after %.1f s", c.seen.Who[0], c.seen.Who[1], c.seen.Said[0], c.seen.Said[1], c.seen.Whole)
	return c.seen
}

// fewest is what each of the two must be able to say while they are apart, four times a second for half a minute or more.
const fewest = 40

// until waits for what one of the two has seen.
func (c *couple) until(ctx context.Context, i int, should func(stay) bool) (s stay, err error) {
	ctx, stop := context.WithTimeout(ctx, returning)
	defer stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if s, err = last(c.both[i]); err == nil && should(s) {
			return s, nil
		}
		select {
		case <-c.both[i].done:
			return s, fmt.Errorf("%s ended: %s", c.both[i].name, c.both[i].said())
		case <-ctx.Done():
			return s, errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// stay starts somebody who stays in a room with another, and ends with the mesh.
func (m *mesh) stay(ctx context.Context, e end, room, other string) (*process, error) {
	token, err := m.token(ctx, e)
	if err != nil {
		return nil, err
	}
	_, at := edgeAt(e.place, e.edge)
	r, err := beginWith([]string{tokenEnv + "=" + token}, m.dir, e.place, fmt.Sprintf("caller%d", e.caller+1), m.programs.self, askStay, "ws://"+at, room, other)
	return r, m.keep(r, err)
}

// last is what somebody who stays had seen when they last said so.
func last(r *process) (s stay, err error) {
	text, err := os.ReadFile(r.log.Name())
	if err != nil {
		return s, err
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 2 {
		return s, fmt.Errorf("%s: nothing was seen yet", filepath.Base(r.log.Name()))
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-2]), &s); err != nil { // behind the last \n stands what is not written yet
		return s, fmt.Errorf("%s: %w", r.said(), err)
	}
	return s, nil
}
