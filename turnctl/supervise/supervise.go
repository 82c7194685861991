// Package supervise keeps one program running where no service manager does: in a container, in a network namespace, in a test. It starts the program
// again when it fails, with growing pauses; ends it in good order when told to; and as PID 1 it takes in the zombies that others leave.
//
// coturn needs it: as PID 1 it ignores SIGTERM, so that a container with nothing but coturn takes until SIGKILL to stop.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Options say what to run. Path is required.
type Options struct {
	// Path and Args of the program, without its name in Args.
	Path string
	Args []string
	// Output takes what the program writes to stdout and stderr. Nil throws it away.
	Output io.Writer
	// Prepare, unless nil, runs before each start; its error counts as a failed start.
	Prepare func() error
	// MinPause and MaxPause bound the pauses between starts: they double with each failure. 0 means 250 ms and 30 s.
	MinPause, MaxPause time.Duration
	// Steady is how long the program must have run for the pauses to begin anew. 0 means 10 s.
	Steady time.Duration
	// Grace is how long the program may take to end after SIGTERM before it is killed. 0 means 5 s.
	Grace time.Duration
	// Reap takes in zombies that neither are the program nor in this process's own group: for PID 1 alone, since other processes are given no orphans.
	Reap   bool
	Logger *slog.Logger
}

// ErrNotRunning means that there is no process to signal now.
var ErrNotRunning = errors.New("supervise: the program is not running")

// Supervisor runs one program. Make it with New; Run once.
type Supervisor struct {
	o  Options
	mu sync.Mutex // guards the following
	// process is nil between an end and the next start.
	process *os.Process
	starts  int
	changed chan struct{} // closed and replaced at every start and end
}

// New checks the options and fills in what was left out.
func New(o Options) (*Supervisor, error) {
	if _, err := exec.LookPath(o.Path); err != nil {
		return nil, fmt.Errorf("supervise: %w", err)
	}
	o.MinPause = orElse(o.MinPause, 250*time.Millisecond)
	o.MaxPause = max(orElse(o.MaxPause, 30*time.Second), o.MinPause)
	o.Steady = orElse(o.Steady, 10*time.Second)
	o.Grace = orElse(o.Grace, 5*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Supervisor{o: o, changed: make(chan struct{})}, nil
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// Run keeps the program running until ctx ends, and then ends it. It returns nil, unless the program ended by itself with exit code 0, as coturn does
// at the end of a drain: that was meant, so it is not started again, and ErrEnded says so.
func (s *Supervisor) Run(ctx context.Context) error {
	if s.o.Reap {
		reaping, stop := context.WithCancel(ctx)
		var reaper sync.WaitGroup
		reaper.Go(func() { s.reap(reaping) })
		defer reaper.Wait()
		defer stop()
	}
	pause := s.o.MinPause
	for {
		began := time.Now()
		err := s.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			return ErrEnded
		}
		if time.Since(began) >= s.o.Steady {
			pause = s.o.MinPause
		}
		s.o.Logger.Warn("the program ended; it is started again", "program", s.o.Path, "why", err.Error(), "in", pause)
		again := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			again.Stop()
			return nil
		case <-again.C:
		}
		pause = min(2*pause, s.o.MaxPause)
	}
}

// ErrEnded means that the program ended by itself and well.
var ErrEnded = errors.New("supervise: the program ended by itself, with exit code 0")

// once starts the program and waits for its end.
func (s *Supervisor) once(ctx context.Context) error {
	if s.o.Prepare != nil {
		if err := s.o.Prepare(); err != nil {
			return err
		}
	}
	// The kernel sends Pdeathsig when the thread that made the child ends, so the thread must not end before the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command(s.o.Path, s.o.Args...)
	cmd.Stdout, cmd.Stderr = s.o.Output, s.o.Output
	// Its own group: a Ctrl-C at the terminal is ours to pass on, once, and reap tells by it whose children are.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second // should it leave its output to somebody else
	s.mu.Lock()
	err := cmd.Start()
	if err == nil {
		s.process = cmd.Process
		s.starts++
		s.toldLocked()
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	s.o.Logger.Info("started", "program", s.o.Path, "pid", cmd.Process.Pid)
	ended := make(chan struct{})
	var stopper sync.WaitGroup
	stopper.Go(func() { s.endWith(ctx, ended) })
	err = cmd.Wait()
	s.mu.Lock()
	s.process = nil
	s.toldLocked()
	s.mu.Unlock()
	close(ended)
	stopper.Wait()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	return err
}

// endWith ends the program when ctx does.
func (s *Supervisor) endWith(ctx context.Context, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	_ = s.Signal(syscall.SIGTERM)
	patience := time.NewTimer(s.o.Grace)
	defer patience.Stop()
	select {
	case <-ended:
	case <-patience.C:
		s.o.Logger.Warn("the program does not end; it is killed", "program", s.o.Path, "after", s.o.Grace)
		_ = s.Signal(syscall.SIGKILL)
	}
}

func (s *Supervisor) toldLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Signal sends the program a signal. Errors: ErrNotRunning.
func (s *Supervisor) Signal(sig os.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil || s.process.Signal(sig) != nil {
		return ErrNotRunning
	}
	return nil
}

// Running gives the process id, 0 while there is none, and how often the program was started.
func (s *Supervisor) Running() (pid, starts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		pid = s.process.Pid
	}
	return pid, s.starts
}

// Started waits until the program has been started at least n times and runs. Errors: those of ctx.
func (s *Supervisor) Started(ctx context.Context, n int) (pid int, err error) {
	for {
		s.mu.Lock()
		process, starts, changed := s.process, s.starts, s.changed
		s.mu.Unlock()
		if process != nil && starts >= n {
			return process.Pid, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-changed:
		}
	}
}
