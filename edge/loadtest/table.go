package loadtest

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// Target is what a row should come to. At most one of its members is set.
type Target struct {
	RatioAtMost  float64 `json:"ratioAtMost,omitempty"`
	RatioAtLeast float64 `json:"ratioAtLeast,omitempty"`
	AtMost       float64 `json:"atMost,omitempty"` // ours, in the row's unit
}

// Row is one measured value beside its bound.
type Row struct {
	Scenario string  `json:"scenario"`
	Name     string  `json:"name"`
	Unit     string  `json:"unit"`
	Ours     float64 `json:"ours"`
	Bound    float64 `json:"bound"` // 0 if there is none
	Target   Target  `json:"target"`
	// Of CPU time, ours and the bound's: the nats-server's part of it, and what the generator used beside it.
	NATS      [2]float64   `json:"nats,omitzero"`
	Generator [2]float64   `json:"generator,omitzero"`
	Samples   [2][]float64 `json:"samples"` // of ours and of the bound, as they came
}

// compare makes a row of the medians.
func compare(name, unit string, ours, bound samples, t Target) Row {
	return Row{Name: name, Unit: unit, Ours: ours.median(), Bound: bound.median(), Target: t, Samples: [2][]float64{ours, bound}}
}

// compareWork is compare for CPU time, of samples as [work.values] gives them.
func compareWork(name string, got [][]samples, t Target) Row {
	r := compare(name, "µs", got[0][0], got[1][0], t)
	for i := range 2 {
		r.NATS[i], r.Generator[i] = got[i][1].median(), got[i][2].median()
	}
	return r
}

// Ratio is ours to the bound; 0 if there is no bound.
func (r Row) Ratio() float64 {
	if r.Bound == 0 {
		return 0
	}
	return r.Ours / r.Bound
}

// Met reports whether the row has a target, and whether it is met.
func (r Row) Met() (met, aimed bool) {
	switch t := r.Target; {
	case t.RatioAtMost > 0:
		return r.Ratio() <= t.RatioAtMost, true
	case t.RatioAtLeast > 0:
		return r.Ratio() >= t.RatioAtLeast, true
	case t.AtMost > 0:
		return r.Ours <= t.AtMost, true
	}
	return false, false
}

// WriteTable prints the rows.
func WriteTable(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "measured\tours\tbound\tratio\ttarget\tmet\tof it nats")
	for _, r := range rows {
		bound, ratio, target, verdict, nats := "", "", "", "", ""
		if r.Bound > 0 {
			bound, ratio = quantity(r.Bound, r.Unit), strconv.FormatFloat(r.Ratio(), 'f', 2, 64)+"x"
		}
		switch {
		case r.Target.RatioAtMost > 0:
			target = fmt.Sprintf("<= %.3gx", r.Target.RatioAtMost)
		case r.Target.RatioAtLeast > 0:
			target = fmt.Sprintf(">= %.3gx", r.Target.RatioAtLeast)
		case r.Target.AtMost > 0:
			target = "<= " + quantity(r.Target.AtMost, r.Unit)
		}
		if met, aimed := r.Met(); aimed && met {
			verdict = "yes"
		} else if aimed {
			verdict = "NO"
		}
		if r.NATS[1] > 0 {
			nats = quantity(r.NATS[0], "") + ", " + quantity(r.NATS[1], r.Unit)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, quantity(r.Ours, r.Unit), bound, ratio, target, verdict, nats)
	}
	return t.Flush()
}

// quantity is a value with three or more digits that count, and its unit. What has no unit is counted.
func quantity(v float64, unit string) string {
	decimals := 0
	switch {
	case unit == "":
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v < 1:
		decimals = 3
	case v < 10:
		decimals = 2
	case v < 100:
		decimals = 1
	}
	return strconv.FormatFloat(v, 'f', decimals, 64) + " " + unit
}
