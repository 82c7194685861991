package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/probe/gather"
	"callmesh/probe/report"
	"callmesh/turnctl/turnauth"
)

// StunConfig is everything that `probe stun` can be told.
type StunConfig struct {
	URL        []string        `key:"url" example:"stun:stun.example.org:3478,turn:relay.example.org:3478?transport=udp" help:"Servers to ask, up to 64: stun:, turn: and turns: URLs; repeatable. Required."`
	TURNSecret turnauth.Secret `key:"turn-secret" help:"Secret shared with the relays, with which credentials for them are made."`
	Wait       time.Duration   `key:"wait" default:"5s" help:"How long each server may take."`
	Output     string          `key:"output" default:"text" oneof:"text,json,csv,html,prometheus" help:"Form of the result."`
}

const maxServers = 64

// Check implements cli.Checker.
func (c *StunConfig) Check(p *cli.Problems) {
	if len(c.URL) == 0 {
		p.Wrong("url", "missing; write it like --url stun:stun.example.org:3478 --url turn:relay.example.org:3478?transport=udp")
	} else if len(c.URL) > maxServers {
		p.Wrong("url", "%d of them; give at most %d", len(c.URL), maxServers)
	}
	for _, u := range c.URL {
		if err := wire.ValidICEURL(u); err != nil {
			p.Wrong("url", "%s", err)
		}
	}
	if c.Wait < 100*time.Millisecond || c.Wait > time.Minute {
		p.Wrong("wait", "%s is not between 100ms and 1m", c.Wait)
	}
}

func stunCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "stun --url stun:HOST:3478 --url turn:HOST:3478?transport=udp",
		Short: "Ask many STUN servers and relays, side by side, which addresses this host would have of each, and how long that takes",
		Long: `Ask many STUN servers and relays, side by side, which addresses this host would have of each (its own, the one that the server sees, one at the relay), and how long that takes. A server that has addresses of IPv4 and of IPv6 is asked over both.

Exit codes: 0 each gave all that it should, over each family by which this host has a way out; 1 one did not; 2 bad usage; 3 none gave anything, which may be this network's doing.`,
		Args: cobra.NoArgs,
	}
	cfg := new(StunConfig)
	b := cli.Bind(c, cfg)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		servers, err := cfg.servers(time.Now())
		if err != nil {
			return err
		}
		results := gather.Look(c.Context(), servers, cfg.Wait)
		if err := writeGathered(c.OutOrStdout(), cfg.Output, results); err != nil {
			return err
		}
		return gathered(results)
	}
	withConfigCommands(c, "probe stun", func() any { return new(StunConfig) })
	return c
}

// gathered is what the command ends with. A family by which this host has no way out says nothing of a server.
func gathered(results []gather.Result) error {
	asked, bad, silent := 0, 0, 0
	for i := range results {
		r := &results[i]
		if r.NoRoute {
			continue
		}
		asked++
		if !r.OK {
			bad++
		}
		if !r.Something() {
			silent++
		}
	}
	switch {
	case silent == asked:
		return cli.Unmeasured("no server gave anything")
	case bad > 0:
		return fmt.Errorf("%d of %d servers did not give all that they should, each family counted by itself", bad, asked)
	}
	return nil
}

func (c *StunConfig) servers(now time.Time) ([]gather.Server, error) {
	var credential turnauth.Credential
	if !c.TURNSecret.IsZero() {
		var err error
		if credential, err = turnauth.Mint(c.TURNSecret, "probe", time.Hour, now); err != nil {
			return nil, cli.Usage("turn-secret: %w", err)
		}
	}
	var servers []gather.Server
	for _, u := range c.URL {
		servers = append(servers, gather.Server{URL: u, Username: credential.Username, Password: credential.Password})
	}
	return servers, nil
}

func writeGathered(w io.Writer, form string, results []gather.Result) error {
	return write(w, form, results, func(w io.Writer) error { return gatheredText(w, results) }, func() report.Sheet { return gatheredSheet(results) })
}

func gatheredSheet(results []gather.Result) report.Sheet {
	s := report.Sheet{
		Title:   "What servers give",
		Columns: []string{"url", "family", "server", "ok", "host", "connect_ms", "srflx", "srflx_ms", "relay", "relay_ms", "no_route", "why"},
	}
	ok := report.Gauge{Name: "server_ok", Help: "Whether a server gave all that it should over a family by which this host has a way out.", Labels: []string{"url", "family"}}
	took := report.Gauge{Name: "server_seconds", Help: "How long connecting to a server and each candidate of it took.", Labels: []string{"url", "family", "step"}}
	for _, r := range results {
		connect, family := "", string(r.Family)
		if r.ConnectMs != nil {
			connect = number(*r.ConnectMs)
			took.Add(*r.ConnectMs/1000, r.URL, family, "connect")
		}
		row := []string{r.URL, family, r.Server, strconv.FormatBool(r.OK), r.Host, connect}
		for _, c := range []struct {
			step string
			*gather.Candidate
		}{{"srflx", r.Srflx}, {"relay", r.Relay}} {
			if c.Candidate == nil {
				row = append(row, "", "")
				continue
			}
			row = append(row, c.Address, number(c.Ms))
			took.Add(c.Ms/1000, r.URL, family, c.step)
		}
		s.Rows = append(s.Rows, append(row, strconv.FormatBool(r.NoRoute), r.Why))
		if !r.NoRoute {
			ok.Add(number01(r.OK), r.URL, family)
		}
	}
	s.Gauges = []report.Gauge{ok, took}
	return s
}

func gatheredText(w io.Writer, results []gather.Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "server\tover\thost\tconnected\tserver reflexive\tafter\trelayed\tafter\t")
	for _, r := range results {
		connected := "-"
		if r.ConnectMs != nil {
			connected = fmt.Sprintf("%.1f ms", *r.ConnectMs)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.URL, orDash(string(r.Family)), orDash(r.Host), connected, candidate(r.Srflx), candidate(r.Relay), r.Why)
	}
	return t.Flush()
}

// candidate is two columns: its address, and how long it took.
func candidate(c *gather.Candidate) string {
	if c == nil {
		return "-\t-"
	}
	return fmt.Sprintf("%s\t%.1f ms", c.Address, c.Ms)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
