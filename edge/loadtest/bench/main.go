// Command bench measures a mesh of real processes beside its bounds and prints one table; see package loadtest.
//
//	go build -o bin/edge ./cmd/edge && go build -o bin/natsnode ./bus/bustest/natsnode
//	go run ./edge/loadtest/bench [-run PATTERN] [-json FILE]
//
// As "bench relay" it is one of the bound's relays instead.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"callmesh/edge/loadtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "relay" {
		return loadtest.Relay(ctx, args[1:], os.Stdin, os.Stdout)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	programs := loadtest.Programs{Bare: self}
	size := loadtest.Full()
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&programs.Edge, "edge", "bin/edge", "path of the edge program")
	flags.StringVar(&programs.NATS, "nats", "bin/natsnode", "path of the natsnode program")
	pattern := flags.String("run", "*", "only the scenarios whose name fits; -list has the names")
	file := flags.String("json", "", "write the rows with all their samples to this file too")
	list := flags.Bool("list", false, "list the scenarios and stop")
	flags.IntVar(&size.Reps, "reps", size.Reps, "repetitions of each measurement, of which the median is taken")
	flags.DurationVar(&size.Slice, "slice", size.Slice, "how long a load lasts in each repetition")
	flags.IntVar(&size.Rate, "rate", size.Rate, "messages a second of a paced load")
	n := flags.Int("n", 0, "how many sessions or rooms memory, join, reconnect and rooms take, instead of their own numbers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *n > 0 {
		size.Idle, size.Joins, size.Reconnects, size.ManyRooms = *n, *n, *n, *n
	}
	if *list {
		for _, s := range loadtest.Scenarios() {
			fmt.Printf("%-10s %s\n", s.Name, s.About)
		}
		return nil
	}
	machine := loadtest.Machine()
	rows, err := loadtest.Run(ctx, programs, size, *pattern, os.Stderr)
	if len(rows) > 0 {
		fmt.Printf("\n%s\n\n", machine)
		err = errors.Join(err, loadtest.WriteTable(os.Stdout, rows))
	}
	if *file != "" && err == nil {
		text, merr := json.MarshalIndent(rows, "", "  ")
		err = errors.Join(merr, os.WriteFile(*file, append(text, '\n'), 0o600))
	}
	return err
}
