package supervise

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// reap takes in the zombies that fall to this process: those of its own process group are not among them. These it has started itself, such as the sqlite3
// with which a secret is changed, and whoever starts one waits for it: without its end, what it did would pass for failed. The program has a group of its own,
// which its orphans are in too; it is waited for by name.
func (s *Supervisor) reap(ctx context.Context) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	group := syscall.Getpgrp()
	for {
		// Before the first signal too: it may have come before anybody asked for signals.
		// wait4(-1) would take the program's own end away from exec.Cmd, so they are looked up, and each is waited for by its id.
		for _, pid := range zombies(os.Getpid(), group) {
			if own, _ := s.Running(); pid != own {
				_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ended:
		}
	}
}

// zombies are the children of a process that have ended and were not waited for, but for those in a group.
func zombies(parent, but int) []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer func() { _ = dir.Close() }()
	names, _ := dir.Readdirnames(-1)
	var list []int
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		// pid (name) state ppid pgrp: the name may hold spaces and parentheses, so look behind the last one.
		rest := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(rest) > 2 && string(rest[0]) == "Z" && string(rest[1]) == strconv.Itoa(parent) && string(rest[2]) != strconv.Itoa(but) {
			list = append(list, pid)
		}
	}
	return list
}
