package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// What the programs exit with. Scripts and monitors rely on it.
const (
	ExitOK         = 0 // healthy, or done
	ExitFailed     = 1 // unhealthy, or failed: the finding
	ExitUsage      = 2 // bad usage or configuration
	ExitUnmeasured = 3 // could not be measured
)

// ExitError is an error with an exit code. Any other error of a command exits with ExitFailed.
type ExitError struct {
	Code int
	Err  error
}

// Error is the error's own text.
func (e *ExitError) Error() string { return e.Err.Error() }

// Unwrap gives the error.
func (e *ExitError) Unwrap() error { return e.Err }

// Usage makes an error of bad usage.
func Usage(format string, args ...any) error {
	return &ExitError{Code: ExitUsage, Err: fmt.Errorf(format, args...)}
}

// Unmeasured makes an error of something that could not be measured.
func Unmeasured(format string, args ...any) error {
	return &ExitError{Code: ExitUnmeasured, Err: fmt.Errorf(format, args...)}
}

// Main runs a program and returns its exit code. The commands' context ends at the first SIGINT or
// SIGTERM; a second one ends the process there and then. Errors go to stderr, a line for each.
func Main(root *cobra.Command, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return run(ctx, root, args, os.Stderr)
}

func run(ctx context.Context, root *cobra.Command, args []string, stderr io.Writer) int {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetArgs(args)
	root.SetFlagErrorFunc(flagError)
	// What fails before a command runs is usage: unknown commands, flags, arguments.
	started := false
	markStarted(root, &started)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitOK
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(stderr, "%s: %s\n", root.Name(), strings.TrimSuffix(line, "\n"))
	}
	var exit *ExitError
	switch {
	case errors.As(err, &exit):
		return exit.Code
	case !started:
		return ExitUsage
	}
	return ExitFailed
}

func markStarted(c *cobra.Command, started *bool) {
	if body := c.RunE; body != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			*started = true
			return body(c, args)
		}
	}
	for _, sub := range c.Commands() {
		markStarted(sub, started)
	}
}

func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		name := "--" + unknown.GetSpecifiedName()
		return Usage("%s: unknown flag; %s", name, suggest(name, names, fmt.Sprintf("`%s --help` lists them", c.CommandPath())))
	}
	return Usage("%w; see `%s --help`", err, c.CommandPath())
}
