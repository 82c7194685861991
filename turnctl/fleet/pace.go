package fleet

import (
	"fmt"
	"time"

	"callmesh/bus/wire"
)

// MinInterval and MaxInterval bound the interval of checks: an agent's word holds for about as long, and a registry bounds that.
const (
	MinInterval = wire.MinRelayLease
	MaxInterval = wire.MaxRelayLease
)

// Pace is when to check. All of it follows from the interval, within which a relay that fails must be found out though each check of it takes all the time
// that it is given:
//
//	wait (at most 0.35 of the interval) + check (0.12) + as often as Rule.Fail says less one: pause (0.02) + check (0.12)  <=  interval
//
// With Rule.Fail 2 that is 0.61; what is left is for a busy machine, and for the word to reach the edges. More failures make the checks shorter.
type Pace struct {
	Interval time.Duration
	Rule     Rule
}

// Validate says what is wrong with a pace.
func (p Pace) Validate() error {
	switch {
	case p.Interval < MinInterval || p.Interval > MaxInterval:
		return fmt.Errorf("interval %s is not from %s to %s", p.Interval, MinInterval, MaxInterval)
	case p.Rule.Fail < 1 || p.Rule.Fail > 5:
		return fmt.Errorf("%d failures in a row is not from 1 to 5", p.Rule.Fail)
	case p.Rule.Recover < 1 || p.Rule.Recover > 20:
		return fmt.Errorf("%d passes in a row is not from 1 to 20", p.Rule.Recover)
	}
	return nil
}

// CheckTimeout is how long one check may take before it counts as failed.
func (p Pace) CheckTimeout() time.Duration {
	return min(12*p.Interval/100, p.Interval*(70-35-2*time.Duration(p.Rule.Fail-1))/100/time.Duration(p.Rule.Fail))
}

// Wait is how long to wait from the end of one check to the next: random is from 0 to 1, so that agents spread, and pending asks for haste, as the last
// result speaks against what was thought before.
func (p Pace) Wait(pending bool, random float64) time.Duration {
	if pending {
		return 2 * p.Interval / 100
	}
	return time.Duration((0.2 + 0.15*random) * float64(p.Interval))
}

// Lease is how long what an agent says holds. It says it again in a third of that.
func (p Pace) Lease() time.Duration { return p.Interval }
