package fleet

import "time"

// Result is what one check of a URL came to.
type Result int

// The results.
const (
	Passed Result = iota
	Failed
	Unmeasured // the check could not say: it counts neither way, but not for ever
)

// Rule is how many results in a row change what is thought of a URL: at least 1 each. Fewer find a fault sooner, more keep one lost packet from being one.
type Rule struct {
	Fail, Recover int
}

// unmeasuredFails is after how many times Rule.Fail checks without a result a URL counts as failing: nobody knows any more that it works.
const unmeasuredFails = 3

// Health is what is thought of one URL. The zero value knows nothing.
type Health struct {
	Known bool
	OK    bool
	Since time.Time // when OK last changed, or was first known
	Why   string    // the check's item that failed, while not OK

	against int // failures in a row while OK, passes in a row while not
	unknown int // unmeasured in a row
}

// Next is the health after one more result. The first one counts at once.
func (h Health) Next(r Result, why string, at time.Time, rule Rule) Health {
	if r == Unmeasured {
		if h.unknown++; h.unknown < unmeasuredFails*rule.Fail {
			return h
		}
		if !h.Known || h.OK {
			return Health{Known: true, Since: at, Why: why, unknown: h.unknown}
		}
		h.Why = why
		return h
	}
	h.unknown = 0
	if passed := r == Passed; !h.Known || passed != h.OK {
		h.against++
		if needed := rule.needed(h.OK); h.Known && h.against < needed {
			return h
		}
		h = Health{Known: true, OK: passed, Since: at}
	}
	h.against = 0
	if r == Failed {
		h.Why = why
	}
	return h
}

func (r Rule) needed(ok bool) int {
	if ok {
		return r.Fail
	}
	return r.Recover
}

// Pending reports whether the last result speaks against what is thought, or nothing is known yet: then the next check comes soon.
func (h Health) Pending() bool { return !h.Known || h.OK && (h.against > 0 || h.unknown > 0) }
