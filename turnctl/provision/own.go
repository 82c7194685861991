package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/supervise"
)

// Supervised runs coturn as a child of this process, for hosts without systemd. Make it with NewSupervised; Close it. Where another turnctl already
// supervises a coturn with the same configuration, that one is asked to restart it.
type Supervised struct {
	options supervise.Options
	config  string
	listen  string

	mu  sync.Mutex // guards the following
	run *running
}

// running is a supervisor at work.
type running struct {
	supervisor *supervise.Supervisor
	stop       context.CancelFunc
	done       chan struct{}
	err        error // once done is closed
}

var _ Service = (*Supervised)(nil)

// NewSupervised makes a service of a program that reads a configuration file and listens on a TCP address (host:port). Nothing is started yet.
func NewSupervised(o supervise.Options, config, listen string) *Supervised {
	return &Supervised{options: o, config: config, listen: listen}
}

// Elsewhere gives the coturn that somebody else runs with the configuration.
func (s *Supervised) Elsewhere() (p coturn.Process, there bool, err error) {
	p, err = coturn.FindProcess(s.config)
	if errors.Is(err, coturn.ErrNoProcess) {
		return p, false, nil
	}
	return p, err == nil && p.Parent != os.Getpid(), err
}

// Running says whether it runs, here or elsewhere.
func (s *Supervised) Running(context.Context) (bool, error) {
	s.mu.Lock()
	r := s.run
	s.mu.Unlock()
	if r != nil {
		return true, nil
	}
	_, there, err := s.Elsewhere()
	return there, err
}

// Restart starts it, or ends what runs with the configuration and has it started again.
func (s *Supervised) Restart(ctx context.Context) error {
	if p, there, err := s.Elsewhere(); err != nil {
		return err
	} else if there {
		return s.restartElsewhere(ctx, p)
	}
	if err := s.Stop(ctx); err != nil {
		return err
	}
	supervisor, err := supervise.New(s.options)
	if err != nil {
		return err
	}
	// It outlives this call; Close ends it.
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{supervisor: supervisor, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = supervisor.Run(run)
	}()
	s.mu.Lock()
	s.run = r
	s.mu.Unlock()
	return listens(ctx, s.listen, func() error {
		if _, starts := supervisor.Running(); starts > 1 {
			return errors.New("provision: coturn ends as soon as it is started; its output says why")
		}
		return nil
	})
}

// restartElsewhere ends a coturn whose supervisor starts it again.
func (s *Supervised) restartElsewhere(ctx context.Context, p coturn.Process) error {
	if err := syscall.Kill(p.PID, syscall.SIGTERM); err != nil {
		return fmt.Errorf("provision: process %d: %w", p.PID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	// The old one may still hold its sockets when the first connection is tried.
	for {
		now, there, err := s.Elsewhere()
		if err == nil && there && now.PID != p.PID {
			return listens(ctx, s.listen, func() error { return nil })
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("provision: process %d was ended and nobody started coturn again; does turnctl provision --supervise still run?", p.PID)
		}
	}
}

// Stop ends what runs here. What somebody else runs is theirs.
func (s *Supervised) Stop(context.Context) error {
	s.mu.Lock()
	r := s.run
	s.run = nil
	s.mu.Unlock()
	if r != nil {
		r.stop()
		<-r.done
	}
	return nil
}

// Signal sends coturn a signal.
func (s *Supervised) Signal(sig os.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return supervise.ErrNotRunning
	}
	return s.run.supervisor.Signal(sig)
}

// Wait keeps it running until ctx ends, and then ends it; or until coturn ends by itself and well, as after a drain.
func (s *Supervised) Wait(ctx context.Context) error {
	s.mu.Lock()
	r := s.run
	s.mu.Unlock()
	if r == nil {
		return supervise.ErrNotRunning
	}
	select {
	case <-ctx.Done():
	case <-r.done:
	}
	_ = s.Stop(ctx)
	if errors.Is(r.err, supervise.ErrEnded) {
		return nil
	}
	return r.err
}
