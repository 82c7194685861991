package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/probe/meet"
	"callmesh/probe/pair"
	"callmesh/probe/report"
)

func pairCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "pair --url wss://EDGE --token-file FILE --room ROOM",
		Short: "Try to connect two hosts, as two browsers of a call would; run the same on both",
		Long: `Try to connect two hosts, as two browsers of a call would: they meet in a room of an edge and open a data channel. Run the same on both.

Exit codes: 0 every attempt connected; 1 one did not; 2 bad usage; 3 none could be made: no edge, nobody else came, no relay of that kind.`,
		Args: cobra.NoArgs,
	}
	cfg := new(Config)
	b := cli.Bind(c, cfg, "url", "token", "room", "mode", "repeat", "limit", "meet", "ca", "output")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		o, err := cfg.meeting()
		if err != nil {
			return err
		}
		mode := wire.TraversalMode(cfg.Mode)
		if mode.Relayed() {
			o.Enough, o.Wait = func(from []wire.ICEServer) bool { return pair.Serves(mode, from) == nil }, cfg.Meet
		}
		s, err := meet.Join(c.Context(), o)
		if err != nil {
			return cli.Unmeasured("%w", err)
		}
		defer s.Close()
		progress := func(a pair.Attempt) {
			fmt.Fprintf(c.ErrOrStderr(), "attempt %d of %d: %s\n", a.N, cfg.Repeat, a.Result)
		}
		if cfg.Repeat == 1 {
			progress = nil
		}
		all, err := pair.Run(c.Context(), s, pair.Options{Mode: mode, Repeat: cfg.Repeat, Limit: cfg.Limit, Wait: cfg.Meet, Transfer: true, Each: progress})
		// What was measured before the run broke off is not thrown away.
		if len(all) > 0 || err == nil {
			if e := writeAttempts(c.OutOrStdout(), cfg.Output, all); e != nil {
				return e
			}
		}
		if err != nil {
			return cli.Unmeasured("%w", err)
		}
		for _, a := range all {
			if a.Result != wire.ResultConnected {
				return errors.New("not every attempt connected")
			}
		}
		return nil
	}
	return c
}

// meeting is where the two meet.
func (c *Config) meeting() (meet.Options, error) {
	o := meet.Options{URL: c.URL, Token: c.Token.Reveal(), Room: wire.RoomID(c.Room)}
	switch {
	case c.URL == "":
		return o, cli.Usage("--url: missing; write it like --url wss://calls.example.org")
	case c.Token.IsZero():
		return o, cli.Usage("--token: missing; `edge token --user probe` prints one, and --token-file takes it from a file")
	case c.Room == "":
		return o, cli.Usage("--room: missing; write it like --room probe-1, the same on both hosts")
	}
	if err := o.Room.Validate(); err != nil {
		return o, cli.Usage("--room: %w", err)
	}
	if c.CA == "" {
		return o, nil
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return o, cli.Usage("--ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return o, cli.Usage("--ca: %s holds no certificate in PEM", c.CA)
	}
	o.TLS = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return o, nil
}

// writeAttempts writes a JSON array with an attempt in each line, or a table in one of the other forms.
func writeAttempts(w io.Writer, form string, all []pair.Attempt) error {
	if form == "json" {
		for i, a := range all {
			line, err := json.Marshal(a)
			if err != nil {
				return err
			}
			before := ",\n"
			if i == 0 {
				before = "[\n"
			}
			if _, err := fmt.Fprintf(w, "%s%s", before, line); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintln(w, "\n]")
		return err
	}
	return write(w, form, all, func(w io.Writer) error { return attemptsText(w, all) }, func() report.Sheet { return attemptsSheet(all) })
}

func attemptsSheet(all []pair.Attempt) report.Sheet {
	s := report.Sheet{
		Title:   "Two hosts",
		Columns: []string{"n", "mode", "result", "step", "path", "theirs", "protocol", "gather_ms", "pair_ms", "connect_ms", "ms", "rtt_ms", "jitter_ms", "loss", "kbit_per_s", "why"},
	}
	counts := map[[2]string]int{}
	for _, a := range all {
		whole := func(v int64) string { return strconv.FormatInt(v, 10) }
		s.Rows = append(s.Rows, []string{
			strconv.Itoa(a.N), string(a.Mode), string(a.Result), string(a.Step), string(a.Path), string(a.Theirs), string(a.Protocol), whole(a.GatherMs), whole(a.PairMs), whole(a.ConnectMs), whole(a.Ms),
			number(a.RTTMs), number(a.JitterMs), number(a.Loss), number(a.KbitPerS), a.Why,
		})
		counts[[2]string{string(a.Mode), string(a.Result)}]++
	}
	attempts := report.Gauge{Name: "pair_attempts", Help: "Attempts of two hosts, by what they came to.", Labels: []string{"mode", "result"}}
	for labels, n := range counts {
		attempts.Add(float64(n), labels[:]...)
	}
	s.Gauges = []report.Gauge{attempts}
	return s
}

func attemptsText(w io.Writer, all []pair.Attempt) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "#\tresult\tpath\tover\tgathered\tfirst pair\tselected\topen\tround trip\tjitter\tloss\tcarries\t")
	for _, a := range all {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%d ms\t%d ms\t%d ms\t%d ms\t%.1f ms\t%.1f ms\t%.0f%%\t%.0f kbit/s\t%s\n", a.N, word(a), a.Path, a.Protocol, a.GatherMs, a.PairMs, a.ConnectMs, a.Ms, a.RTTMs, a.JitterMs, 100*a.Loss, a.KbitPerS, a.Why)
	}
	return t.Flush()
}

// word says what an attempt came to, and at which step it failed.
func word(a pair.Attempt) string {
	if a.Step == "" {
		return string(a.Result)
	}
	return fmt.Sprintf("%s at %s", a.Result, a.Step)
}
