package report

import (
	"fmt"
	"slices"
	"strings"

	"callmesh/bus/wire"
)

// A chart is 340 by 150 units; these are its coordinates, and the page's template draws them.
type mark struct{ X, Note, Anchor string }

type bar struct{ X, Y, W, H, Note string }

type histogram struct {
	Mode  wire.TraversalMode
	Note  string
	Bars  []bar
	Marks []mark
	Ticks []mark
}

const (
	left, right = 46.0, 314.0 // of a histogram; beside it is room for what is written at its first and last bar
	top, bottom = 18.0, 120.0
)

func unit(v float64) string { return fmt.Sprintf("%.1f", v) }

// histograms have one bar for each of [TimeBounds], equally wide.
func histograms(s *Source) (list []histogram) {
	for _, m := range s.Modes {
		t := m.Times
		if t.N == 0 {
			continue
		}
		h := histogram{Mode: m.Mode, Note: fmt.Sprintf("%s, median %s, p95 %s, slowest %s", grouped(t.N), ms(t.P50), ms(t.P95), ms(t.Max))}
		wide := (right - left) / float64(len(t.Histogram))
		most := slices.Max(t.Histogram)
		for i, n := range t.Histogram {
			if n > 0 {
				high := (bottom - top) * float64(n) / float64(most)
				h.Bars = append(h.Bars, bar{unit(left + float64(i)*wide + 1), unit(bottom - high), unit(wide - 2), unit(high), fmt.Sprintf("%s: %d", binName(i), n)})
			}
			if i > 0 && i%2 == 0 {
				h.Ticks = append(h.Ticks, mark{X: unit(left + float64(i)*wide), Note: fmt.Sprintf("%g s", float64(TimeBounds[i-1])/1000)})
			}
		}
		h.Marks = []mark{{unit(position(t.P50, wide)), "median", "end"}, {unit(position(t.P95, wide)), "p95", "start"}}
		list = append(list, h)
	}
	return list
}

// position is where a time stands among the bars.
func position(millis int64, wide float64) float64 {
	i, exact := slices.BinarySearch(TimeBounds[:], millis)
	if exact {
		i++
	}
	if i >= len(TimeBounds) {
		return left + (float64(i)+.5)*wide
	}
	from := int64(0)
	if i > 0 {
		from = TimeBounds[i-1]
	}
	return left + (float64(i)+float64(millis-from)/float64(TimeBounds[i]-from))*wide
}

func binName(i int) string {
	switch i {
	case 0:
		return "under " + short(TimeBounds[0])
	case len(TimeBounds):
		return short(TimeBounds[i-1]) + " or more"
	}
	return short(TimeBounds[i-1]) + " to " + short(TimeBounds[i])
}

func short(millis int64) string {
	if millis < 1000 {
		return fmt.Sprintf("%d ms", millis)
	}
	return fmt.Sprintf("%g s", float64(millis)/1000)
}

type trendPoint struct{ X, Y, Y1, Y2, Note string }

type gridLine struct{ Y, TextY, Note string }

type trend struct {
	Mode        wire.TraversalMode
	Note        string
	Grid        []gridLine
	Points      []trendPoint
	Line        string
	From, Until string
}

// trends have one chart for each mode, all over the same time.
func trends(s *Source) (list []trend) {
	const left, right, top, bottom = 40.0, 328.0, 10.0, 126.0
	points := s.Trend.Points
	if len(points) == 0 {
		return nil
	}
	first, last := points[0].At, points[0].At
	for _, p := range points {
		first, last = min(first, p.At), max(last, p.At)
	}
	x := func(at int64) float64 {
		if last == first {
			return (left + right) / 2
		}
		return left + (right-left)*float64(at-first)/float64(last-first)
	}
	y := func(share float64) float64 { return bottom - (bottom-top)*share }
	for _, m := range s.Modes {
		t := trend{Mode: m.Mode, Note: fmt.Sprintf("%s of %s", m.Rate.percent(), many(m.Tried(), "attempt")), From: moment(first), Until: moment(last)}
		if first == last {
			t.Until = ""
		}
		for _, share := range []float64{0, .5, 1} {
			t.Grid = append(t.Grid, gridLine{unit(y(share)), unit(y(share) + 4), fmt.Sprintf("%.0f%%", 100*share)})
		}
		var line []string
		for _, p := range points {
			if p.Mode != m.Mode || p.Rate.Share == nil {
				continue
			}
			at := y(*p.Rate.Share)
			t.Points = append(t.Points, trendPoint{unit(x(p.At)), unit(at), unit(y(p.Rate.Low)), unit(y(p.Rate.High)), fmt.Sprintf("%s: %s, %s of %d", moment(p.At), p.Rate.percent(), p.Rate.span(), p.Tried())})
			line = append(line, unit(x(p.At))+","+unit(at))
		}
		t.Line = strings.Join(line, " ")
		list = append(list, t)
	}
	return list
}
