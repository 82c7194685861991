package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"callmesh/cmd/internal/cli"
	"callmesh/probe/report"
)

// ReportConfig is everything that `probe report` can be told.
type ReportConfig struct {
	RecordsConfig
	Output string `key:"output" default:"text" oneof:"text,json,csv,html,prometheus" help:"Form of the report. html is one page that needs nothing else."`
	File   string `key:"file" example:"report.html" help:"File to write it to, at once or not at all. Default: the standard output."`
}

// Check implements cli.Checker.
func (c *ReportConfig) Check(p *cli.Problems) { c.check(p) }

func reportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "report --nats-url nats://HOST:4222 | --input FILE",
		Short: "Say what stored attempts add up to: what connects, by which path, how fast, where it fails, and how sure that is",
		Long: `Say what stored attempts add up to: what connects, by which path, how fast, where it fails, and how sure that is.

Exit codes: 0 reported; 1 reported, but for lines of the input that are no attempts; 2 bad usage, or an input that has none; 3 there are no attempts to report, or they could not be read.`,
		Args: cobra.NoArgs,
	}
	cfg := new(ReportConfig)
	b := cli.Bind(c, cfg)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		from, err := cfg.records(c.Context(), "report", c.InOrStdin(), plainLog(c.ErrOrStderr()))
		if err != nil {
			return err
		}
		defer from.close()
		lines, err := from.read(c.Context())
		if err != nil {
			return err
		}
		o := cfg.options()
		if cfg.Since > 0 {
			o.Since = time.Now().Add(-cfg.Since)
		}
		o.Unread = lines.Unread
		r := report.Make(lines.Records, o)
		if err := cfg.write(r, c.OutOrStdout()); err != nil {
			return err
		}
		if len(r.Sources) == 0 {
			return cli.Unmeasured("no attempts to report")
		}
		if r.Unread > 0 {
			return fmt.Errorf("input: %d of its lines could not be read; the report is of all others", r.Unread)
		}
		return nil
	}
	withConfigCommands(c, "probe report", func() any { return new(ReportConfig) })
	return c
}

// withConfigCommands gives a command of its own configuration the two that every program has for its: check-config and default-config.
func withConfigCommands(c *cobra.Command, name string, fresh func() any) {
	c.AddCommand(cli.CheckConfig(fresh()), cli.DefaultConfig(name, fresh()))
}

func (c *ReportConfig) write(r *report.Report, out io.Writer) error {
	var b bytes.Buffer
	var err error
	switch c.Output {
	case "json":
		err = r.JSON(&b)
	case "csv":
		err = r.CSV(&b)
	case "prometheus":
		err = r.Prometheus(&b)
	case "html":
		err = r.HTML(&b, report.Page{})
	default:
		width := 0
		if f, ok := out.(*os.File); ok && c.File == "" {
			width = terminalWidth(f)
		}
		err = r.Text(&b, width)
	}
	if err != nil {
		return err
	}
	if c.File == "" {
		_, err = out.Write(b.Bytes())
		return err
	}
	// Whoever reads it meanwhile, as a collector does, has the whole old one or the whole new one.
	err = cli.WriteOut(c.File, b.Bytes(), 0o644, func(path string) error {
		return renameio.WriteFile(path, b.Bytes(), 0o644, renameio.WithTempDir(filepath.Dir(path)), renameio.IgnoreUmask())
	})
	if err != nil {
		return fmt.Errorf("file: %w", err)
	}
	return nil
}

// terminalWidth is 0 for what is no terminal.
func terminalWidth(f *os.File) int {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}
