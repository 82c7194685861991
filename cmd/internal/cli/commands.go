package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// CheckConfig is the command that says whether a configuration would do, without running anything.
// config is a fresh one for the command alone.
func CheckConfig(config any) *cobra.Command {
	c := &cobra.Command{
		Use:   "check-config",
		Short: "Say whether the configuration is right: ok, or everything that is wrong (exit code 2)",
		Args:  cobra.NoArgs,
	}
	b := Bind(c, config)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := b.Load(); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.OutOrStdout(), "ok")
		return err
	}
	return c
}

// DefaultConfig is the command that prints a configuration file with all defaults.
func DefaultConfig(program string, config any) *cobra.Command {
	return &cobra.Command{
		Use:   "default-config",
		Short: "Print a configuration file with every key, its meaning and its default",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return WriteDefaults(c.OutOrStdout(), program, config)
		},
	}
}

// Version is the command that says what the program was built from.
func Version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the revision it was built from, and the Go version",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), c.Root().Name(), ReadBuild())
			return err
		},
	}
}

// Root makes a program's root command. Called without a subcommand, or with one that there is not, it
// says so and exits 2, since nothing was done.
func Root(name, short string, commands ...*cobra.Command) *cobra.Command {
	root := &cobra.Command{
		Use:               name,
		Short:             short,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Args:              cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			var names []string
			for _, sub := range c.Commands() {
				names = append(names, sub.Name())
			}
			otherwise := fmt.Sprintf("`%s --help` lists them", c.Name())
			if len(args) > 0 {
				return Usage("%q is no command; %s", args[0], suggest(args[0], names, otherwise))
			}
			return Usage("no command given; %s", otherwise)
		},
	}
	root.AddCommand(commands...)
	return root
}
