package main

import (
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
	"callmesh/turnctl/plan"
	"callmesh/turnctl/verdict"
)

// PlanConfig is everything that `turnctl plan` can be told.
type PlanConfig struct {
	Calls      int    `key:"calls" default:"0" example:"1000" help:"Calls at the same time, relayed or not, of two people each. Required."`
	Bitrate    amount `key:"bitrate" default:"2.5M" want:"a bit rate" example:"2.5M" help:"What one person sends in a call, bits per second: audio and video together."`
	RelayShare share  `key:"relay-share" example:"0.2" want:"a number from 0 to 1" help:"Share of the calls whose media goes through a relay, from 0 to 1. This or results is required."`
	Results    string `key:"results" example:"results.json" help:"JSON file of measured results, of which relayShare is read, as {'relayShare': {'estimate': 0.22, 'low': 0.18, 'high': 0.27, 'pairs': 312}} with double quotes. The plan is for the upper end of the interval."`

	BothEnds   share         `key:"both-ends-share" default:"0.1" want:"a number from 0 to 1" help:"Share of the relayed calls that go through a relay at both ends."`
	URLs       int           `key:"urls" default:"3" help:"URLs of relays that one person's browser is given for a call: it allocates on each while it gathers."`
	Linger     time.Duration `key:"linger" default:"0s" example:"30s" help:"For how long a browser keeps the allocations that its call does not use. 0s: as long as the call."`
	CallLength time.Duration `key:"call-length" default:"10m" help:"How long a call is, for linger."`

	Ports     int    `key:"ports" default:"16384" help:"Relay ports of a host: max-port less min-port, and one."`
	Bandwidth amount `key:"bandwidth" default:"1G" want:"a bit rate" help:"Network of a host, bits per second each way."`
	Headroom  share  `key:"headroom" default:"0.3" want:"a number from 0 to 1" help:"Share of the network that is kept free."`
	Files     int    `key:"files" default:"65536" help:"File descriptors that coturn may open on a host (LimitNOFILE)."`
	Memory    amount `key:"memory" default:"2Gi" want:"a size" help:"Memory for coturn on a host, bytes."`
	Spare     int    `key:"spare" default:"1" help:"Hosts more than needed, so that one can fail or drain."`

	OutputConfig
}

// Check implements cli.Checker.
func (c *PlanConfig) Check(p *cli.Problems) {
	if c.Calls < 1 {
		p.Wrong("calls", "%d calls need no relay; give how many there are at the same time, like 1000", c.Calls)
	}
	switch given := p.Given("relay-share"); {
	case given && c.Results != "":
		p.Wrong("relay-share", "given together with results; give one of them")
	case !given && c.Results == "":
		p.Wrong("relay-share", "not given, and it decides most: give a share like 0.2, or results with a measured one")
	}
}

func planCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "plan",
		Short: "Say what relays so many calls need: ports, bandwidth, file descriptors, memory, hosts",
		Args:  cobra.NoArgs,
	}
	cfg := new(PlanConfig)
	b := cli.Bind(c, cfg)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		return runPlan(cfg, c.OutOrStdout())
	}
	withConfigCommands(c, "turnctl plan", func() any { return new(PlanConfig) })
	return c
}

func runPlan(c *PlanConfig, out io.Writer) error {
	relayed := plan.Given(float64(c.RelayShare))
	if c.Results != "" {
		file, err := os.Open(c.Results)
		if err != nil {
			return cli.Usage("results: %w", err)
		}
		relayed, err = plan.ReadShare(file)
		_ = file.Close()
		if err != nil {
			return cli.Usage("results: %s: %w", c.Results, err)
		}
	}
	p, err := plan.Make(plan.Demand{
		Calls: c.Calls, BitsPerSecond: float64(c.Bitrate), Share: relayed, BothEnds: float64(c.BothEnds), URLs: c.URLs,
		Linger: c.Linger.Seconds(), CallLength: c.CallLength.Seconds(),
	}, plan.Host{
		Ports: c.Ports, BitsPerSecond: float64(c.Bandwidth), Headroom: float64(c.Headroom), Files: c.Files, Bytes: float64(c.Memory), Spare: c.Spare,
	})
	if err != nil {
		return cli.Usage("%w", err)
	}
	switch c.Output {
	case "text":
		return p.Text(out)
	case "json":
		return p.JSON(out)
	}
	report := p.Report(time.Now())
	return verdict.Write(out, verdict.Format(c.Output), &report, verdict.Options{})
}
