package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/drain"
	"callmesh/turnctl/provision"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/verdict"
)

// DrainConfig is what turnctl drain goes by. The tags are explained in package cli.
type DrainConfig struct {
	Conf        string          `key:"conf" default:"/etc/turnserver.conf" help:"coturn's configuration: by it the process is found, and its command-line interface."`
	PID         int             `key:"pid" default:"0" help:"coturn's process. Default: the one that runs with conf."`
	CLIPassword turnauth.Secret `key:"cli-password" help:"The password of coturn's command-line interface, which coturn before 4.6.3 needs to be drained."`
	CLIAddress  string          `key:"cli-address" want:"host:port" example:"127.0.0.1:5766" help:"Where that interface is. Default: what conf says."`
	Timeout     time.Duration   `key:"timeout" default:"1h" help:"How long to wait for calls to end. Then it exits 1 and leaves the relay draining, unless force."`
	Force       bool            `key:"force" default:"false" help:"Stop coturn after timeout though calls go on."`
	KeepRunning bool            `key:"keep-running" default:"false" help:"Leave coturn running and refusing at the end, rather than stopping it."`
	Cancel      bool            `key:"cancel" default:"false" help:"Take a draining relay back into service."`

	Region  string        `key:"region" default:"local" help:"The relay's region in the registry."`
	RelayID string        `key:"relay-id" example:"eu-1" help:"The relay's name in the registry; needed with nats-url."`
	KeepOut time.Duration `key:"keep-out" default:"24h" help:"How long the registry keeps it out unless cancelled, at most 168h."`
	MeshConfig
	OutputConfig
}

// Check implements cli.Checker.
func (c *DrainConfig) Check(p *cli.Problems) {
	if c.Timeout <= 0 {
		p.Wrong("timeout", "%s is not positive; give one such as 1h", c.Timeout)
	}
	if c.KeepOut <= 0 || c.KeepOut > bus.MaxDrain {
		p.Wrong("keep-out", "%s is not within 0 and %s", c.KeepOut, bus.MaxDrain)
	}
	if len(c.NATSURL) == 0 {
		return
	}
	c.CheckNATS(p, c.NATSURL)
	if _, err := wire.ParseRegion(c.Region); err != nil {
		p.Wrong("region", "%s", err)
	}
	if _, err := wire.ParseRelayID(c.RelayID); err != nil {
		p.Wrong("relay-id", "%s; give the one of its turnctl watch", err)
	}
}

func drainCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "drain",
		Short: "Take a relay out of service without ending a call, then stop it",
		Long: `Take a relay out of service without ending a call, then stop it.

Edges stop handing it out (nats-url), it refuses new allocations, and once the last one has ended coturn is stopped
in the way of whoever keeps it running: systemd, or turnctl provision --supervise. --cancel takes it back.`,
		Args: cobra.NoArgs,
	}
	cfg := new(DrainConfig)
	b := cli.Bind(c, cfg)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		report := verdict.Report{Command: "drain", Target: cfg.Conf, At: time.Now()}
		var err error
		report.Items, err = runDrain(c.Context(), cfg, func(line string) { fmt.Fprintln(c.ErrOrStderr(), line) })
		if err != nil {
			return err
		}
		return cfg.report(c, &report)
	}
	withConfigCommands(c, "turnctl drain", func() any { return new(DrainConfig) })
	return c
}

func runDrain(ctx context.Context, cfg *DrainConfig, say func(string)) ([]verdict.Item, error) {
	conf, err := coturn.ReadConfig(cfg.Conf)
	if err != nil {
		return nil, cli.Usage("conf: %w", err)
	}
	relay := drain.Coturn{CLI: cliOptions(conf, cfg.CLIAddress, cfg.CLIPassword), Binary: "turnserver"}
	if cfg.PID != 0 {
		relay.Process, err = coturn.ReadProcess(cfg.PID)
	} else {
		relay.Process, err = coturn.FindProcess(cfg.Conf)
	}
	if err != nil && !cfg.Cancel {
		return nil, err
	}
	if err == nil {
		relay.StopIt = provision.StopperOf(relay.Process)
	}
	o := drain.Options{Relay: relay, KeepOut: cfg.KeepOut, Timeout: cfg.Timeout, Force: cfg.Force, KeepRunning: cfg.KeepRunning, Say: say}
	if len(cfg.NATSURL) > 0 {
		b, err := cfg.open(ctx, wire.Region(cfg.Region), slog.New(slog.DiscardHandler))
		if err != nil {
			return nil, err
		}
		defer b.Close()
		o.Registry = drain.OnBus{Bus: b, Region: wire.Region(cfg.Region), ID: wire.RelayID(cfg.RelayID)}
	}
	if !cfg.Cancel {
		return drain.Run(ctx, o), nil
	}
	quota := uint64(0)
	if text := conf.Get("total-quota"); text != "" {
		if quota, err = strconv.ParseUint(text, 10, 32); err != nil {
			return nil, cli.Usage("conf: total-quota: %q is no number of allocations", text)
		}
	}
	return drain.Cancel(ctx, o, quota), nil
}

// cliOptions say where a configuration has coturn's command-line interface. A password stands there in clear or as a hash, which is of no use.
func cliOptions(conf coturn.Config, addr string, password turnauth.Secret) coturn.CLIOptions {
	if addr == "" {
		ip, port := conf.Get("cli-ip"), conf.Get("cli-port")
		if ip == "" {
			ip = "127.0.0.1"
		}
		if port == "" {
			port = "5766"
		}
		addr = net.JoinHostPort(ip, port)
	}
	if inClear := conf.Get("cli-password"); password.IsZero() && len(inClear) > 0 && inClear[0] != '$' {
		password = turnauth.NewSecret(inClear)
	}
	return coturn.CLIOptions{Addr: addr, Password: password}
}
