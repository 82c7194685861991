package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
	"callmesh/probe/coordinator"
	"callmesh/probe/report"
)

func runCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "run --nats-url nats://HOST:4222",
		Short: "Have the agents that are there try each other, every pair in every mode, and store what comes of it",
		Long: `Have the agents that are there try each other, every pair in every mode, and store what comes of it. What is not done can be done later, with --run and the same options.

Exit codes: 0 every attempt was made and stored; 1 they were, and some that might take any path did not connect; 2 bad usage; 3 some could not be made.`,
		Args: cobra.NoArgs,
	}
	cfg := new(RunConfig)
	b := cli.Bind(c, cfg)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		return cfg.do(c.Context(), c.OutOrStdout(), c.ErrOrStderr(), cfg.Logger(c.ErrOrStderr()))
	}
	withConfigCommands(c, "probe run", func() any { return new(RunConfig) })
	return c
}

func (c *RunConfig) do(ctx context.Context, out, progress io.Writer, log *slog.Logger) error {
	b, err := c.open(ctx, "run", log)
	if err != nil {
		return err
	}
	defer b.Close()
	id, fresh := wire.RunID(c.Run), c.Run == ""
	if fresh {
		id = wire.NewRunID()
	}
	relays := &coordinator.Relays{Static: c.TURNURL, Secrets: c.secrets, Name: "probe", TTL: time.Hour}
	if len(c.TURNURL) == 0 {
		relays.Registry = b.WatchRelays(nil)
		defer relays.Registry.Close()
		waiting, cancel := context.WithTimeout(ctx, busTimeout)
		defer cancel()
		if err := relays.Registry.Wait(waiting); err != nil {
			return cli.Unmeasured("%w", err)
		}
	}
	servers, err := relays.For("", time.Now())
	if err != nil {
		return err
	}
	modes, err := c.modes(servers)
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "run %s: %v, each pair %d times\n", id, modes, c.Repeat)
	o := c.options(b, id, modes, relays, progress, log)
	o.Fresh = fresh
	res, err := coordinator.Do(ctx, o)
	if err != nil {
		return cli.Unmeasured("%w", err)
	}
	if err := writeRun(out, c.Output, id, res); err != nil {
		return err
	}
	return verdict(id, res)
}

func (c *RunConfig) options(b *bus.Bus, id wire.RunID, modes []wire.TraversalMode, relays *coordinator.Relays, progress io.Writer, log *slog.Logger) coordinator.Options {
	o := coordinator.Options{
		Bus: b, Run: id, Modes: modes, Repeat: c.Repeat, Parallel: c.Parallel, Limit: c.Limit, Patience: c.Patience, Logger: log,
		Servers: func(a wire.Agent) ([]wire.ICEServer, error) { return relays.For(a.Region, time.Now()) },
		Each: func(p coordinator.Progress) {
			t := p.Last
			what := string(t.Result)
			if t.Step != "" {
				what += " at " + string(t.Step)
			} else if t.Path != "" {
				what += " by " + string(t.Path)
			}
			fmt.Fprintf(progress, "%d of %d: %s %s #%d %s\n", p.Stored, p.Planned, t.Pair, t.Mode, t.N, what)
		},
	}
	for _, a := range c.Agents {
		o.Agents = append(o.Agents, wire.AgentID(a))
	}
	return o
}

// verdict is what the command ends with.
func verdict(id wire.RunID, res *coordinator.Result) error {
	if n := len(res.Left); n > 0 {
		return cli.Unmeasured("%d of %d attempts were not made (%s); `probe run --run %s` with the same options goes on", n, res.Planned, res.Left[0].Why, id)
	}
	unreached := 0
	for _, t := range res.Made {
		if t.Mode == wire.ModeAll && t.Result != wire.ResultConnected && t.Result != wire.ResultNoSignalling {
			unreached++
		}
	}
	if unreached > 0 {
		return fmt.Errorf("%d attempts that might take any path did not connect: these two could not have called each other", unreached)
	}
	return nil
}

// runSummary is what a run came to, in counts.
type runSummary struct {
	Run     wire.RunID    `json:"run"`
	Planned int           `json:"planned"`
	Before  int           `json:"storedBefore"`
	Made    int           `json:"made"`
	Left    []leftAttempt `json:"left"`
	Modes   []modeSummary `json:"modes"`
}

type leftAttempt struct {
	Pair string             `json:"pair"`
	Mode wire.TraversalMode `json:"mode"`
	N    int                `json:"n"`
	Why  string             `json:"why"`
}

// modeSummary counts the attempts that this run has made in a mode.
type modeSummary struct {
	Mode    wire.TraversalMode  `json:"mode"`
	Results map[wire.Result]int `json:"results"`
}

func summarize(id wire.RunID, res *coordinator.Result) runSummary {
	s := runSummary{Run: id, Planned: res.Planned, Before: res.Before, Made: len(res.Made), Left: []leftAttempt{}, Modes: []modeSummary{}}
	for _, l := range res.Left {
		s.Left = append(s.Left, leftAttempt{wire.PairOf(l.A, l.B), l.Mode, l.N, l.Why})
	}
	for _, m := range wire.Modes() {
		results := map[wire.Result]int{}
		for _, t := range res.Made {
			if t.Mode == m {
				results[t.Result]++
			}
		}
		if len(results) > 0 {
			s.Modes = append(s.Modes, modeSummary{m, results})
		}
	}
	return s
}

func writeRun(w io.Writer, form string, id wire.RunID, res *coordinator.Result) error {
	s := summarize(id, res)
	return write(w, form, s, func(w io.Writer) error { return runText(w, s) }, s.sheet)
}

func (s runSummary) sheet() report.Sheet {
	sheet := report.Sheet{
		Title: "Run " + string(s.Run), Summary: fmt.Sprintf("%d attempts planned, %d stored before, %d made, %d left", s.Planned, s.Before, s.Made, len(s.Left)),
		Columns: []string{"run", "mode", "connected", "failed", "no_candidates", "no_signalling", "left"},
	}
	attempts := report.Gauge{Name: "run_attempts", Help: "Attempts that the last run made, by what they came to.", Labels: []string{"mode", "result"}}
	planned := report.Gauge{Name: "run_planned", Help: "Attempts that the last run planned, by whether they had been made before, were made, or are left.", Labels: []string{"state"}}
	left := map[wire.TraversalMode]int{}
	for _, l := range s.Left {
		left[l.Mode]++
	}
	of := map[wire.TraversalMode]map[wire.Result]int{}
	for _, m := range s.Modes {
		of[m.Mode] = m.Results
	}
	for _, m := range wire.Modes() {
		if of[m] == nil && left[m] == 0 {
			continue
		}
		row := []string{string(s.Run), string(m)}
		for _, r := range []wire.Result{wire.ResultConnected, wire.ResultFailed, wire.ResultNoCandidates, wire.ResultNoSignalling} {
			row = append(row, strconv.Itoa(of[m][r]))
			attempts.Add(float64(of[m][r]), string(m), string(r))
		}
		sheet.Rows = append(sheet.Rows, append(row, strconv.Itoa(left[m])))
	}
	planned.Add(float64(s.Before), "before")
	planned.Add(float64(s.Made), "made")
	planned.Add(float64(len(s.Left)), "left")
	sheet.Gauges = []report.Gauge{attempts, planned}
	return sheet
}

func runText(w io.Writer, s runSummary) error {
	_, err := fmt.Fprintf(w, "run %s: %d attempts planned, %d stored before, %d made, %d left\n", s.Run, s.Planned, s.Before, s.Made, len(s.Left))
	if len(s.Modes) == 0 {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "mode\tconnected\tfailed\tno candidates\tno signalling")
	for _, m := range s.Modes {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\n", m.Mode, m.Results[wire.ResultConnected], m.Results[wire.ResultFailed], m.Results[wire.ResultNoCandidates], m.Results[wire.ResultNoSignalling])
	}
	return errors.Join(err, t.Flush())
}
