// Package drain takes a relay out of service without ending a call: edges stop handing it out, it refuses new allocations, and once the last one that
// runs has ended it is stopped.
//
// How a coturn is made to refuse depends on its release. From 4.6.3, SIGUSR1 makes it answer 403 and exit at zero allocations. Earlier ones die of that
// signal; there total-quota is set to 1 over the command-line interface: with an allocation running, each new one is answered 486.
package drain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/verdict"
)

// Relay is the coturn that is drained, as this package needs it; Coturn is the real one.
type Relay interface {
	// Version is the release that runs.
	Version(ctx context.Context) (coturn.Version, error)
	// Allocations lists those that run; total counts those that it does not list too. ErrGone: it has ended.
	Allocations(ctx context.Context) (list []coturn.Session, total int, err error)
	// Quota bounds the number of allocations, 0: not.
	Quota(ctx context.Context, allocations uint64) error
	// Drain has a coturn that can (coturn.Version.DrainsOnSIGUSR1) drain itself.
	Drain() error
	// Stop ends it and waits until it has ended.
	Stop(ctx context.Context) error
	// Alive says whether it runs.
	Alive() bool
}

// ErrGone means that coturn has ended.
var ErrGone = errors.New("drain: coturn has ended")

// Registry is where edges learn which relays to hand out.
type Registry interface {
	// Mark takes the relay out for so long; 0 puts it back.
	Mark(ctx context.Context, keepOut time.Duration) error
}

// Options say how to drain. Relay is required.
type Options struct {
	Relay Relay
	// Registry is told first, unless it is nil.
	Registry Registry
	// KeepOut is for how long the registry keeps the relay out: the drain itself, and the work that follows. 0 means 24 hours.
	KeepOut time.Duration
	// Timeout bounds the wait for allocations to end. 0 means 1 hour.
	Timeout time.Duration
	// Force stops it at the timeout though allocations run; otherwise it is left draining.
	Force bool
	// KeepRunning leaves it running and refusing at the end. A coturn that drains by itself ends by itself.
	KeepRunning bool
	// Poll is how often allocations are counted. 0 means once a second.
	Poll time.Duration
	// Say is told how it goes, a line at a time. It may be nil.
	Say func(line string)
}

// noticed is how long allocations that were under way when the quota was set may take to be counted: coturn's threads report to each other.
const noticed = 500 * time.Millisecond

type drain struct {
	Options
	selfDrains bool
	items      []verdict.Item
}

// Run drains a relay. What became of it is in the items.
func Run(ctx context.Context, o Options) []verdict.Item {
	if o.KeepOut == 0 {
		o.KeepOut = 24 * time.Hour
	}
	if o.Timeout == 0 {
		o.Timeout = time.Hour
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	d := &drain{Options: o}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{{"drain.registry", d.register}, {"drain.refuse", d.refuse}, {"drain.wait", d.wait}, {"drain.stop", d.stop}} {
		if err := step.do(ctx); err != nil {
			d.failed(step.name, err)
			break
		}
	}
	return d.items
}

func (d *drain) add(name string, status verdict.Status, format string, args ...any) *verdict.Item {
	d.items = append(d.items, verdict.Item{Name: name, Status: status, Summary: fmt.Sprintf(format, args...)})
	return &d.items[len(d.items)-1]
}

func (d *drain) failed(name string, err error) {
	i := d.add(name, verdict.Fail, "%s", err)
	i.Severity = verdict.Medium
	switch {
	case errors.Is(err, context.Canceled):
		i.Summary = "interrupted"
		i.Fix = "run it again to go on, or with --cancel to take the relay back into service"
	case errors.Is(err, errTimeout):
		i.Fix = "run it again to go on waiting, with --force to end what runs, or with --cancel to take the relay back into service"
	case name == "drain.registry":
		i.Fix = "nothing was changed; leave out --nats-url to drain without telling edges"
	}
}

// register takes it out of the registry first: who is refused by a relay that an edge has just handed out has to fall back to another.
func (d *drain) register(ctx context.Context) error {
	if d.Registry == nil {
		d.add("drain.registry", verdict.Skipped, "no --nats-url, so edges that get their relays from the registry are not told")
		return nil
	}
	if err := d.Registry.Mark(ctx, d.KeepOut); err != nil {
		return err
	}
	d.add("drain.registry", verdict.OK, "edges hand it out to nobody for %s", d.KeepOut)
	return nil
}

func (d *drain) refuse(ctx context.Context) error {
	v, err := d.Relay.Version(ctx)
	if err != nil {
		return err
	}
	if d.selfDrains = v.DrainsOnSIGUSR1(); d.selfDrains {
		if err := d.Relay.Drain(); err != nil {
			return err
		}
		d.add("drain.refuse", verdict.OK, "coturn %s drains: new allocations are answered 403, and it ends with the last one", v)
		return nil
	}
	if err := d.Relay.Quota(ctx, 1); err != nil {
		return err
	}
	d.add("drain.refuse", verdict.OK, "coturn %s: total-quota is 1, so new allocations are answered 486 while one runs", v)
	return nil
}

var errTimeout = errors.New("allocations still run")

func (d *drain) wait(ctx context.Context) error {
	began := time.Now()
	timeout := time.NewTimer(d.Timeout)
	defer timeout.Stop()
	tick := time.NewTicker(d.Poll)
	defer tick.Stop()
	said, left := "how many is not known", -1
	for {
		list, total, err := d.Relay.Allocations(ctx)
		if errors.Is(err, ErrGone) && d.selfDrains {
			d.add("drain.wait", verdict.OK, "the last allocation has ended")
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !d.selfDrains {
			return err
		}
		if err == nil {
			if total == 0 && time.Since(began) >= noticed && !d.selfDrains {
				d.add("drain.wait", verdict.OK, "no allocation is left")
				return nil
			}
			left = total
			if now := Progress(list, total); now != said {
				d.Say(now)
				said = now
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timeout.C:
			return d.late(left, said)
		case <-tick.C:
		}
	}
}

// late says what happens when time is up and calls still go on: so many, by the last look that told, -1 if none did.
func (d *drain) late(left int, said string) error {
	if !d.Force {
		return fmt.Errorf("%w after %s: %s", errTimeout, d.Timeout, said)
	}
	i := d.add("drain.wait", verdict.Warn, "allocations still ran after %s and are ended, as asked: %s", d.Timeout, said)
	if left >= 0 {
		i.Values = []verdict.Value{{Name: "ended_allocations", Value: float64(left)}}
	}
	return nil
}

func (d *drain) stop(ctx context.Context) error {
	if d.KeepRunning && !d.selfDrains {
		d.add("drain.stop", verdict.Skipped, "left running and refusing, as asked; --cancel takes it back into service")
		return nil
	}
	if !d.Relay.Alive() {
		d.add("drain.stop", verdict.OK, "coturn has ended")
		return nil
	}
	if err := d.Relay.Stop(ctx); err != nil {
		return err
	}
	d.add("drain.stop", verdict.OK, "coturn is stopped")
	return nil
}

// Progress is a line about the allocations that are left: their number, and how old they are.
func Progress(list []coturn.Session, total int) string {
	if total == 0 {
		return "no allocation is left"
	}
	if len(list) == 0 {
		return fmt.Sprintf("%d allocations left", total)
	}
	ages := make([]time.Duration, len(list))
	for i, s := range list {
		ages[i] = s.Age
	}
	slices.Sort(ages)
	if total == 1 {
		return fmt.Sprintf("1 allocation left, %s old", ages[0])
	}
	return fmt.Sprintf("%d allocations left, from %s to %s old, half of them older than %s", total, ages[0], ages[len(ages)-1], ages[len(ages)/2])
}

// Cancel takes a relay that was draining back into service; quota is the total-quota of its configuration, 0 for none.
func Cancel(ctx context.Context, o Options, quota uint64) []verdict.Item {
	d := &drain{Options: o}
	if err := d.restore(ctx, quota); err != nil {
		d.failed("drain.cancel", err)
		return d.items
	}
	if o.Registry != nil {
		if err := o.Registry.Mark(ctx, 0); err != nil {
			d.failed("drain.cancel", err)
			return d.items
		}
		d.add("drain.registry", verdict.OK, "edges may hand it out again")
	}
	return d.items
}

func (d *drain) restore(ctx context.Context, quota uint64) error {
	if !d.Relay.Alive() {
		d.add("drain.cancel", verdict.OK, "coturn does not run: it starts with the quota of its configuration")
		return nil
	}
	v, err := d.Relay.Version(ctx)
	if err != nil {
		return err
	}
	if v.DrainsOnSIGUSR1() {
		i := d.add("drain.cancel", verdict.Warn, "coturn %s can't be told to take allocations again once it drains", v)
		i.Fix = "it ends with its last allocation; start it then, or restart it now and end what runs"
		return nil
	}
	if err := d.Relay.Quota(ctx, quota); err != nil {
		return err
	}
	d.add("drain.cancel", verdict.OK, "total-quota is %d again, as configured, and new allocations are taken", quota)
	return nil
}
