package main

import (
	"context"
	"log/slog"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/turnctl/rotate"
)

// MeshConfig are the keys about the mesh that a command speaks to.
type MeshConfig struct {
	NATSURL []string `key:"nats-url" example:"nats://a:4222,nats://b:4222" help:"NATS servers of the mesh whose edges are told. Default: nobody is told."`
	cli.NATSConfig
}

// busTimeout is how long the mesh may take to answer before a command gives up.
const busTimeout = 20 * time.Second

// open joins the mesh as a guest and waits until it answers.
func (c MeshConfig) open(ctx context.Context, region wire.Region, log *slog.Logger) (*bus.Bus, error) {
	o := bus.Options{Name: "turnctl", Region: region, URLs: c.NATSURL, Guest: true, Logger: log}
	c.Bus(&o)
	b, err := bus.Open(o)
	if err != nil {
		return nil, cli.Usage("nats-url: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, busTimeout)
	defer cancel()
	if err := b.WaitReady(ctx); err != nil {
		b.Close()
		return nil, cli.Unmeasured("nats-url: the mesh of region %q does not answer within %s, or no edge of it has ever been there", region, busTimeout)
	}
	return b, nil
}

// openMesh listens until the edges and relays of a mesh are known.
func openMesh(ctx context.Context, b *bus.Bus, region wire.Region) (*rotate.Mesh, error) {
	ctx, cancel := context.WithTimeout(ctx, busTimeout)
	defer cancel()
	m, err := rotate.OpenMesh(ctx, b, region)
	if err != nil {
		return nil, cli.Unmeasured("nats-url: %w", err)
	}
	return m, nil
}
