package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is one program that runs at a host of a region. It writes what it says to a file.
type process struct {
	name string
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{}
}

// stopping is how long a program may take to end in order.
const stopping = 15 * time.Second

// begin starts a program at a host.
func begin(dir string, p place, host, program string, args ...string) (*process, error) {
	return beginWith(nil, dir, p, host, program, args...)
}

// beginWith starts one that is told by variables what must stand in no list of processes.
func beginWith(env []string, dir string, p place, host, program string, args ...string) (*process, error) {
	name := p.name + "-" + host + "-" + filepath.Base(program)
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	// `ip netns exec` becomes the program, so a signal to it is one to the program.
	c := exec.Command("ip", append([]string{"netns", "exec", p.name + "-" + host, program}, args...)...)
	c.Stdout, c.Stderr = log, log
	c.Env = append(c.Environ(), env...)
	if err := c.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), log.Close())
	}
	r := &process{name: name, cmd: c, log: log, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		_ = c.Wait()
	}()
	return r, nil
}

// stop ends it, in order if it can.
func (r *process) stop() error {
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.done:
		return r.log.Close()
	case <-time.After(stopping):
	}
	_ = r.cmd.Process.Kill()
	<-r.done
	return errors.Join(fmt.Errorf("%s did not end within %s and was killed", r.name, stopping), r.log.Close())
}

// said is the end of what it wrote.
func (r *process) said() string { return tail(r.log.Name()) }

func tail(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}

// until waits for what a command at a host says when it is well, for as long as the process lives.
func (r *process) until(ctx context.Context, p place, host, what string, command ...string) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		out, err := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", p.name + "-" + host}, command...)...).CombinedOutput()
		if err == nil {
			return nil
		}
		select {
		case <-r.done:
			return fmt.Errorf("%s ended before %s: %s", r.name, what, r.said())
		case <-ctx.Done():
			return fmt.Errorf("%s: no %s: %w: %s\n%s", r.name, what, context.Cause(ctx), strings.TrimSpace(string(out)), r.said())
		case <-tick.C:
		}
	}
}
