package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus/wire"
)

// The name of an agent is one process's at a time. Whoever announces itself reads what stands and replaces exactly that, so of two the stream's leader decides; an entry ends with
// its lease, so one that has crashed keeps nobody out for longer.

// nameTries is how often an announcement is tried that others come in between of.
const nameTries = 5

// HeldError says that an agent's name is another's, whose lease holds.
type HeldError struct {
	Holder wire.Agent  // as it last spoke
	Region wire.Region // in whose bucket
	Seq    uint64      // grows whenever the holder speaks
	Said   time.Time   // when it last spoke; of the clock of the stream's leader
}

// Since is when the holder came to have the name; of the clock of the stream's leader.
func (e *HeldError) Since() time.Time {
	return e.Said.Add(-time.Duration(e.Holder.ForMs) * time.Millisecond)
}

// Error says who has it.
func (e *HeldError) Error() string {
	label := ""
	if e.Holder.Network != "" {
		label = ", network " + e.Holder.Network
	}
	return fmt.Sprintf("agent %s is another process: run %s of region %s%s has the name since %s",
		e.Holder.ID, e.Holder.Run, e.Holder.Region, label, e.Since().UTC().Format(time.RFC3339))
}

// AnnounceAgent says how an agent is, for the length of its lease. Errors are those of [wire.Agent.Validate], a [HeldError] if the name is another's, and [ErrUnavailable].
func (b *Bus) AnnounceAgent(ctx context.Context, a wire.Agent) error {
	if err := a.Validate(); err != nil {
		return fmt.Errorf("bus: %w", err)
	}
	return b.putAgent(ctx, a, wire.AppendJSON(nil, a))
}

// WithdrawAgent takes an agent out of the registry at once, as it does when it ends in good order. Another one of that name stays.
func (b *Bus) WithdrawAgent(ctx context.Context, a wire.Agent) error {
	err := b.putAgent(ctx, a, nil)
	if _, held := errors.AsType[*HeldError](err); held {
		return nil
	}
	return err
}

func (b *Bus) putAgent(ctx context.Context, a wire.Agent, value []byte) error {
	region, err := b.home(a.Region)
	if err != nil {
		return err
	}
	for range nameTries {
		own, seq, err := b.agentEntry(ctx, region, a)
		if err != nil {
			return err
		}
		if !own && value != nil {
			if err := b.heldElsewhere(ctx, region, a); err != nil {
				return err
			}
		}
		err = b.putLeased(ctx, region, agentsBucket(region), agentKey+string(a.ID), value, a.Lease(), jetstream.WithExpectLastSequencePerSubject(seq))
		if !errors.Is(err, ErrConflict) {
			return err
		}
		pause(ctx)
	}
	return fmt.Errorf("%w: others announce agent %s at the same time", ErrUnavailable, a.ID)
}

// agentEntry reads what stands under the agent's name in a region's bucket: its sequence, and whether it is this life's own. It is a [HeldError] if it is another's.
func (b *Bus) agentEntry(ctx context.Context, region wire.Region, a wire.Agent) (own bool, seq uint64, err error) {
	bucket := agentsBucket(region)
	var last stored
	err = b.reach(ctx, region, func(ctx context.Context) (err error) {
		last, err = b.lastOf(ctx, "KV_"+bucket, "$KV."+bucket+"."+agentKey+string(a.ID))
		return err
	})
	if err != nil || len(last.Data) == 0 {
		return false, last.Seq, err
	}
	// What can't be read is nobody's: no use can be made of it.
	if there, err := wire.ParseAgent(a.ID, last.Data); err == nil {
		if there.Run == a.Run {
			return true, last.Seq, nil
		}
		return false, last.Seq, &HeldError{Holder: there, Region: region, Seq: last.Seq, Said: last.Time}
	}
	return false, last.Seq, nil
}

// heldElsewhere looks into the other regions' buckets, those that can be read, when an agent comes to have its name.
func (b *Bus) heldElsewhere(ctx context.Context, home wire.Region, a wire.Agent) error {
	for _, region := range b.regions.list() {
		if region == home {
			continue
		}
		_, _, err := b.agentEntry(ctx, region, a)
		if _, held := errors.AsType[*HeldError](err); held {
			return err
		}
	}
	return nil
}
