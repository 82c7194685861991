package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
	"callmesh/probe/discover"
	"callmesh/probe/gateway"
	"callmesh/probe/nat"
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

func writeNAT(w io.Writer, form string, r natResult) error {
	if form == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(what, value, meaning string) { fmt.Fprintf(t, "%s\t%s\t%s\n", what, value, meaning) }
	row("server", r.Server, "")
	row("ipv4", yesNo(r.IPv4), "")
	row("ipv6", yesNo(r.IPv6), "")
	row("udp", string(r.UDP), "")
	row("tcp", yesNo(r.TCP), "to the server's port")
	row("tls 443", yesNo(r.TLS443), "to the server's port 443")
	if r.UDP == discover.UDPOpen {
		row("nat", yesNo(r.NAT), "")
		row("mapping", string(r.Mapping), mappingMeans(r.Mapping))
		row("filtering", string(r.Filtering), filteringMeans(r.Filtering))
		row("port preserved", yesNo(r.PortPreserved), "")
		if r.PortDelta != nil {
			row("port delta", fmt.Sprint(*r.PortDelta), "from one outer port of a socket to its next")
		}
		if r.Hairpin != nil {
			row("hairpin", yesNo(r.Hairpin), "")
		}
		if r.LifetimeSeconds != nil {
			row("lifetime", fmt.Sprintf("%.0f s", *r.LifetimeSeconds), "of a mapping that is not used, at least")
		}
		if r.PathMTU != nil {
			row("path MTU", fmt.Sprintf("%d bytes", *r.PathMTU), "the largest packet that reached the server whole")
		}
		row("round trip", fmt.Sprintf("%.1f ms", *r.RoundTripMs), "")
	}
	why := r.Why
	if r.Gateway != nil {
		why = gatewayRows(row, r.Gateway, why)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if why != "" {
		if _, err := fmt.Fprintf(w, "\nnot told, and why: %s\n", why); err != nil {
			return err
		}
	}
	if !r.Measured {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s\n", outlook(r.Class()))
	return err
}

// gatewayRows are the rows of the router; it gives why, with what the router adds to it.
func gatewayRows(row func(what, value, meaning string), r *gateway.Result, why string) string {
	add := func(what, more string) {
		switch {
		case more == "":
		case why == "":
			why = what + ": " + more
		default:
			why += "; " + what + ": " + more
		}
	}
	add("gateway", r.Why)
	if !r.Address.IsValid() {
		return why
	}
	row("gateway", r.Address.String(), "")
	for _, p := range []struct {
		name string
		gateway.Protocol
	}{{"upnp", r.UPnP}, {"nat-pmp", r.NATPMP}, {"pcp", r.PCP}} {
		var meaning []string
		if p.External.IsValid() {
			meaning = append(meaning, "its outer address is "+p.External.String())
		}
		if p.Maps != nil {
			meaning = append(meaning, map[bool]string{true: "opens ports", false: "opens no port"}[*p.Maps])
		}
		row(p.name, yesNo(p.Answers), strings.Join(meaning, "; "))
		add(p.name, p.Why)
	}
	return why
}

func yesNo(v *bool) string {
	switch {
	case v == nil:
		return "unknown"
	case *v:
		return "yes"
	}
	return "no"
}

func mappingMeans(m nat.Mapping) string {
	switch m {
	case nat.EIM:
		return "one outer port for all destinations"
	case nat.ADM:
		return "another outer port for each address"
	case nat.APDM:
		return "another outer port for each address and port: symmetric"
	case nat.MappingUnknown:
	}
	return ""
}

func filteringMeans(f nat.Filtering) string {
	switch f {
	case nat.EIF:
		return "anybody's packets come in through a port in use"
	case nat.ADF:
		return "packets come in from addresses that were sent to"
	case nat.APDF:
		return "packets come in from addresses and ports that were sent to"
	case nat.FilteringUnknown:
	}
	return ""
}

// outlook says with how many of the nine kinds of NAT there are a direct connection can be expected.
func outlook(c nat.Class) string {
	if c.UDPBlocked {
		return "Calls from here need a relay over TCP or TLS, whoever the other side is."
	}
	var direct, unsure int
	classes := nat.Classes()
	for _, other := range classes {
		switch nat.Predict(c, other) {
		case nat.Direct:
			direct++
		case nat.Unsure:
			unsure++
		case nat.Relayed:
		}
	}
	if unsure > 0 {
		return fmt.Sprintf("Calls from here can be expected to be direct with at least %d and at most %d of the %d kinds of NAT; the rest need a relay.", direct, direct+unsure, len(classes))
	}
	return fmt.Sprintf("Calls from here can be expected to be direct with %d of the %d kinds of NAT; the rest need a relay.", direct, len(classes))
}
