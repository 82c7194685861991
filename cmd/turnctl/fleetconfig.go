package main

import (
	"time"

	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
)

// FleetConfig is everything that `turnctl fleet` can be told.
type FleetConfig struct {
	NATSURL []string `key:"nats-url" example:"nats://a:4222,nats://b:4222" help:"NATS servers of the mesh, of one cluster. Required."`
	cli.NATSConfig

	Region      []string      `key:"region" example:"eu-west" help:"Region to show; repeatable. One that has no relay is a finding. Default: all."`
	Watch       bool          `key:"watch" default:"false" help:"Go on until interrupted, and show every change: on a terminal in place, else one after another."`
	AdminListen string        `key:"admin-listen" example:"127.0.0.1:9092" help:"With watch: address and port for /metrics of the whole fleet, /livez and /readyz. It asks nobody who they are. Default: none."`
	Timeout     time.Duration `key:"timeout" default:"10s" help:"How long the registries may take to be read."`
	OutputConfig
	cli.LogConfig
}

// Check implements cli.Checker.
func (c *FleetConfig) Check(p *cli.Problems) {
	if len(c.NATSURL) == 0 {
		p.Wrong("nats-url", "not given, and relays are known on the bus alone; write it like nats://a:4222,nats://b:4222")
	}
	c.CheckNATS(p, c.NATSURL)
	for _, r := range c.Region {
		checkRegion(p, r)
	}
	if c.AdminListen != "" {
		if !c.Watch {
			p.Wrong("admin-listen", "needs watch, as an answer that is given once leaves nobody to ask")
		}
		p.CheckListen("admin-listen", c.AdminListen)
	}
	if c.Timeout < time.Second {
		p.Wrong("timeout", "%s is too short; at least 1s", c.Timeout)
	}
}

func checkRegion(p *cli.Problems, region string) {
	if _, err := wire.ParseRegion(region); err != nil {
		p.Wrong("region", "%q is not a region; write it like eu-west, in at most 32 of a-z, 0-9 and -", region)
	}
}
