package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"callmesh/cmd/internal/cli"
)

// Who starts a second agent of a name is told that there is one, and since when; the first goes on.
func TestTwoAgentsOfOneName(t *testing.T) {
	p, _ := stored(t, 0)
	args := []string{"agent", "--id", "berlin", "--region", "eu", "--network", "dsl", "--nats-url", p.URL(), "--admin-listen", "127.0.0.1:0"}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	first := exec.CommandContext(t.Context(), self, args...)
	first.Env = append(os.Environ(), asProbe+"=1")
	logged, err := first.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(logged)
	for lines.Scan() && !strings.Contains(lines.Text(), "msg=announced") {
	}
	_, stderr, code := probe(t, args...)
	if code != cli.ExitUsage || !strings.Contains(stderr, "id: agent berlin is another process: run ") || !strings.Contains(stderr, " of region eu, network dsl has the name since 20") {
		t.Errorf("the second: exit %d: %s", code, stderr)
	}
	if err := first.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // until it has ended
	}
	if err := first.Wait(); err != nil {
		t.Errorf("the first: %v", err)
	}
}
