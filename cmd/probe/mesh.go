package main

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
)

// MeshConfig are the keys about the mesh that a command speaks to.
type MeshConfig struct {
	NATSURL []string `key:"nats-url" example:"nats://a:4222,nats://b:4222" help:"NATS servers of the mesh, of one cluster."`
	cli.NATSConfig
}

// busTimeout is how long the mesh may take to answer before a command gives up.
const busTimeout = 20 * time.Second

// check checks them; a command that can't do without says what for.
func (c *MeshConfig) check(p *cli.Problems, wanted string) {
	if len(c.NATSURL) == 0 && wanted != "" {
		p.Wrong("nats-url", "not given, and %s; write it like nats://a:4222,nats://b:4222", wanted)
	}
	c.CheckNATS(p, c.NATSURL)
}

// join opens the bus as a guest that NATS shows under name, whose answers come to an inbox of that name, and who hears of regions that come later. It may not be ready.
func (c *MeshConfig) join(ctx context.Context, name string, log *slog.Logger, metrics prometheus.Registerer) (*bus.Bus, error) {
	o := bus.Options{
		Name: "callmesh probe " + name, URLs: c.NATSURL, Guest: true, InboxPrefix: "_INBOX.probe-" + strings.ReplaceAll(name, " ", "."),
		Logger: log.With("part", "bus"), Registerer: metrics,
	}
	c.Bus(&o)
	b, err := bus.Open(o)
	if err != nil {
		return nil, cli.Usage("nats-url: %w", err)
	}
	if err := b.HoldLease(ctx, nil, bus.LeaseEvents{Found: func(bus.Lease) {}, Lost: func(wire.EdgeID) {}}); err != nil {
		b.Close()
		return nil, cli.Unmeasured("nats-url: %w", err)
	}
	return b, nil
}

// open is join, and waits until the mesh answers, or ctx ends. What is opened outlives ctx: who is interrupted still stores what was made.
func (c *MeshConfig) open(ctx context.Context, name string, log *slog.Logger) (*bus.Bus, error) {
	b, err := c.join(context.WithoutCancel(ctx), name, log, nil)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, busTimeout)
	defer cancel()
	if err := b.WaitReady(waiting); err != nil {
		b.Close()
		if ctx.Err() != nil {
			return nil, cli.Unmeasured("nats-url: interrupted before the mesh answered")
		}
		return nil, cli.Unmeasured("nats-url: the mesh does not answer within %s, or no edge of it has ever been there", busTimeout)
	}
	return b, nil
}
