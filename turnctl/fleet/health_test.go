package fleet

import (
	"strings"
	"testing"
	"time"
)

// Each step is a result and what is thought after it: p passed, f failed, u unmeasured; "-" nothing is known, "+" healthy, "!" failing; "?" behind it: the next
// check comes soon.
func TestHealth(t *testing.T) {
	for name, c := range map[string]struct {
		rule  Rule
		steps string
	}{
		"the first result counts":              {Rule{2, 3}, "p+"},
		"be it bad":                            {Rule{2, 3}, "f!"},
		"one failure is not enough":            {Rule{2, 3}, "p+ f+? p+ f+? p+"},
		"two are":                              {Rule{2, 3}, "p+ f+? f! f!"},
		"three passes bring it back":           {Rule{2, 3}, "f! p! p! p+ p+"},
		"in a row":                             {Rule{2, 3}, "f! p! p! f! p! p! p+"},
		"with one, all counts at once":         {Rule{1, 1}, "p+ f! p+ f!"},
		"what was not measured says nothing":   {Rule{2, 3}, "p+ u+? u+? p+"},
		"nor does it undo a failure":           {Rule{2, 3}, "p+ f+? u+? f!"},
		"but six in a row are enough":          {Rule{2, 3}, "p+ u+? u+? u+? u+? u+? u!"},
		"after which it needs to pass thrice":  {Rule{1, 3}, "p+ u+? u+? u! u! p! p! p+"},
		"and so with nothing known before":     {Rule{1, 2}, "u-? u-? u! p! p+"},
		"known at last":                        {Rule{2, 2}, "u-? p+"},
		"while failing nothing need be hasty ": {Rule{2, 2}, "f! u! p! f!"},
	} {
		h, at := Health{}, time.Unix(1, 0)
		for i, step := range strings.Fields(c.steps) {
			at = at.Add(time.Second)
			before := h
			h = h.Next(map[byte]Result{'p': Passed, 'f': Failed, 'u': Unmeasured}[step[0]], "udp4.allocate", at, c.rule)
			got := "-"
			if h.Known {
				got = map[bool]string{true: "+", false: "!"}[h.OK]
			}
			if h.Pending() {
				got += "?"
			}
			if got != step[1:] {
				t.Errorf("%s: step %d of %q gives %s", name, i, c.steps, got)
			}
			if changed := h.OK != before.OK || h.Known != before.Known; changed != h.Since.Equal(at) {
				t.Errorf("%s: step %d of %q: since %v", name, i, c.steps, h.Since)
			}
			if (h.Known && !h.OK) != (h.Why != "") {
				t.Errorf("%s: step %d of %q: why %q", name, i, c.steps, h.Why)
			}
		}
	}
}

// However a relay fails, it is known within an interval.
func TestPace(t *testing.T) {
	for _, interval := range []time.Duration{MinInterval, 10 * time.Second, MaxInterval} {
		for fail := 1; fail <= 5; fail++ {
			p := Pace{Interval: interval, Rule: Rule{Fail: fail, Recover: 3}}
			if err := p.Validate(); err != nil {
				t.Fatal(err)
			}
			worst := p.Wait(false, 1) + p.CheckTimeout()
			for range fail - 1 {
				worst += p.Wait(true, 1) + p.CheckTimeout()
			}
			if worst > interval*71/100 || p.CheckTimeout() < interval/30 {
				t.Errorf("%+v: %v in the worst case, with %v for a check", p, worst, p.CheckTimeout())
			}
			if first, last := p.Wait(false, 0), p.Wait(false, 1); last-first < interval/10 {
				t.Errorf("%+v: waits from %v to %v", p, first, last)
			}
		}
	}
	for _, p := range []Pace{{time.Second, Rule{2, 3}}, {3 * time.Minute, Rule{2, 3}}, {time.Minute, Rule{0, 3}}, {time.Minute, Rule{6, 1}}, {time.Minute, Rule{1, 0}}, {time.Minute, Rule{1, 21}}} {
		if p.Validate() == nil {
			t.Errorf("%+v was taken", p)
		}
	}
}
