package main

import (
	"slices"
	"time"

	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/cmd/internal/turnsecrets"
	"callmesh/probe/pair"
	"callmesh/turnctl/turnauth"
)

// RunConfig is everything that `probe run` can be told.
type RunConfig struct {
	Run      string        `key:"run" example:"nightly-1" help:"Name of the run. One that is there goes on where it stood: what is stored is not tried again. Default: a new one."`
	Agents   []string      `key:"agents" example:"berlin-dsl,tokyo-lte" help:"Agents that try each other. Default: all that are there, and those that the run has had before."`
	Modes    []string      `key:"modes" example:"direct,all" help:"Which paths attempts may take, each in turn: direct, relay-udp, relay-tcp, relay-tls, all. Default: those for which the servers suffice."`
	Repeat   int           `key:"repeat" default:"5" help:"How often each pair is tried in each mode."`
	Parallel int           `key:"parallel" default:"8" help:"How many attempts are made at once; of each agent never more than it takes."`
	Limit    time.Duration `key:"limit" default:"20s" help:"How long an attempt may take before it has failed."`
	Patience time.Duration `key:"patience" default:"1m" help:"For how long nothing need come of anything, as while agents or NATS are away, before what is left is left for another time."`

	TURNURL    []string        `key:"turn-url" example:"turn:relay.example.org:3478?transport=udp" help:"Relays and stun: servers that agents are given; repeatable. Default: the relays that the bus has (turnctl watch), those of each agent's region if there are any."`
	TURNSecret turnauth.Secret `key:"turn-secret" help:"Secret shared with the relays, with which their credentials are made. A file may hold several, one a line. Without it no relay is used, and one that is named serves to tell outer addresses."`
	MeshConfig

	Output string `key:"output" default:"text" oneof:"text,json,csv,html,prometheus" help:"Form of the result, which has the counts. probe report has the figures."`
	cli.LogConfig

	secrets []turnauth.Secret
}

// Check implements cli.Checker.
func (c *RunConfig) Check(p *cli.Problems) {
	if c.Run != "" {
		if _, err := wire.ParseRunID(c.Run); err != nil {
			p.Wrong("run", "%s", err)
		}
	}
	for _, a := range c.Agents {
		if _, err := wire.ParseAgentID(a); err != nil {
			p.Wrong("agents", "%s", err)
		}
	}
	if c.Agents = slices.Compact(slices.Sorted(slices.Values(c.Agents))); len(c.Agents) == 1 {
		p.Wrong("agents", "one of them; it takes two")
	}
	for _, m := range c.Modes {
		if !slices.Contains(wire.Modes(), wire.TraversalMode(m)) {
			p.Wrong("modes", "there is no %q; the modes are %v", m, wire.Modes())
		}
	}
	if c.Repeat < 1 || c.Repeat > wire.MaxRepeat {
		p.Wrong("repeat", "%d is not from 1 to %d", c.Repeat, wire.MaxRepeat)
	}
	if c.Parallel < 1 || c.Parallel > 1000 {
		p.Wrong("parallel", "%d is not from 1 to 1000", c.Parallel)
	}
	if c.Limit < time.Second || c.Limit > wire.MaxTestLimit {
		p.Wrong("limit", "%s is not from 1s to %s", c.Limit, wire.MaxTestLimit)
	}
	if c.Patience < time.Second || c.Patience > 24*time.Hour {
		p.Wrong("patience", "%s is not from 1s to 24h", c.Patience)
	}
	for _, u := range c.TURNURL {
		if err := wire.ValidICEURL(u); err != nil {
			p.Wrong("turn-url", "%s", err)
		}
	}
	if !c.TURNSecret.IsZero() {
		secrets, err := turnsecrets.Parse("the file", c.TURNSecret.Reveal())
		if err != nil {
			p.Wrong("turn-secret", "%s", err)
		}
		c.secrets = secrets
	}
	c.check(p, "agents are told on the bus what to do")
}

// modes are those that were asked for, or those that the servers suffice for. Of the former each must have its servers.
func (c *RunConfig) modes(servers []wire.ICEServer) ([]wire.TraversalMode, error) {
	var modes []wire.TraversalMode
	var why error
	for _, m := range wire.Modes() {
		asked := slices.Contains(c.Modes, string(m))
		if len(c.Modes) > 0 && !asked {
			continue
		}
		if err := pair.Serves(m, servers); err == nil {
			modes = append(modes, m)
		} else if asked {
			return nil, cli.Usage("modes: %s: %w; give turn-url and turn-secret, or have relays announced", m, err)
		} else {
			why = err
		}
	}
	if len(modes) == 0 {
		return nil, cli.Usage("turn-url: %w, and no relay is announced", why)
	}
	return modes, nil
}
