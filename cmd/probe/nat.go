package main

import (
	"context"

	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
	"callmesh/probe/discover"
	"callmesh/probe/gateway"
)

func natCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "nat --server stun:HOST:3478",
		Short: "Tell what the NAT before this host is like (RFC 4787, RFC 5780), and what that means for calls",
		Long: `Tell what the NAT before this host is like, by one STUN server with two addresses.

Exit codes: 0 told, as far as it can be (the rest says why); 2 bad usage; 3 nothing came back, and that may be the server's doing.`,
		Args: cobra.NoArgs,
	}
	cfg := new(Config)
	b := cli.Bind(c, cfg, "server", "hairpin", "lifetime", "wait", "gateway", "output")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		if cfg.Server == "" {
			return cli.Usage("--server: missing; write it like --server stun:stun.example.org:3478")
		}
		server, err := cfg.server()
		if err != nil {
			return err
		}
		asked := cfg.ask(c.Context())
		found, err := discover.Run(c.Context(), discover.Options{Server: server, FirstWait: cfg.Wait, Hairpin: cfg.Hairpin, Lifetime: cfg.Lifetime})
		// Waited for in any case: a mapping that was made is deleted before the program ends.
		r := natResult{found, <-asked}
		if err != nil {
			return cli.Unmeasured("%w", err)
		}
		if err := writeNAT(c.OutOrStdout(), cfg.Output, r); err != nil {
			return err
		}
		if !r.Measured {
			return cli.Unmeasured("%s: %s", server, r.Why)
		}
		return nil
	}
	return c
}

// natResult is what is known of this host's network.
type natResult struct {
	*discover.Result
	// Gateway is what the router says; null if it was not asked.
	Gateway *gateway.Result `json:"gateway"`
}

// ask asks the gateway, beside the tests.
func (c *Config) ask(ctx context.Context) <-chan *gateway.Result {
	asked := make(chan *gateway.Result, 1)
	if c.Gateway == "off" {
		asked <- nil
		return asked
	}
	go func() {
		r := gateway.Look(ctx, gateway.Options{Map: c.Gateway == "map"})
		asked <- &r
	}()
	return asked
}
