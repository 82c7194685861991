package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/cmd/internal/listener"
	"callmesh/turnctl/fleet"
	"callmesh/turnctl/verdict"
)

// fleetTick is how often a watched fleet is looked at, for what changes by itself: leases that end, and how long ago things were.
const fleetTick = time.Second

func fleetCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "fleet",
		Short: "Show the relays of all regions, as their agents announce them; exit code 1 if one fails or a region has none",
		Args:  cobra.NoArgs,
	}
	cfg := new(FleetConfig)
	b := cli.Bind(c, cfg)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		return runFleet(c, cfg, cfg.Logger(c.ErrOrStderr()))
	}
	withConfigCommands(c, "turnctl fleet", func() any { return new(FleetConfig) })
	return c
}

// viewed is a fleet as this process sees it.
type viewed struct {
	bus     *bus.Bus
	relays  *bus.Relays
	regions []wire.Region
}

func (v *viewed) now() fleet.Registry {
	return fleet.Registry{Relays: v.relays.List(), Regions: v.bus.Regions()}.Only(v.regions)
}

func runFleet(cmd *cobra.Command, c *FleetConfig, log *slog.Logger) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	if !c.Watch {
		log = slog.New(slog.DiscardHandler) // what stands in the way is the error's to say
	}
	o := bus.Options{Name: "callmesh turnctl fleet", URLs: c.NATSURL, Guest: true, Logger: log}
	c.Bus(&o)
	b, err := bus.Open(o)
	if err != nil {
		return cli.Usage("%w", err)
	}
	defer b.Close()
	changed := make(chan struct{}, 1)
	v := &viewed{bus: b, relays: b.WatchRelays(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})}
	defer v.relays.Close()
	for _, r := range c.Region {
		v.regions = append(v.regions, wire.Region(r))
	}
	// A guest hears of new regions from their edges.
	if err := b.HoldLease(ctx, nil, bus.LeaseEvents{Found: func(bus.Lease) {}, Lost: func(wire.EdgeID) {}}); err != nil {
		return cli.Unmeasured("%w", err)
	}
	reading, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	err = b.WaitReady(reading)
	if err == nil {
		err = v.relays.Wait(reading)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return nil // interrupted
	case err != nil && !c.Watch:
		return cli.Unmeasured("the registries could not be read within %s: is there a NATS at nats-url, and was there ever an edge? %w", c.Timeout, err)
	case c.Watch:
		return v.watch(ctx, c, log, out, changed)
	}
	report, err := writeFleet(out, c.Output, v.now())
	if code := report.Exit(); err == nil && code != verdict.ExitHealthy {
		return exitCode(code)
	}
	return err
}

// watch shows the fleet whenever it has changed, until ctx ends, which is how it is meant to end.
func (v *viewed) watch(ctx context.Context, c *FleetConfig, log *slog.Logger, out io.Writer, changed <-chan struct{}) error {
	if c.AdminListen != "" {
		metrics := prometheus.NewRegistry()
		metrics.MustRegister(fleet.Collector{Now: v.now})
		admin, err := listener.StartAdmin(c.AdminListen, metrics, v.relays.Known, log)
		if err != nil {
			return err
		}
		defer admin.Stop()
	}
	place := false
	if file, ok := out.(*os.File); ok && c.Output == "text" {
		place = verdict.Terminal(file) && os.Getenv("TERM") != "dumb"
	}
	tick := time.NewTicker(fleetTick)
	defer tick.Stop()
	last := ""
	for {
		now := v.now()
		// What is seen to change is not what merely grows older.
		report := fleet.Report(now, "fleet", time.Time{})
		said := fingerprint(&report)
		if place || said != last {
			if err := v.show(out, c.Output, now, place); err != nil {
				return err
			}
			last = said
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-tick.C:
		}
	}
}

func (v *viewed) show(out io.Writer, form string, now fleet.Registry, place bool) error {
	if place {
		if _, err := io.WriteString(out, "\x1b[H\x1b[2J"); err != nil { // to the top left, and clear
			return err
		}
	}
	if form == "text" && !v.relays.Known() {
		if _, err := fmt.Fprintln(out, "(the bus can't be read now: this is what was known last)"); err != nil {
			return err
		}
	}
	_, err := writeFleet(out, form, now)
	return err
}

// fingerprint is what of a report matters: not for how long things have been so.
func fingerprint(r *verdict.Report) string {
	var b strings.Builder
	for i := range r.Items {
		fmt.Fprintf(&b, "%s %s %s %s\n", r.Items[i].Group, r.Items[i].Name, r.Items[i].Status, r.Items[i].Evidence)
	}
	return b.String()
}

func writeFleet(out io.Writer, form string, now fleet.Registry) (verdict.Report, error) {
	report := fleet.Report(now, "fleet", time.Now())
	if form == "text" {
		return report, fleet.Table(out, now, report.At)
	}
	return report, verdict.Write(out, verdict.Format(form), &report, verdict.Options{})
}
