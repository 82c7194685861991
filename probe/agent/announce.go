package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// askAgain is how soon the registry is asked again whether another still has the name.
const askAgain = time.Second

func (a *Agent) say() { poke(a.speak) }

func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// announce says how the agent is, three times in a lease and whenever something has changed, until ctx ends. It is an error if another process of that name is there, and speaks.
func (a *Agent) announce(ctx context.Context) error {
	tick := time.NewTicker(a.o.Lease / 3)
	defer tick.Stop()
	var other *bus.HeldError // who had the name when it was last asked
	for {
		var again <-chan time.Time
		if w := a.describe(); a.o.Classify == nil || w.Mapping != "" {
			err := a.sayOnce(ctx, w)
			before := other
			if other, _ = errors.AsType[*bus.HeldError](err); other != nil {
				if spoke(before, other) {
					return fmt.Errorf("%w; a name is one agent's: give this one another, or end that one", other)
				}
				if before == nil {
					a.log.Info("the name is another's; waiting whether that one is still there", "error", other)
				}
				again = time.After(askAgain)
			} else if err != nil && ctx.Err() == nil {
				a.log.Debug("could not be announced", "error", err)
				other = before
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again:
		case <-a.speak:
		case <-tick.C:
		}
	}
}

// spoke reports whether who had the name has said so again since it was last asked. Two entries of it, in buckets of two regions or by a copy that is behind, are no second word.
func spoke(before, now *bus.HeldError) bool {
	return before != nil && before.Holder.Run == now.Holder.Run && before.Region == now.Region && before.Seq < now.Seq
}

// sayOnce announces the agent, and notes it if it worked.
func (a *Agent) sayOnce(ctx context.Context, w wire.Agent) error {
	started := time.Now()
	if err := a.o.Bus.AnnounceAgent(ctx, w); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.said = started; a.since.IsZero() {
		a.since = started
		a.log.Info("announced", "region", w.Region, "network", w.Network, "mapping", w.Mapping, "filtering", w.Filtering, "udp_blocked", w.UDPBlocked)
	}
	return nil
}
