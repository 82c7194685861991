package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"callmesh/bus/wire"
	"callmesh/probe/lab"
	"callmesh/probe/lab/matrix"
)

// writeMatrix writes one table for each mode, then each difference with its reason, then the sum.
func writeMatrix(w io.Writer, form string, kinds []lab.Kind, modes []wire.TraversalMode, cells []matrix.Cell, took time.Duration) error {
	if form == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(struct {
			Seconds float64       `json:"seconds"`
			Pairs   int           `json:"pairs"`
			Differ  int           `json:"differ"`
			Cells   []matrix.Cell `json:"cells"`
		}{took.Seconds(), len(cells), differing(cells), cells})
	}
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
	_, err := fmt.Fprintf(w, "%d of %d pairs as predicted, in %.0f s\n", len(cells)-differing(cells), len(cells), took.Seconds())
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
