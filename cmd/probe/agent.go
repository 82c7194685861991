package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/cmd/internal/listener"
	"callmesh/probe/agent"
	"callmesh/probe/discover"
	"callmesh/probe/nat"
)

// AgentConfig is everything that `probe agent` can be told.
type AgentConfig struct {
	ID      string        `key:"id" example:"berlin-dsl" help:"Name of this vantage point, in a-z, 0-9 and -: no other has it, and it keeps it. Required."`
	Region  string        `key:"region" example:"eu" help:"Region in which it stands: one of edges and relays if there is one, else a label of your own. Required."`
	Network string        `key:"network" example:"dsl" help:"Label of the network that it stands in, as you tell networks apart; reports count networks by it."`
	ASN     int           `key:"asn" default:"0" example:"3320" help:"Number of the autonomous system that the network belongs to. 0: not said."`
	Server  string        `key:"server" example:"stun:stun.example.org:3478" help:"STUN server with two addresses, by which the NAT before this host is told. Default: it is not, and nothing can be predicted."`
	Wait    time.Duration `key:"wait" default:"500ms" help:"How long its first request waits for the answer; each of the next three waits twice as long. What is never answered, as filtering is told by, takes 15 times as long."`
	Renew   time.Duration `key:"renew" default:"30m" help:"How often the NAT is told anew."`
	Slots   int           `key:"slots" default:"1" help:"How many tests it takes at once. More than one are in each other's times."`
	MeshConfig

	AdminListen string `key:"admin-listen" default:"127.0.0.1:9093" help:"Address and port for /metrics, /livez and /readyz. It asks nobody who they are: keep it where only your monitoring is."`
	cli.LogConfig
}

// Check implements cli.Checker.
func (c *AgentConfig) Check(p *cli.Problems) {
	if _, err := wire.ParseAgentID(c.ID); err != nil {
		p.Wrong("id", "%q is not a name; write it like berlin-dsl, in at most 63 of a-z, 0-9 and -", c.ID)
	}
	if _, err := wire.ParseRegion(c.Region); err != nil {
		p.Wrong("region", "%q is not a region; write it like eu-west, in at most 32 of a-z, 0-9 and -", c.Region)
	}
	if c.ASN < 0 || c.ASN > math.MaxUint32 {
		p.Wrong("asn", "%d is not from 0 to %d", c.ASN, math.MaxUint32)
	}
	if c.Slots < 1 || c.Slots > wire.MaxAgentSlots {
		p.Wrong("slots", "%d is not from 1 to %d", c.Slots, wire.MaxAgentSlots)
	}
	if c.Renew < time.Minute || c.Renew > 24*time.Hour {
		p.Wrong("renew", "%s is not from 1m to 24h", c.Renew)
	}
	if c.Wait < 10*time.Millisecond || c.Wait > 10*time.Second {
		p.Wrong("wait", "%s is not between 10ms and 10s", c.Wait)
	}
	if c.Server != "" {
		if _, err := stunServer(c.Server); err != nil {
			p.Wrong("server", "%s", err)
		}
	}
	c.check(p, "agents are told on the bus what to do")
	p.CheckListen("admin-listen", c.AdminListen)
}

func agentCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "agent --id NAME --region REGION --nats-url nats://HOST:4222",
		Short: "Be a vantage point: take part in the pair tests of `probe run`, until SIGTERM or SIGINT",
		Long: `Be a vantage point: take part in the pair tests of probe run, until SIGTERM or SIGINT.

Exit codes: 0 it was told to end; 2 bad usage, or another agent has the name and is there.`,
		Args: cobra.NoArgs,
	}
	cfg := new(AgentConfig)
	b := cli.Bind(c, cfg)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		return runAgent(c.Context(), cfg, cfg.Logger(c.ErrOrStderr()))
	}
	withConfigCommands(c, "probe agent", func() any { return new(AgentConfig) })
	return c
}

func runAgent(ctx context.Context, c *AgentConfig, log *slog.Logger) error {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	b, err := c.join(ctx, "agent "+c.ID, log, metrics)
	if err != nil {
		return err
	}
	defer b.Close()
	a, err := agent.New(agent.Options{
		Bus: b, ID: wire.AgentID(c.ID), Region: wire.Region(c.Region), Network: c.Network, ASN: uint32(c.ASN), Slots: c.Slots, Classify: c.classify(), Renew: c.Renew,
		Version: cli.ReadBuild().Version, Logger: log, Registerer: metrics,
	})
	if err != nil {
		return cli.Usage("%w", err)
	}
	admin, err := listener.StartAdmin(c.AdminListen, metrics, a.Announced, log)
	if err != nil {
		return cli.Usage("%w", err)
	}
	defer admin.Stop()

	running, end := context.WithCancel(ctx)
	defer end()
	done := make(chan error, 1)
	go func() { done <- a.Run(running) }()
	select {
	case err := <-done:
		if _, held := errors.AsType[*bus.HeldError](err); held {
			return cli.Usage("id: %w", err)
		}
		return err
	case <-admin.Ended:
		end()
		return errors.Join(admin.Err, <-done)
	}
}

// classify tells the NAT by the server; nil if there is none.
func (c *AgentConfig) classify() func(context.Context) (nat.Class, error) {
	if c.Server == "" {
		return nil
	}
	return func(ctx context.Context) (nat.Class, error) {
		server, err := stunServer(c.Server)
		if err != nil {
			return nat.Class{}, err
		}
		r, err := discover.Run(ctx, discover.Options{Server: server, FirstWait: c.Wait})
		if err != nil {
			return nat.Class{}, err
		}
		class := r.Class()
		class.UDPBlocked = class.UDPBlocked && r.Measured // else it may be the server that is down
		return class, nil
	}
}
