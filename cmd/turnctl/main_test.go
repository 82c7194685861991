package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"callmesh/bus/bustest"
	"callmesh/turnctl/turntest"
)

// The tests run in a network namespace of their own, with the addresses that package turntest gives it; scripts have turnctl as a program.
func TestMain(m *testing.M) {
	testscript.Main(inside{m}, map[string]func(){"turnctl": main})
}

type inside struct{ m *testing.M }

func (i inside) Run() int { return turntest.Main(i.m, bustest.IgnoredLeaks()...) }

// TestCommandLine runs what a shell would. Beside testscript's own commands there is
// `exits CODE program args...`, for the exit codes that are promised.
func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": func(ts *testscript.TestScript, _ bool, args []string) {
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				got := 0
				var exit *exec.ExitError
				if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
					got = exit.ExitCode()
				} else {
					ts.Check(err)
				}
				if got != want {
					ts.Fatalf("exit code %d, want %d", got, want)
				}
			},
		},
	})
}
