package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/cmd/internal/listener"
	"callmesh/cmd/internal/turnsecrets"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/fleet"
	"callmesh/turnctl/turnauth"
)

func watchCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "watch",
		Short: "Stand beside a relay: check it, and announce it to the edges while it works, until SIGTERM or SIGINT",
		Args:  cobra.NoArgs,
	}
	cfg := new(WatchConfig)
	b := cli.Bind(c, cfg)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		cfg.secretFile = b.SecretFile("secret")
		return runWatch(c.Context(), cfg, cfg.Logger(c.ErrOrStderr()))
	}
	withConfigCommands(c, "turnctl watch", func() any { return new(WatchConfig) })
	return c
}

// runWatch runs an agent until ctx ends; then the relay leaves the registry.
func runWatch(ctx context.Context, c *WatchConfig, log *slog.Logger) error {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	secrets := func() []turnauth.Secret { return []turnauth.Secret{c.Secret} }
	if c.secretFile != "" {
		file, err := turnsecrets.Open(c.secretFile, log)
		if err != nil {
			return cli.Usage("secret-file: %w", err)
		}
		defer file.Close()
		secrets = file.Secrets
	}
	o := bus.Options{
		Name: "callmesh turnctl watch", Region: wire.Region(c.Region), Guest: true, URLs: c.NATSURL, Logger: log.With("part", "bus"), Registerer: metrics,
	}
	c.Bus(&o)
	b, err := bus.Open(o)
	if err != nil {
		return cli.Usage("%w", err)
	}
	defer b.Close()
	pace := fleet.Pace{Interval: c.Interval, Rule: fleet.Rule{Fail: c.FailAfter, Recover: c.RecoverAfter}}
	agent, err := fleet.NewAgent(fleet.Options{
		Bus: b, ID: wire.RelayID(c.ID), Realm: c.Realm, URLs: c.URL, Check: quickCheck(c.Realm, c.CAFile, pace), Load: c.load(), Secrets: secrets, Pace: pace,
		Version: cli.ReadBuild().Version, Logger: log, Registerer: metrics,
	})
	if err != nil {
		return cli.Usage("%w", err)
	}
	admin, err := listener.StartAdmin(c.AdminListen, metrics, agent.Serving, log)
	if err != nil {
		return err
	}
	defer admin.Stop()
	log.Info("watching", "relay", c.ID, "region", c.Region, "urls", c.URL, "interval", c.Interval)

	running, end := context.WithCancel(ctx)
	defer end()
	done := make(chan struct{})
	go func() { defer close(done); agent.Run(running) }()
	select {
	case <-done:
	case <-admin.Ended:
		end()
		<-done
		return admin.Err
	}
	return nil
}

// load asks coturn how busy it is; nil if there is no way to.
func (c *WatchConfig) load() func(context.Context) (fleet.Load, error) {
	if c.CLIPassword.IsZero() {
		if c.Capacity == 0 {
			return nil
		}
		return func(context.Context) (fleet.Load, error) {
			return fleet.Load{Allocations: -1, Capacity: c.Capacity, BytesPerSecond: -1}, nil
		}
	}
	return func(ctx context.Context) (load fleet.Load, err error) {
		load = fleet.Load{Allocations: -1, Capacity: -1, BytesPerSecond: -1}
		if c.Capacity > 0 {
			load.Capacity = c.Capacity
		}
		cc, err := coturn.DialCLI(ctx, coturn.CLIOptions{Addr: c.CLIAddress, Password: c.CLIPassword})
		if err != nil {
			return load, err
		}
		defer func() { err = errors.Join(err, cc.Close()) }()
		if v, err := cc.Version(); err == nil {
			load.Software = fmt.Sprintf("coturn %s", v)
		}
		list, total, err := cc.Sessions(ctx)
		if err != nil {
			return load, err
		}
		load.Allocations, load.BytesPerSecond = total, traffic(list, total)
		if load.Capacity < 0 {
			parameters, err := cc.Parameters(ctx)
			if err != nil {
				return load, err
			}
			if quota, err := strconv.Atoi(parameters["total-quota"]); err == nil && quota > 0 {
				load.Capacity = quota
			}
		}
		return load, nil
	}
}

// traffic is what all sessions carry, in bytes per second, from those that coturn lists: at most cli-max-output-sessions of them.
func traffic(list []coturn.Session, total int) int64 {
	if len(list) == 0 {
		return 0
	}
	var sum float64
	for _, s := range list {
		sum += float64(s.BytesPerSecond)
	}
	return int64(sum / float64(len(list)) * float64(max(total, len(list))))
}
