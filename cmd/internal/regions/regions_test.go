package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"callmesh/bus/wire"
	"callmesh/probe/lab"
	"callmesh/probe/pair"
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

// outside runs the tests in namespaces of their own, for which the programs have been built before: what is in there has no network to fetch
// anything from.
func outside() int {
	dir, err := os.MkdirTemp("", "regions-bin-")
	code := 1
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = buildPrograms(dir)
	}
	if err == nil {
		code, err = lab.RunInside(binEnv + "=" + dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "regions:", err)
		code = 1
	}
	return code
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
	dir := t.TempDir()
	err = rehearse(t.Context(), dir, p, t.Logf, func(r *rehearsal) error {
		if calls := [3]int{len(r.Calls), len(r.Meanwhile), len(r.Healed)}; calls != [3]int{12, 3, 2} {
			t.Errorf("%d calls were made with all well, with a region cut off, and afterwards; want 12, 3, 2", calls)
		}
		if s := r.Staying; s.Said[0] < fewest || s.Said[1] < fewest || s.Whole <= 0 {
			t.Errorf("two who stay in a room: %+v", s)
		}
		return errors.Join(r.write(t.Output()), r.verdict())
	})
	if err != nil {
		t.Error(err)
		logs, _ := filepath.Glob(filepath.Join(dir, "*.log"))
		for _, file := range logs {
			t.Logf("the end of %s:\n%s", filepath.Base(file), tail(file))
		}
	}
}

// TestWhatIsWrongIsFound: a rehearsal in which the wrong calls came about is no good one.
func TestWhatIsWrongIsFound(t *testing.T) {
	made := func(from, to string, mode wire.TraversalMode, path wire.PathKind) call {
		return call{From: from, To: to, Attempt: pair.Attempt{Mode: mode, Outcome: wire.Outcome{Result: wire.ResultConnected, Path: path}}}
	}
	failed := func(from, to string) call {
		return call{From: from, To: to, Attempt: pair.Attempt{Mode: wire.ModeRelayUDP, Outcome: wire.Outcome{Result: wire.ResultNoSignalling}}}
	}
	connected := made("eu", "us", wire.ModeRelayUDP, wire.PathRelay)
	good := fallback{At: "eu", Well: []string{"eu"}, Without: []string{"us"}, Again: []string{"eu", "us"}, Call: connected}
	away := good
	away.Without = []string{"eu"}
	for name, c := range map[string]struct {
		r    rehearsal
		want int
	}{
		"all as it should be":        {rehearsal{Cut: "ap", Calls: []call{connected}, Meanwhile: []call{connected, failed("eu", "ap")}, Fallback: good}, 0},
		"a call across a cut":        {rehearsal{Cut: "ap", Meanwhile: []call{made("eu", "ap", wire.ModeRelayUDP, wire.PathRelay)}, Fallback: good}, 1},
		"none within, while cut":     {rehearsal{Cut: "ap", Meanwhile: []call{failed("ap", "ap")}, Fallback: good}, 1},
		"a direct path, not a relay": {rehearsal{Calls: []call{made("eu", "us", wire.ModeRelayUDP, wire.PathHost)}, Fallback: good}, 1},
		"a relay, not a direct path": {rehearsal{Calls: []call{made("eu", "us", wire.ModeDirect, wire.PathRelay)}, Fallback: good}, 1},
		"none after it":              {rehearsal{Cut: "ap", Healed: []call{failed("ap", "eu")}, Fallback: good}, 1},
		"back too late":              {rehearsal{Cut: "ap", Healed: []call{connected}, Back: returning.Seconds() + 1, Fallback: good}, 1},
		"somebody does not get in":   {rehearsal{Entering: []entering{{At: "us", Failed: []string{"no answer"}}}, Fallback: good}, 1},
		"somebody gets in too late":  {rehearsal{Entering: []entering{{At: "us", Cut: patient.Milliseconds() + 1}}, Fallback: good}, 1},
		"a stopped relay given out":  {rehearsal{Fallback: away}, 1},
		"something is not heard":     {rehearsal{Staying: apart{Wrong: []string{"ap-2 heard 7 after 5"}}, Fallback: good}, 1},
	} {
		if got := c.r.faults(); len(got) != c.want {
			t.Errorf("%s: faults are %q, want %d", name, got, c.want)
		}
		if err := c.r.verdict(); (err != nil) != (c.want > 0) {
			t.Errorf("%s: the verdict is %v", name, err)
		}
	}
}
