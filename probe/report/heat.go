package report

import (
	"cmp"
	"fmt"
	"slices"

	"callmesh/bus/wire"
)

// heat is one matrix of the page. Its colours say the rate, its numbers the rate, the interval and how many, and a line in each cell how wide the interval is.
type heat struct {
	Title  string
	Labels []string
	Rows   []heatRow
	Left   int  // labels for which there is no room
	Folded bool // all but the first mode of a dimension
}

type heatRow struct {
	Label string
	Cells []heatCell
}

type heatCell struct {
	Class, Percent, Span, Pairs string
	Tried                       int
	Low, At, High               string // of the line, of 72 units
}

// mostLabels is how many fit on a page.
const mostLabels = 12

func heats(s *Source) (list []heat) {
	for _, g := range s.Groups {
		folded := false
		for _, m := range modes {
			if h, ok := g.heat(m); ok {
				h.Folded = folded
				folded = true
				list = append(list, h)
			}
		}
	}
	return list
}

func (g *Group) heat(m wire.TraversalMode) (heat, bool) {
	cells, weight := map[[2]string]Cell{}, map[string]int{}
	for _, c := range g.Cells {
		if c.Mode == m {
			cells[[2]string{c.A, c.B}] = c
			cells[[2]string{c.B, c.A}] = c
			weight[c.A] += c.Attempts
			weight[c.B] += c.Attempts
		}
	}
	var labels []string
	for _, l := range g.Labels {
		if weight[l] > 0 {
			labels = append(labels, l)
		}
	}
	if len(labels) == 0 {
		return heat{}, false
	}
	h := heat{Title: fmt.Sprintf("%s, by %s", modeTitle(m), g.By.title())}
	if len(labels) > mostLabels {
		h.Left = len(labels) - mostLabels
		heavy := slices.Clone(labels)
		slices.SortStableFunc(heavy, func(a, b string) int { return cmp.Compare(weight[b], weight[a]) })
		labels = slices.DeleteFunc(labels, func(l string) bool { return !slices.Contains(heavy[:mostLabels], l) })
	}
	h.Labels = labels
	for _, a := range labels {
		row := heatRow{Label: a}
		for _, b := range labels {
			row.Cells = append(row.Cells, heatOf(cells[[2]string{a, b}].Tally))
		}
		h.Rows = append(h.Rows, row)
	}
	return h, true
}

func modeTitle(m wire.TraversalMode) string {
	switch m {
	case wire.ModeDirect:
		return "Connected without a relay"
	case wire.ModeAll:
		return "Connected by any path"
	case wire.ModeRelayUDP:
		return "Connected by a relay over UDP"
	case wire.ModeRelayTCP:
		return "Connected by a relay over TCP"
	case wire.ModeRelayTLS:
		return "Connected by a relay over TLS"
	}
	return string(m)
}

func heatOf(t Tally) heatCell {
	if t.Rate.Share == nil {
		return heatCell{}
	}
	at := func(share float64) string { return fmt.Sprintf("%.1f", 4+64*share) }
	return heatCell{
		Class: fmt.Sprintf("h%d", min(4, int(5**t.Rate.Share))), Percent: t.Rate.percent(), Span: t.Rate.span(), Pairs: many(t.Pairs, "pair"), Tried: t.Tried(),
		Low: at(t.Rate.Low), At: at(*t.Rate.Share), High: at(t.Rate.High),
	}
}
