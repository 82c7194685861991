package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"callmesh/cmd/internal/cli"
)

// A part of the matrix, as an operator types it: NATs of the kernel and of our own, no UDP but TLS, two hosts behind one NAT, and no IPv4.
func TestLabMatrix(t *testing.T) {
	stdout, stderr, code := probe(t, "lab", "matrix", "--kinds", "open,adm-adf,apdm-adf,no-hairpin,tls-only,ipv6-only", "--modes", "direct,relay-tls", "--output", "json")
	var m struct {
		Seconds float64
		Pairs   int
		Differ  int
		Cells   []struct {
			A, B, Because, Why string
			Agrees             bool
		}
	}
	if err := json.Unmarshal([]byte(stdout), &m); err != nil || code != 0 || m.Pairs != 2*(21+1) || len(m.Cells) != m.Pairs || m.Differ != 0 {
		t.Errorf("exit %d, %v, %d pairs, %d differ: %s", code, err, m.Pairs, m.Differ, stderr)
	}
	for _, c := range m.Cells {
		if !c.Agrees || c.Because == "" {
			t.Errorf("%+v", c)
		}
	}
	if !strings.Contains(stderr, fmt.Sprintf("%d of %d pairs, 0 differ", m.Pairs, m.Pairs)) {
		t.Errorf("no progress: %s", stderr)
	}
}

func TestLabMatrixUsage(t *testing.T) {
	for arg, says := range map[string]string{"--kinds=eim": "the kinds are", "--modes=relay": "the modes are", "--parallel=0": "between 1 and 100"} {
		_, stderr, code := probe(t, "lab", "matrix", arg)
		if code != cli.ExitUsage || !strings.Contains(stderr, says) {
			t.Errorf("%s: exit %d, %s", arg, code, stderr)
		}
	}
}

// startLab starts a laboratory, and gives the process that has its namespaces, and its relay, once that runs.
func startLab(t *testing.T) (c *exec.Cmd, inner, relay string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c = exec.CommandContext(t.Context(), self, "lab", "matrix", "--kinds", "udp-blocked,tls-only", "--modes", "direct")
	c.Env = append(os.Environ(), asProbe+"=1")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the relay runs", func() bool {
		for _, p := range children(fmt.Sprint(c.Process.Pid)) {
			inner = p
			for _, p := range children(inner) {
				if name, _ := os.ReadFile("/proc/" + p + "/comm"); strings.TrimSpace(string(name)) == "turnserver" {
					relay = p
				}
			}
		}
		return relay != ""
	})
	return c, inner, relay
}

// One that is killed takes everything along: its namespaces end with the process that they were made for.
func TestLabThatIsKilledLeavesNothing(t *testing.T) {
	c, inner, relay := startLab(t)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	for _, p := range []string{inner, relay} {
		until(t, p+" is gone", func() bool {
			status, err := os.ReadFile("/proc/" + p + "/status")
			return err != nil || strings.Contains(string(status), "State:\tZ")
		})
	}
}

// One whose inside is killed, as for want of memory, has measured nothing: that is no finding.
func TestLabWhoseInsideIsKilledHasMeasuredNothing(t *testing.T) {
	c, inner, _ := startLab(t)
	pid, err := strconv.Atoi(inner)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != cli.ExitUnmeasured {
		t.Errorf("exit %d, want %d", code, cli.ExitUnmeasured)
	}
}

// children are the processes that any thread of a process has started.
func children(pid string) []string {
	var all []string
	files, _ := filepath.Glob("/proc/" + pid + "/task/*/children")
	for _, f := range files {
		ids, _ := os.ReadFile(f)
		all = append(all, strings.Fields(string(ids))...)
	}
	return all
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	limit, tick := time.NewTimer(time.Minute), time.NewTicker(20*time.Millisecond)
	defer limit.Stop()
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatal("not in a minute: " + what)
		}
	}
}
