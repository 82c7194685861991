// Command edge is the node that browsers connect to: it serves the page and its WebSockets, and
// brings NATS and a TURN relay of its own when it is told of no others.
package main

import (
	"os"

	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
)

func main() { os.Exit(run()) }

func run() int { return cli.Main(rootCommand(), os.Args[1:]) }

func rootCommand() *cobra.Command {
	return cli.Root("edge", "callmesh's edge: the page, its WebSockets, and what they need on one machine",
		serveCommand(), tokenCommand(), cli.CheckConfig(new(Config)), cli.DefaultConfig("edge", new(Config)), cli.Version())
}
