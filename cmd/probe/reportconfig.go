package main

import (
	"time"

	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/probe/report"
)

// RecordsConfig are the keys about which records are reported, and how.
type RecordsConfig struct {
	Input  string        `key:"input" example:"attempts.jsonl" help:"File of attempts, one JSON object a line as they are stored; - for the standard input. Beside nats-url, or in its place."`
	Since  time.Duration `key:"since" default:"0s" example:"168h" help:"Only attempts that began so long ago at most. 0s: all."`
	Run    string        `key:"run" example:"nightly-1" help:"Only pair tests of this run."`
	Source string        `key:"source" default:"all" oneof:"probe,call,all" help:"Pair tests, real calls, or both side by side."`
	Group  []string      `key:"group" example:"region,nat,network" help:"Which matrices are made: region, nat, network. Default: all."`
	Bucket time.Duration `key:"bucket" default:"0s" example:"24h" help:"How much time one point of the trend is. 0s: by how much time there is."`
	Top    int           `key:"top" default:"10" help:"How many of the slowest and of the worst pairs are listed."`
	MeshConfig
}

// check checks them for the command that has them.
func (c *RecordsConfig) check(p *cli.Problems) {
	if c.Input == "" && len(c.NATSURL) == 0 {
		p.Wrong("nats-url", "missing, and so is input; write it like --nats-url nats://a:4222, or --input attempts.jsonl")
	}
	c.MeshConfig.check(p, "")
	if c.Since < 0 {
		p.Wrong("since", "%s is negative; write it like 168h", c.Since)
	}
	if c.Bucket < 0 || c.Bucket > 0 && c.Bucket < time.Second {
		p.Wrong("bucket", "%s is not 1s or more", c.Bucket)
	}
	if c.Top < 1 || c.Top > 10_000 {
		p.Wrong("top", "%d is not between 1 and 10000", c.Top)
	}
	if c.Run != "" {
		if _, err := wire.ParseRunID(c.Run); err != nil {
			p.Wrong("run", "%s", err)
		}
	}
	for _, g := range c.Group {
		if d := report.Dimension(g); d != report.ByRegion && d != report.ByNAT && d != report.ByNetwork {
			p.Wrong("group", "%q is none of region, nat, network", g)
		}
	}
}

// options are for the report, but for since, which is for whoever makes one.
func (c *RecordsConfig) options() report.Options {
	o := report.Options{Run: wire.RunID(c.Run), Bucket: c.Bucket, Top: c.Top}
	if c.Source != "all" {
		o.Source = wire.TraversalSource(c.Source)
	}
	for _, g := range c.Group {
		o.Group = append(o.Group, report.Dimension(g))
	}
	return o
}
