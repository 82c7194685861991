package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"callmesh/cmd/internal/cli"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"edge": main, tiedEdge: runTied})
}

// TestCommandLine runs what a shell would. Beside testscript's own commands there is
// `exits CODE program args...`, for the exit codes that are promised.
func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("XDG_STATE_HOME", "")
			return os.Mkdir(filepath.Join(e.WorkDir, "home"), 0o700)
		},
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

// check loads a configuration as `edge check-config` does.
func check(t *testing.T, args ...string) (*Config, error) {
	t.Helper()
	cfg := new(Config)
	c := &cobra.Command{Use: "edge"}
	b := cli.Bind(c, cfg)
	c.RunE = func(*cobra.Command, []string) error { return b.Load() }
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(append([]string{}, args...))
	return cfg, c.Execute()
}

// Each file in testdata/bad is a configuration with one thing wrong, and says in its first lines,
// behind "# wrong: ", what is to be said of it.
func TestBadConfigs(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*.yaml"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.Lines(string(b)) {
				if msg, ok := strings.CutPrefix(strings.TrimSpace(line), "# wrong: "); ok {
					want = append(want, msg)
				}
			}
			_, err = check(t, "--config", file)
			var exit *cli.ExitError
			if !errors.As(err, &exit) || exit.Code != cli.ExitUsage {
				t.Fatalf("got %v, want an error with exit code 2", err)
			}
			if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

func TestDefaultConfig(t *testing.T) {
	var got bytes.Buffer
	if err := cli.WriteDefaults(&got, "edge", new(Config)); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "default.yaml")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("differs from %s (go test -update writes it anew):\n%s", golden, got.String())
	}
	defaults, err := check(t)
	if err != nil {
		t.Fatal(err)
	}
	again, err := check(t, "--config", golden)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, defaults) {
		t.Errorf("loads back to\n%+v\nwant\n%+v", again, defaults)
	}
}
