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

	"callmesh/bus/wire"
	"callmesh/probe/pair"
)

// end is one end of a call: a caller of a region, and the edge that it comes to.
type end struct {
	place  place
	caller int
	edge   int
}

// call is what one call from a region to another came to, as the first end saw it.
type call struct {
	From, To string
	pair.Attempt
}

// connected says that the call came about, by the kind of path that it was to take.
func (c call) connected() bool {
	return c.Result == wire.ResultConnected && (c.Path == wire.PathRelay) == (c.Mode == wire.ModeRelayUDP)
}

// tokenEnv is where programs look for a token, so that it stands in no list of processes.
const tokenEnv = "CALLMESH_TOKEN"

// Times within which a call must come about. Nobody who waits for the other side is waited for longer.
const (
	meeting  = 20 * time.Second
	callTime = 20 * time.Second
)

// call has two people call each other, each from a region, over an edge there. If not even the signalling comes about, that is the result, and why.
func (m *mesh) call(ctx context.Context, a, b end, mode wire.TraversalMode, room string) call {
	c := call{From: a.place.name, To: b.place.name, Attempt: pair.Attempt{Mode: mode}}
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
	var attempts []pair.Attempt
	if len(out) > 0 {
		err = json.Unmarshal(out, &attempts)
	}
	if len(attempts) != 1 {
		c.Result, c.Why = wire.ResultNoSignalling, fmt.Sprint(errors.Join(err, other.err))
		return c
	}
	c.Attempt = attempts[0]
	return c
}

// probe is one end's part.
func (m *mesh) probe(ctx context.Context, e end, mode wire.TraversalMode, room string) ([]byte, error) {
	_, at := edgeAt(e.place, e.edge)
	return m.asCaller(ctx, e, m.programs.probe, "pair", "--url", "ws://"+at, "--room", room, "--mode", string(mode), "--output", "json",
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
	token, err := m.token(ctx, e)
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", fmt.Sprintf("%s-caller%d", e.place.name, e.caller+1), program}, args...)...)
	c.Env = append(c.Environ(), tokenEnv+"="+token)
	var complaint bytes.Buffer
	c.Stderr = &complaint
	out, err := c.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", userOf(e), err, strings.TrimSpace(complaint.String()))
	}
	return out, err
}

// userOf is who calls from an end.
func userOf(e end) string { return fmt.Sprintf("%s-%d", e.place.name, e.caller+1) }

// token is signed with the secret that all edges have.
func (m *mesh) token(ctx context.Context, e end) (string, error) {
	sign := exec.CommandContext(ctx, m.programs.edge, "token", "--user", userOf(e), "--name", userOf(e), "--auth-secret-file", m.file("auth"), "--ttl", "1h")
	token, err := sign.Output()
	if err != nil {
		return "", fmt.Errorf("a token: %w", err)
	}
	return strings.TrimSpace(string(token)), nil
}
