package report

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

	"callmesh/bus/wire"
)

// What figures look like to people, in text and on the page alike.

const none = "–"

// percent rounds, but never up to all or down to none.
func (e Estimate) percent() string {
	if e.Share == nil {
		return none
	}
	return share(*e.Share)
}

// span is the interval in percent, rounded outwards.
func (e Estimate) span() string {
	if e.Share == nil {
		return none
	}
	return span(e.Low, e.High)
}

func (c *Clusters) span() string {
	if c == nil {
		return none
	}
	return span(c.Low, c.High)
}

func span(low, high float64) string {
	const hair = 1e-9
	return fmt.Sprintf("%.0f–%.0f%%", math.Floor(100*low+hair), math.Ceil(100*high-hair))
}

func share(s float64) string {
	p := 100 * s
	switch {
	case p > 0 && p < 1:
		return fmt.Sprintf("%.1f%%", max(p, .1))
	case p > 99 && p < 100:
		return fmt.Sprintf("%.1f%%", min(p, 99.9))
	}
	return fmt.Sprintf("%.0f%%", p)
}

func of(n, all int) string { return fmt.Sprintf("%d of %d", n, all) }

func many(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return fmt.Sprintf("%s %s", grouped(n), word)
}

// grouped writes digits in groups of three.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// ms is a time in milliseconds; 0 is one that is not known.
func ms[T int64 | float64](v T) string {
	f := float64(v)
	switch {
	case f == 0:
		return none
	case math.Abs(f) < 10 && f != math.Trunc(f):
		return fmt.Sprintf("%.1f ms", f)
	case math.Abs(f) < 9999.5:
		return fmt.Sprintf("%.0f ms", f)
	}
	return fmt.Sprintf("%.1f s", f/1000)
}

func kbit(v float64) string {
	if v == 0 {
		return none
	}
	return grouped(int(math.Round(v)))
}

func list(c []Count) string {
	parts := make([]string, len(c))
	for i, c := range c {
		parts[i] = fmt.Sprintf("%s %d", c.Name, c.N)
	}
	return strings.Join(parts, ", ")
}

func day(at int64) string    { return time.UnixMilli(at).UTC().Format("2006-01-02") }
func moment(at int64) string { return time.UnixMilli(at).UTC().Format("2006-01-02 15:04") }

// ends are what the two of a pair are called: by name, or of a call by what kind of network each was on, where that was said.
func (p PairRow) ends() (a, b string) {
	if p.Names[0] != "" || p.Names[1] != "" {
		return cmp.Or(p.Names[0], unknown), cmp.Or(p.Names[1], unknown)
	}
	end := func(i int) string {
		switch r, n := p.Regions[i], p.Networks[i]; {
		case r == unknown && n == unknown:
			return unknown
		case n == unknown:
			return r
		default:
			return r + ", " + n
		}
	}
	return end(0), end(1)
}

func (d Difference) note() string {
	var notes []string
	if d.SameNetwork {
		notes = append(notes, "both bear one network's label: there may be one NAT, or none, between them")
	}
	if d.Step != "" {
		notes = append(notes, "fails at "+d.Step)
	}
	return strings.Join(notes, "; ")
}

func (p *Prediction) words() string {
	text := fmt.Sprintf("What two NATs let expect of direct attempts, and what came: %s as expected, %d otherwise", many(p.Agree, "pair"), p.Differ)
	if p.Unsure > 0 {
		text += fmt.Sprintf("; of %d the NATs could not be told well enough to expect anything", p.Unsure)
	}
	return text + "."
}

// words say what the share means for relays.
func (s *RelayShare) words() string {
	kind := "calls"
	if s.Source == wire.SourceProbe {
		kind = "attempts that might take any path"
	}
	text := fmt.Sprintf("Relayed: %s of what connected (%s, over %s; %d of %d %s). Of 1,000 calls at once, relays carry about %d, and should be able to carry %d.",
		share(s.Estimate), span(s.Low, s.High), many(s.Pairs, "pair"), s.Relayed, s.Attempts, kind, int(math.Round(1000*s.Estimate)), int(math.Ceil(1000*s.High-1e-9)))
	if s.Unknown > 0 {
		text += fmt.Sprintf(" Of %d more the path is not known.", s.Unknown)
	}
	if len(s.Regions) > 0 {
		text += " The relays were in: " + list(s.Regions) + "."
	}
	return text
}

// PlanHint is how relays are planned from a report; the file is what was written as JSON.
const PlanHint = "turnctl plan --calls 1000 --results report.json"

// wrap breaks words into lines of width columns; 0: not at all.
func wrap(s string, width int) string {
	if width <= 0 {
		return s
	}
	var b strings.Builder
	at := 0
	for word := range strings.FieldsSeq(s) {
		n := columns(word)
		switch {
		case at == 0:
		case at+1+n > width:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}

func rfc3339(at int64) string { return time.UnixMilli(at).UTC().Format(time.RFC3339) }
