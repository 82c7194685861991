// Command probe measures how often hole punching succeeds between real networks, how often a relay is needed, and why.
package main

import (
	"os"

	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
)

func main() { os.Exit(run()) }

func run() int { return cli.Main(rootCommand(), os.Args[1:]) }

func rootCommand() *cobra.Command {
	return cli.Root("probe", "callmesh's measure of networks: what NATs do, and what connects through them",
		natCommand(), stunCommand(), pairCommand(), agentCommand(), runCommand(), labCommand(), reportCommand(), serveCommand(), cli.CheckConfig(new(Config)), cli.DefaultConfig("probe", new(Config)), cli.Version())
}
