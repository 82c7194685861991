package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"callmesh/cmd/internal/cli"
	"callmesh/probe/lab"
)

// asProbe makes the test program be probe.
const asProbe = "PROBE_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(asProbe) != "" {
		os.Exit(run())
	}
	os.Exit(m.Run())
}

// entered says whether the test runs in namespaces of its own. If not, it has been run in there, and there is nothing left to do.
func entered(t *testing.T) bool {
	t.Helper()
	if lab.Inside() {
		return true
	}
	c, err := lab.Reenter("-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "5m")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil || !strings.Contains(out.String(), "--- PASS: "+t.Name()+" ") {
		t.Fatalf("in the laboratory: %v\n%s", err, out.String())
	}
	return false
}

// probe runs it, and gives what it wrote and its exit code.
func probe(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self, args...)
	c.Env = append(os.Environ(), asProbe+"=1")
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), c.ProcessState.ExitCode()
}

func TestUsage(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no server":         {[]string{"nat"}, "--server: missing; write it like"},
		"a TURN URL":        {[]string{"nat", "--server", "turn:example.org"}, "is not a STUN server's URL"},
		"no URL":            {[]string{"nat", "--server", "example.org"}, "is not a STUN server's URL"},
		"a form":            {[]string{"nat", "--server", "stun:127.0.0.1", "--output", "xml"}, "output"},
		"an unknown flag":   {[]string{"nat", "--sever", "x"}, "--server"},
		"no servers":        {[]string{"stun"}, "url: missing; write it like"},
		"a server's URL":    {[]string{"stun", "--url", "stun:x?transport=udp"}, "want stun:HOST:PORT"},
		"a lab and no verb": {[]string{"lab"}, "probe lab verify"},
		"a kind of site":    {[]string{"lab", "verify", "--kinds", "cone"}, "the kinds are"},
	} {
		_, stderr, code := probe(t, c.args...)
		if code != cli.ExitUsage || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: exit %d, %q; want 2 and %q", name, code, stderr, c.says)
		}
	}
}

func TestNATOfAServerThatIsNotThere(t *testing.T) {
	stdout, stderr, code := probe(t, "nat", "--server", "stun:127.0.0.1:9", "--wait", "20ms", "--gateway", "off", "--output", "json")
	var r map[string]any
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("%v in %q", err, stdout)
	}
	if code != cli.ExitUnmeasured || r["udp"] != "unknown" || r["mapping"] != "unknown" || r["filtering"] != "unknown" || !strings.Contains(fmt.Sprint(r["why"]), "closed") {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
	for _, key := range []string{"portPreserved", "hairpin", "lifetimeSeconds", "gateway"} {
		if v, there := r[key]; !there || v != nil {
			t.Errorf("%s is %v, where nothing was measured", key, v)
		}
	}
	if _, _, code := probe(t, "nat", "--gateway", "off", "--server", "stun:no-such-host.invalid"); code != cli.ExitUnmeasured {
		t.Errorf("a name that nobody has: exit %d", code)
	}
}

// The command as an operator types it: it gets itself namespaces. All kinds are looked at in package lab.
func TestLabVerify(t *testing.T) {
	stdout, stderr, code := probe(t, "lab", "verify", "--kinds", "open,apdm-sequence,lossy,hairpin,ipv6-only", "--output", "json")
	var verdicts []struct {
		Kind  string
		Agree bool
	}
	if err := json.Unmarshal([]byte(stdout), &verdicts); err != nil || code != 0 || len(verdicts) != 5 {
		t.Fatalf("exit %d, %v: %s%s", code, err, stdout, stderr)
	}
	for _, v := range verdicts {
		if !v.Agree {
			t.Errorf("%s does not agree: %s", v.Kind, stdout)
		}
	}
}
