package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// end is one end of a call: a caller of a region, and the edge that it comes to.
type end struct {
	place  place
	caller int
	edge   int
}

// call is what one call came to.
type call struct {
	From, To string
	Mode     string
	// Result and Path are as the first end saw them.
	Result string
	Path   string
	Step   string
	// Took is the time from the first description to the open channel, RTT that of the path, both in milliseconds.
	Took int64
	RTT  float64
	Why  string
}

// connected says that the call came about, by the kind of path that it was to take.
func (c call) connected() bool {
	return c.Result == "connected" && (c.Mode != relayed || c.Path == "relay")
}

// tokenEnv is where programs look for a token, so that it stands in no list of processes.
const tokenEnv = "CALLMESH_TOKEN"

const (
	direct  = "direct"
	relayed = "relay-udp"
)

// Times within which a call must come about. Nobody who waits for the other side is waited for longer.
const (
	meeting  = 20 * time.Second
	callTime = 20 * time.Second
)

// call has two people call each other, each from a region, over an edge there. Its error says that it could not be tried: not even the signalling came about.
func (m *mesh) call(ctx context.Context, a, b end, mode, room string) (call, error) {
	c := call{From: a.place.name, To: b.place.name, Mode: mode}
	ctx, stop := context.WithTimeout(ctx, meeting+callTime+10*time.Second)
	defer stop()
	type said struct {
		out []byte
		err error
	}
	theirs := make(chan said, 1)
	go func() {
		out, err := m.probe(ctx, b, mode, room)
		theirs <- said{out, err}
	}()
	out, err := m.probe(ctx, a, mode, room)
	other := <-theirs
	if len(out) == 0 {
		return c, errors.Join(err, other.err)
	}
	var attempts []struct {
		Result, Path, Step, Why string
		Ms                      int64
		RTTMs                   float64
	}
	if err := json.Unmarshal(out, &attempts); err != nil || len(attempts) != 1 {
		return c, fmt.Errorf("probe said %q: %w", out, err)
	}
	t := attempts[0]
	c.Result, c.Path, c.Step, c.Took, c.RTT, c.Why = t.Result, t.Path, t.Step, t.Ms, t.RTTMs, t.Why
	return c, nil
}

// probe is one end's part.
func (m *mesh) probe(ctx context.Context, e end, mode, room string) ([]byte, error) {
	_, at := edgeAt(e.place, e.edge)
	return m.asCaller(ctx, e, m.programs.probe, "pair", "--url", "ws://"+at, "--room", room, "--mode", mode, "--output", "json",
		"--meet", meeting.String(), "--limit", callTime.String())
}

// enter has somebody come to an edge and into an empty room there.
func (m *mesh) enter(ctx context.Context, e end, room string) (entrance, error) {
	_, at := edgeAt(e.place, e.edge)
	out, err := m.asCaller(ctx, e, m.programs.self, askEnter, "ws://"+at, room)
	if err != nil {
		return entrance{}, err
	}
	var found entrance
	err = json.Unmarshal(out, &found)
	return found, err
}

// asCaller runs a program at a caller's host, with a token of theirs, and is what it prints.
func (m *mesh) asCaller(ctx context.Context, e end, program string, args ...string) ([]byte, error) {
	user := fmt.Sprintf("%s-%d", e.place.name, e.caller+1)
	token, err := exec.CommandContext(ctx, m.programs.edge, "token", "--user", user, "--name", user, "--auth-secret-file", m.file("auth"), "--ttl", "10m").Output()
	if err != nil {
		return nil, fmt.Errorf("a token: %w", err)
	}
	c := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", fmt.Sprintf("%s-caller%d", e.place.name, e.caller+1), program}, args...)...)
	c.Env = append(c.Environ(), tokenEnv+"="+strings.TrimSpace(string(token)))
	var complaint bytes.Buffer
	c.Stderr = &complaint
	out, err := c.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", user, err, strings.TrimSpace(complaint.String()))
	}
	return out, err
}
