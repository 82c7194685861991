package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"callmesh/bus/wire"
	"callmesh/probe/lab"
	"callmesh/probe/lab/matrix"
	"callmesh/probe/report"
)

// writeMatrix writes one table for each mode, then each difference with its reason, then the sum.
func writeMatrix(w io.Writer, form string, kinds []lab.Kind, modes []wire.TraversalMode, cells []matrix.Cell, took time.Duration) error {
	all := struct {
		Seconds float64       `json:"seconds"`
		Pairs   int           `json:"pairs"`
		Differ  int           `json:"differ"`
		Cells   []matrix.Cell `json:"cells"`
	}{took.Seconds(), len(cells), differing(cells), cells}
	return write(w, form, all, func(w io.Writer) error { return matrixText(w, kinds, modes, cells, took) }, func() report.Sheet { return matrixSheet(modes, cells, took) })
}

func asPredicted(cells []matrix.Cell, took time.Duration) string {
	return fmt.Sprintf("%d of %d pairs as predicted, in %.0f s", len(cells)-differing(cells), len(cells), took.Seconds())
}

func matrixSheet(modes []wire.TraversalMode, cells []matrix.Cell, took time.Duration) report.Sheet {
	s := report.Sheet{
		Title: "The laboratory's pairs", Summary: asPredicted(cells, took),
		Columns: []string{"a", "b", "one_site", "mode", "predicted", "because", "measured", "agrees", "tries", "why"},
	}
	counts := map[wire.TraversalMode]map[string]int{}
	for _, m := range modes {
		counts[m] = map[string]int{"as_predicted": 0, "differs": 0, "unmeasured": 0}
	}
	for _, c := range cells {
		measured, outcome := strconv.FormatBool(c.Connected), "differs"
		switch {
		case c.Sides[0] == nil || c.Sides[1] == nil:
			measured, outcome = "", "unmeasured"
		case c.Agrees:
			outcome = "as_predicted"
		}
		counts[c.Mode][outcome]++
		s.Rows = append(s.Rows, []string{
			string(c.A), string(c.B), strconv.FormatBool(c.OneSite), string(c.Mode), strconv.FormatBool(c.Connects), c.Because, measured, strconv.FormatBool(c.Agrees), strconv.Itoa(c.Tries), c.Why,
		})
	}
	pairs := report.Gauge{Name: "lab_pairs", Help: "Pairs of sites, by what came of them.", Labels: []string{"mode", "outcome"}}
	for _, m := range modes {
		for outcome, n := range counts[m] {
			pairs.Add(float64(n), string(m), outcome)
		}
	}
	s.Gauges = []report.Gauge{pairs}
	return s
}

func matrixText(w io.Writer, kinds []lab.Kind, modes []wire.TraversalMode, cells []matrix.Cell, took time.Duration) error {
	for _, m := range modes {
		if err := writeGrid(w, m, kinds, cells); err != nil {
			return err
		}
	}
	fmt.Fprintln(w, "Y connects, - does not, both as predicted; ! is not as predicted, ? could not be measured. Columns are numbered as rows are; * is the other host behind the same NAT.")
	for _, c := range cells {
		if !c.Agrees {
			fmt.Fprintf(w, "%s with %s, %s: predicted %s, since %s; measured %s: %s\n", c.A, c.B, c.Mode, connects(c.Connects), c.Because, connects(c.Connected), c.Why)
		}
	}
	for _, c := range matrix.Unreachable(cells) {
		fmt.Fprintf(w, "%s with %s: nothing that was tried connects the two\n", c.A, c.B)
	}
	_, err := fmt.Fprintln(w, asPredicted(cells, took))
	return err
}

func writeGrid(w io.Writer, m wire.TraversalMode, kinds []lab.Kind, cells []matrix.Cell) error {
	marks := map[[2]lab.Kind]string{}
	one := map[lab.Kind]string{}
	for _, c := range cells {
		switch {
		case c.Mode != m:
		case c.OneSite:
			one[c.A] = mark(c)
		default:
			marks[[2]lab.Kind{c.A, c.B}], marks[[2]lab.Kind{c.B, c.A}] = mark(c), mark(c)
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	head := string(m) + "\t"
	for i := range kinds {
		head += fmt.Sprintf("\t%d", i+1)
	}
	fmt.Fprintln(t, head+"\t*")
	for i, a := range kinds {
		row := []string{string(a), fmt.Sprint(i + 1)}
		for _, b := range kinds {
			row = append(row, marks[[2]lab.Kind{a, b}])
		}
		fmt.Fprintln(t, strings.TrimRight(strings.Join(append(row, one[a]), "\t"), "\t"))
	}
	fmt.Fprintln(t)
	return t.Flush()
}

func mark(c matrix.Cell) string {
	switch {
	case c.Sides[0] == nil || c.Sides[1] == nil:
		return "?"
	case !c.Agrees:
		return "!"
	case c.Connected:
		return "Y"
	}
	return "-"
}

func connects(yes bool) string {
	if yes {
		return "connects"
	}
	return "does not connect"
}
