package provision

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"callmesh/turnctl/coturn"
)

// StopperOf says how to end a coturn so that it is not started again by who keeps it running: systemd is asked to stop the unit, a turnctl that
// supervises it is ended, and any other coturn gets SIGTERM itself.
func StopperOf(p coturn.Process) func(ctx context.Context) error {
	if unit := unitOf(p.PID); unit != "" {
		return func(ctx context.Context) error { return run(ctx, commandTimeout, []string{"systemctl", "stop", unit}) }
	}
	pid := p.PID
	if supervises(p.Parent) {
		pid = p.Parent
	}
	return func(context.Context) error { return syscall.Kill(pid, syscall.SIGTERM) }
}

// unitOf is the systemd service whose control group a process is in, as in 0::/system.slice/coturn.service.
func unitOf(pid int) string {
	if !HasSystemd() {
		return ""
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return ""
	}
	return unitIn(string(text))
}

func unitIn(cgroup string) string {
	for line := range strings.Lines(cgroup) {
		dir, base := filepath.Split(strings.TrimSpace(line))
		if strings.HasSuffix(base, ".service") && strings.HasSuffix(dir, "system.slice/") {
			return base
		}
	}
	return ""
}

// supervises says whether a process is a turnctl that keeps coturn running.
func supervises(pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	args := strings.Split(string(line), "\x00")
	if err != nil || len(args) < 2 {
		return false
	}
	return filepath.Base(args[0]) == "turnctl" && args[1] == "provision"
}
