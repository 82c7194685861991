package main

import (
	"os"

	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
	"callmesh/turnctl/verdict"
)

// OutputConfig is how a command says what it found; embed it in a command's configuration.
type OutputConfig struct {
	Output string `key:"output" default:"text" oneof:"text,json,junit,nagios,prometheus" help:"Form of the result."`
}

// report writes what a command found to its standard output, and gives the error that carries the exit code, nil when healthy.
func (o OutputConfig) report(c *cobra.Command, r *verdict.Report) error {
	options := verdict.Options{}
	if f, ok := c.OutOrStdout().(*os.File); ok {
		options.Colour = verdict.Colours(f)
	}
	if err := verdict.Write(c.OutOrStdout(), verdict.Format(o.Output), r, options); err != nil {
		return err
	}
	if code := r.Exit(); code != verdict.ExitHealthy {
		return exitCode(code)
	}
	return nil
}

// exitCode ends a command with a code and without words: the report has said everything.
func exitCode(code int) error { return &cli.ExitError{Code: code, Err: silent{}} }

type silent struct{}

func (silent) Error() string { return "" }
