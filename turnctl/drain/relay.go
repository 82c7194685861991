package drain

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/turnctl/coturn"
)

// Coturn is a coturn on this host.
type Coturn struct {
	Process coturn.Process
	// Binary is asked for its version where the command-line interface does not tell it.
	Binary string
	CLI    coturn.CLIOptions
	// StopIt ends it in the way of whoever keeps it running, so that it is not started again. Nil: by SIGTERM to the process.
	StopIt func(ctx context.Context) error
	// Within bounds how long it may take to end. 0 means 10 s.
	Within time.Duration
}

var _ Relay = Coturn{}

// Version is what runs, by its own word.
func (c Coturn) Version(ctx context.Context) (coturn.Version, error) {
	cli, err := coturn.DialCLI(ctx, c.CLI)
	if err != nil {
		v, verr := coturn.Installed(ctx, c.Binary)
		if verr == nil && v.DrainsOnSIGUSR1() {
			return v, nil // it needs no interface
		}
		return coturn.Version{}, cliNeeded(err)
	}
	defer func() { _ = cli.Close() }()
	return cli.Version()
}

func cliNeeded(err error) error {
	return fmt.Errorf("%w; before 4.6.3 draining needs coturn's command-line interface: a line cli-password in turnserver.conf, and no no-cli", err)
}

// Allocations are those that run.
func (c Coturn) Allocations(ctx context.Context) ([]coturn.Session, int, error) {
	if !c.Alive() {
		return nil, 0, ErrGone
	}
	cli, err := coturn.DialCLI(ctx, c.CLI)
	if err != nil {
		if !c.Alive() {
			err = ErrGone
		}
		return nil, 0, err
	}
	defer func() { _ = cli.Close() }()
	return cli.Sessions(ctx)
}

// Where coturn says which quota counts for new allocations, and how long it may take to: it reads the options of realms anew every five seconds, and until
// then a quota that was in its configuration goes on.
const (
	quotaInForce = "current realm total-quota"
	quotaWithin  = 20 * time.Second
)

// Quota sets total-quota in the running coturn, and waits until it is in force.
func (c Coturn) Quota(ctx context.Context, n uint64) error {
	cli, err := coturn.DialCLI(ctx, c.CLI)
	if err != nil {
		return cliNeeded(err)
	}
	defer func() { _ = cli.Close() }()
	if err := cli.Set(ctx, "total-quota", n); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, quotaWithin)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := cli.Parameters(ctx)
		if err != nil {
			return err
		}
		if got, said := now[quotaInForce]; !said || got == strconv.FormatUint(n, 10) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("drain: coturn took total-quota %d, but still goes by %s", n, now[quotaInForce])
		case <-tick.C:
		}
	}
}

// Drain sends SIGUSR1, which kills a coturn before 4.6.3.
func (c Coturn) Drain() error {
	if err := syscall.Kill(c.Process.PID, syscall.SIGUSR1); err != nil {
		return fmt.Errorf("drain: process %d: %w", c.Process.PID, err)
	}
	return nil
}

// Alive says whether the process is there, and still the same.
func (c Coturn) Alive() bool {
	p, err := coturn.ReadProcess(c.Process.PID)
	return err == nil && p.Config == c.Process.Config
}

// Stop ends the process and waits until it has.
func (c Coturn) Stop(ctx context.Context) error {
	within := c.Within
	if within == 0 {
		within = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	stop := c.StopIt
	if stop == nil {
		stop = func(context.Context) error { return syscall.Kill(c.Process.PID, syscall.SIGTERM) }
	}
	if err := stop(ctx); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("drain: stop coturn: %w", err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for c.Alive() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("drain: process %d does not end within %s", c.Process.PID, within)
		case <-tick.C:
		}
	}
	return nil
}

// OnBus is the registry on a mesh's bus.
type OnBus struct {
	Bus    *bus.Bus
	Region wire.Region
	ID     wire.RelayID
}

// Mark says in the registry that the relay drains.
func (o OnBus) Mark(ctx context.Context, keepOut time.Duration) error {
	if err := o.Bus.WaitReady(ctx); err != nil {
		return err
	}
	return o.Bus.DrainRelay(ctx, o.Region, o.ID, keepOut)
}
