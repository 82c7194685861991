package supervise

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// reap takes in the zombies that fall to this process, but for the program, which is waited for by name.
func (s *Supervisor) reap(ctx context.Context) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ended:
		}
		// wait4(-1) would take the program's own end away from exec.Cmd, so they are looked up, and each is waited for by its id.
		for _, pid := range zombies(os.Getpid()) {
			if own, _ := s.Running(); pid != own {
				_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			}
		}
	}
}

// zombies are the children of a process that have ended and were not waited for.
func zombies(parent int) []int {
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
		// pid (name) state ppid: the name may hold spaces and parentheses, so look behind the last one.
		rest := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(rest) > 1 && string(rest[0]) == "Z" && string(rest[1]) == strconv.Itoa(parent) {
			list = append(list, pid)
		}
	}
	return list
}
