package coturn

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Process is a turnserver that runs on this host.
type Process struct {
	PID, Parent int
	// UID and Groups are what it may do; the first group is its own.
	UID    int
	Groups []int
	// Config is the file that it was started with, absolute; empty where it looks for one itself.
	Config string
}

var (
	// ErrNoProcess means that no turnserver runs with the configuration.
	ErrNoProcess = errors.New("coturn: no turnserver runs with this configuration")
	// ErrSeveralProcesses means that it can't be said which one is meant.
	ErrSeveralProcesses = errors.New("coturn: several turnservers run with this configuration; name one by its process id")
)

// FindProcess finds the one turnserver that runs with a configuration file. Errors: ErrNoProcess, ErrSeveralProcesses.
func FindProcess(config string) (Process, error) {
	want, err := filepath.Abs(config)
	if err != nil {
		return Process{}, fmt.Errorf("coturn: %w", err)
	}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return Process{}, err
	}
	var found []Process
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if p, err := ReadProcess(pid); err == nil && sameFile(p.Config, want) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		return Process{}, fmt.Errorf("%w (%s)", ErrNoProcess, config)
	case 1:
		return found[0], nil
	}
	return Process{}, fmt.Errorf("%w (%s: %d and %d)", ErrSeveralProcesses, config, found[0].PID, found[1].PID)
}

// ReadProcess reads what there is to know of a process, which must be a turnserver. Errors: ErrNoProcess.
func ReadProcess(pid int) (Process, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	args := strings.Split(string(bytes.TrimRight(line, "\x00")), "\x00")
	if err != nil || filepath.Base(args[0]) != "turnserver" {
		return Process{}, fmt.Errorf("%w: process %d is none", ErrNoProcess, pid)
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return Process{}, fmt.Errorf("%w: process %d has ended", ErrNoProcess, pid)
	}
	p := Process{PID: pid}
	for field := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(field, ":")
		var numbers []int
		for _, f := range strings.Fields(rest) {
			if n, err := strconv.Atoi(f); err == nil {
				numbers = append(numbers, n)
			}
		}
		switch {
		case name == "PPid" && len(numbers) == 1:
			p.Parent = numbers[0]
		case name == "State" && strings.Contains(rest, "Z"):
			return Process{}, fmt.Errorf("%w: process %d has ended", ErrNoProcess, pid)
		case name == "Uid" && len(numbers) == 4:
			p.UID = numbers[1] // the effective one
		case name == "Gid" && len(numbers) == 4:
			p.Groups = append([]int{numbers[1]}, p.Groups...)
		case name == "Groups":
			p.Groups = append(p.Groups, numbers...)
		}
	}
	if config := configOf(args[1:]); config != "" {
		if !filepath.IsAbs(config) {
			cwd, err := os.Readlink(filepath.Join(dir, "cwd"))
			if err != nil {
				return p, nil
			}
			config = filepath.Join(cwd, config)
		}
		p.Config = config
	} else {
		p.Config = "/etc/turnserver.conf"
	}
	return p, nil
}

// configOf is the argument of -c, in any of its spellings.
func configOf(args []string) string {
	for i, a := range args {
		switch {
		case (a == "-c" || a == "--c") && i+1 < len(args):
			return args[i+1]
		case strings.HasPrefix(a, "-c="), strings.HasPrefix(a, "--c="):
			return a[strings.IndexByte(a, '=')+1:]
		case strings.HasPrefix(a, "-c") && !strings.HasPrefix(a, "--") && len(a) > 2:
			return a[2:]
		}
	}
	return ""
}

func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
