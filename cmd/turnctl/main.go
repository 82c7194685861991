// Command turnctl provisions coturn, proves that it works, and keeps it healthy.
package main

import (
	"os"

	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
)

func main() { os.Exit(run()) }

func run() int { return cli.Main(rootCommand(), os.Args[1:]) }

func rootCommand() *cobra.Command {
	return cli.Root("turnctl", "callmesh's hand on coturn: set up, prove, watch, rotate, drain",
		renderCommand(), provisionCommand(), checkCommand(), auditCommand(), rotateCommand(), drainCommand(),
		planCommand(), watchCommand(), fleetCommand(), nodeAddressCommand(), cli.Version())
}

// withConfigCommands gives a command of its own configuration the two that every program has for its: check-config and default-config.
func withConfigCommands(c *cobra.Command, name string, fresh func() any) {
	c.AddCommand(cli.CheckConfig(fresh()), cli.DefaultConfig(name, fresh()))
}
