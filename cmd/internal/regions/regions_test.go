package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"callmesh/probe/lab"
)

func TestMain(m *testing.M) {
	if !lab.Inside() {
		os.Exit(outside())
	}
	code := m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, "regions: goroutines are left behind:", err)
		code = 1
	}
	os.Exit(code)
}

// outside runs the tests in namespaces of their own, for which the programs have been built before: what is in there has no network to fetch anything from.
func outside() int {
	dir, err := os.MkdirTemp("", "regions-bin-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = buildPrograms(dir)
	}
	if err == nil {
		var c *exec.Cmd
		if c, err = lab.Reenter(os.Args[1:]...); err == nil {
			c.Env = append(c.Env, binEnv+"="+dir)
			err = c.Run()
		}
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return max(1, exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "regions:", err)
		return 1
	}
	return 0
}

// binEnv names the folder of the programs to the tests.
const binEnv = "REGIONS_TEST_BIN"

func buildPrograms(dir string) error {
	for name, pkg := range map[string]string{
		"edge": "callmesh/cmd/edge", "turnctl": "callmesh/cmd/turnctl", "probe": "callmesh/cmd/probe", "regions": "callmesh/cmd/internal/regions",
		"nats-server": "github.com/nats-io/nats-server/v2",
	} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg).CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w: %s", name, err, out)
		}
	}
	return nil
}

// TestRegions has three regions go through the whole rehearsal: every call that should come about does, and the one that can't doesn't.
func TestRegions(t *testing.T) {
	p, err := find(os.Getenv(binEnv))
	if err != nil {
		t.Fatal(err)
	}
	p.self = filepath.Join(os.Getenv(binEnv), "regions")
	r, err := rehearse(t.Context(), p, false, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.write(t.Output()); err != nil {
		t.Error(err)
	}
	if got, want := len(r.Calls), 12; got != want {
		t.Errorf("%d calls were made with all well, want %d: directly and by a relay, inside each region and between each two", got, want)
	}
	for _, fault := range r.faults() {
		t.Error(fault)
	}
	if r.Back > returning.Seconds() {
		t.Errorf("the region that was cut off had its first call from elsewhere after %.0f s, want within %s", r.Back, returning)
	}
}

// TestWhatIsWrongIsFound: a rehearsal in which the wrong calls came about is no good one.
func TestWhatIsWrongIsFound(t *testing.T) {
	connected := call{From: "eu", To: "us", Mode: relayed, Result: "connected", Path: "relay"}
	good := fallback{At: "eu", Well: []string{"eu"}, Without: []string{"us"}, Again: []string{"eu", "us"}, Call: connected}
	across := call{From: "eu", To: "ap", Mode: relayed, Result: "connected", Path: "relay"}
	for name, c := range map[string]struct {
		r    rehearsal
		want int
	}{
		"all as it should be":        {rehearsal{Cut: "ap", Calls: []call{connected}, Meanwhile: []call{connected, {From: "eu", To: "ap", Mode: relayed, Result: nobody}}, Fallback: good}, 0},
		"a call across a cut":        {rehearsal{Cut: "ap", Meanwhile: []call{across}, Fallback: good}, 1},
		"none within, while cut":     {rehearsal{Cut: "ap", Meanwhile: []call{{From: "ap", To: "ap", Mode: relayed, Result: nobody}}, Fallback: good}, 1},
		"a direct path, not a relay": {rehearsal{Calls: []call{{From: "eu", To: "us", Mode: relayed, Result: "connected", Path: "host"}}, Fallback: good}, 1},
		"none after it":              {rehearsal{Cut: "ap", Healed: []call{{From: "ap", To: "eu", Mode: relayed, Result: "failed", Step: "check"}}, Fallback: good}, 1},
		"a stopped relay given out":  {rehearsal{Fallback: fallback{At: "eu", Well: []string{"eu"}, Without: []string{"eu"}, Again: []string{"eu"}, Call: connected}}, 1},
	} {
		if got := c.r.faults(); len(got) != c.want {
			t.Errorf("%s: faults are %q, want %d", name, got, c.want)
		}
	}
}
