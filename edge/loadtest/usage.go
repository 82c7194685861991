package loadtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// work is CPU time, in user and kernel together, by who used it.
type work struct {
	nodes, nats time.Duration
	generator   time.Duration // this process; not what is measured, but what it leaves to the others
}

// total is what is measured.
func (w work) total() time.Duration { return w.nodes + w.nats }

func (w work) since(before work) work {
	return work{w.nodes - before.nodes, w.nats - before.nats, w.generator - before.generator}
}

// values are the parts in microseconds for each of n, as samples: all, the part of the nats-server, and that of the generator.
func (w work) values(n float64) []float64 {
	return []float64{micros(w.total()) / n, micros(w.nats) / n, micros(w.generator) / n}
}

// workOf is what edges or relays, their nats-server, which may be nil, and this process have used so far.
func workOf(nodes []*node, nats *process) (w work, err error) {
	if w.nodes, err = cpuOf(running(nodes)...); err != nil {
		return work{}, err
	}
	if nats != nil {
		if w.nats, err = cpuOf(nats); err != nil {
			return work{}, err
		}
	}
	w.generator, err = cpuOfPID(os.Getpid())
	return w, err
}

func cpuOf(procs ...*process) (time.Duration, error) {
	var sum time.Duration
	for _, p := range procs {
		d, err := cpuOfPID(p.pid())
		if err != nil {
			return 0, fmt.Errorf("CPU time of %s: %w", p.name, err)
		}
		sum += d
	}
	return sum, nil
}

// cpuOfPID adds up the threads' times in nanoseconds (/proc/PID/task/TID/schedstat). Where the kernel does not keep those it takes
// /proc/PID/stat, which counts in hundredths of a second. A Go process ends none of its threads, so none is missed.
func cpuOfPID(pid int) (time.Duration, error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(tasks) == 0 {
		return cpuInTicks(pid)
	}
	var sum time.Duration
	for _, task := range tasks {
		line, err := os.ReadFile(task)
		if err != nil {
			return 0, err
		}
		ns, _, _ := bytes.Cut(line, []byte(" "))
		n, err := strconv.ParseInt(string(ns), 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n)
	}
	return sum, nil
}

// tick is what /proc/PID/stat counts in: USER_HZ, which is 100 on every Linux that Go runs on.
const tick = time.Second / 100

func cpuInTicks(pid int) (time.Duration, error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is the program's name in brackets and may hold anything; utime and stime are the 14th and 15th.
	fields := bytes.Fields(line[bytes.LastIndexByte(line, ')')+1:])
	if len(fields) < 13 {
		return 0, errors.New("/proc/PID/stat has another form than proc(5) tells")
	}
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// residentOf is the process's resident memory in bytes (VmRSS of /proc/PID/status).
func residentOf(p *process) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid()))
	if err != nil {
		return 0, fmt.Errorf("memory of %s: %w", p.name, err)
	}
	_, rest, ok := bytes.Cut(text, []byte("\nVmRSS:"))
	value, _, ended := bytes.Cut(rest, []byte(" kB\n"))
	if !ok || !ended {
		return 0, fmt.Errorf("memory of %s: no VmRSS: has it ended?", p.name)
	}
	kb, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
	return kb << 10, err
}
