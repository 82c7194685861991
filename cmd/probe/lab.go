package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
	"callmesh/probe/discover"
	"callmesh/probe/lab"
	"callmesh/probe/report"
)

func labCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "lab",
		Short: "A NAT laboratory on this machine: sites behind NATs of every kind, in network namespaces that end with the command",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return cli.Usage("no command given; there are `probe lab verify` and `probe lab matrix`")
		},
	}
	c.AddCommand(labVerifyCommand(), labMatrixCommand(), labSideCommand())
	return c
}

func labVerifyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "verify",
		Short: "Build a site of every kind, measure each by probe and by coturn's own tool, and say whether it is what it claims to be",
		Long: `Build a site of every kind, measure each by probe and by turnutils_natdiscovery, and say whether it is what it claims to be: mapping, filtering, ports that are kept or go in steps, hairpinning.

It wants ip (iproute2), nft (nftables) and turnserver (coturn); and root, or a system that lets everyone have user namespaces.
Exit codes: 0 all agree; 1 one does not; 2 bad usage; 3 the laboratory could not be built here.`,
		Args: cobra.NoArgs,
	}
	cfg := new(Config)
	b := cli.Bind(c, cfg, "kinds", "output")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		kinds, _, err := cfg.plan()
		if err != nil {
			return err
		}
		if err := labTools(); err != nil {
			return err
		}
		if !lab.Inside() {
			return reenter()
		}
		verdicts, err := verify(c.Context(), kinds)
		if err != nil {
			return cli.Unmeasured("%w", err)
		}
		if err := writeVerdicts(c.OutOrStdout(), cfg.Output, verdicts); err != nil {
			return err
		}
		for _, v := range verdicts {
			if !v.Agree {
				return fmt.Errorf("%s is not what it claims to be", v.Kind)
			}
		}
		return nil
	}
	return c
}

// labTools says what is missing of what the laboratory is made with.
func labTools() error {
	for _, tool := range []string{"ip", "nft", "sysctl", "turnserver", "turnutils_natdiscovery", "turnutils_stunclient"} {
		if _, err := exec.LookPath(tool); err != nil {
			return cli.Unmeasured("%s is not there; it comes with the packages iproute2, nftables, procps and coturn", tool)
		}
	}
	return nil
}

// reenter runs the same command in namespaces of its own, and ends as it does.
func reenter() error {
	code, err := lab.RunInside()
	switch {
	case err != nil:
		return cli.Unmeasured("the laboratory needs namespaces of its own: %w; run it as root, or where user namespaces are allowed", err)
	case code < 0:
		return cli.Unmeasured("the laboratory was ended by a signal")
	case code != 0:
		return &cli.ExitError{Code: code, Err: errors.New("")} // it has said why
	}
	return nil
}

func verify(ctx context.Context, kinds []lab.Kind) (verdicts []lab.Verdict, err error) {
	var sites []lab.Site
	for i, k := range kinds {
		sites = append(sites, lab.Site{Name: fmt.Sprintf("site%d", i), Kind: k})
	}
	l, err := lab.Start(ctx, sites)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	r, err := l.StartRelay(ctx, lab.RelayOptions{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Stop()) }()
	return l.Verify(ctx, func(ctx context.Context, site, server string) (*discover.Result, error) {
		return lookFrom(ctx, l, site, server)
	})
}

// lookFrom is what `probe nat` says at a site.
func lookFrom(ctx context.Context, l *lab.Lab, site, server string) (*discover.Result, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	out, err := l.Command(ctx, site, self, "nat", "--server", "stun:"+server, "--output", "json", "--wait", "250ms", "--hairpin", "--gateway", "off").Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() != cli.ExitUnmeasured {
		return nil, fmt.Errorf("probe nat: %w: %s", err, exit.Stderr)
	}
	r := new(discover.Result)
	if err := json.Unmarshal(out, r); err != nil {
		return nil, fmt.Errorf("probe nat: %w", err)
	}
	return r, nil
}

func writeVerdicts(w io.Writer, form string, verdicts []lab.Verdict) error {
	return write(w, form, verdicts, func(w io.Writer) error { return verdictsText(w, verdicts) }, func() report.Sheet { return verdictsSheet(verdicts) })
}

func verdictsSheet(verdicts []lab.Verdict) report.Sheet {
	s := report.Sheet{
		Title:   "The laboratory's sites",
		Columns: []string{"kind", "claims", "probe_finds", "coturns_tool_finds", "keeps_ports", "hairpins", "agree", "why"},
	}
	agree := report.Gauge{Name: "lab_site_agrees", Help: "Whether a kind of site is what it claims to be.", Labels: []string{"kind"}}
	for _, v := range verdicts {
		coturns := v.Coturns.String()
		if v.CoturnsWhy != "" {
			coturns = ""
		}
		s.Rows = append(s.Rows, []string{
			string(v.Kind), v.Claims.String(), v.Found.String(), coturns, strconv.FormatBool(v.KeepsPorts), strconv.FormatBool(v.Hairpins), strconv.FormatBool(v.Agree), cmp.Or(v.Why, v.CoturnsWhy),
		})
		agree.Add(number01(v.Agree), string(v.Kind))
	}
	s.Gauges = []report.Gauge{agree}
	return s
}

func verdictsText(w io.Writer, verdicts []lab.Verdict) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "site\tclaims\tprobe finds\tcoturn's tool finds\tkeeps ports\thairpins\t\n")
	for _, v := range verdicts {
		word := "agree"
		if !v.Agree {
			word = "DIFFER"
		}
		coturns := v.Coturns.String()
		if v.CoturnsWhy != "" {
			coturns = "not asked: " + v.CoturnsWhy
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%t\t%t\t%s\n", v.Kind, v.Claims, v.Found, coturns, v.KeepsPorts, v.Hairpins, word)
	}
	return t.Flush()
}
