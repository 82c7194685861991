package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"callmesh/bus/wire"
)

// Text writes tables for people, no wider than width columns where that can be; 0: as wide as they are.
func (r *Report) Text(w io.Writer, width int) error {
	var b strings.Builder
	if len(r.Sources) == 0 {
		b.WriteString("No attempts to report.\n")
	}
	for i := range r.Sources {
		if i > 0 {
			b.WriteString("\n")
		}
		r.Sources[i].text(&b, width)
	}
	if r.Ignored > 0 {
		fmt.Fprintf(&b, "\n%s could not be counted.\n", many(r.Ignored, "record"))
	}
	if r.Unread > 0 {
		fmt.Fprintf(&b, "\n%s\n", wrap(r.UnreadWords(), width))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *Source) text(b *strings.Builder, width int) {
	fmt.Fprintf(b, "%s\n", strings.ToUpper(s.title()))
	fmt.Fprintf(b, "%s\n\n", wrap(s.summary(), width))
	by := "network"
	if s.Source == wire.SourceCall {
		by = "pair"
	}
	t := newTable("mode", "connected", "rate", "95%", "pairs", "rate", "95%", "by "+by, "first pair", "median", "p95", "fails at").drop(10, 8, 6, 11, 9, 7)
	for _, m := range s.Modes {
		t.row(string(m.Mode), of(m.Connected, m.Tried()), m.Rate.percent(), m.Rate.span(), of(m.PairsConnected, m.Pairs), m.PairRate.percent(), m.PairRate.span(),
			m.Clusters.span(), ms(m.FirstPair.P50), ms(m.Times.P50), ms(m.Times.P95), list(m.Steps))
	}
	if left := t.write(b, width); s.FirstPairs() && !slices.Contains(left, "first pair") {
		fmt.Fprintf(b, "\n%s\n", wrap(waitsMean, width))
	}
	if s.Relay != nil {
		fmt.Fprintf(b, "\n%s\n", wrap(s.Relay.words(), width))
	}
	for _, g := range s.Groups {
		g.text(b, width)
	}
	s.pathsText(b, width)
	s.trendText(b, width)
	if s.Prediction != nil {
		s.Prediction.text(b, width)
	}
	if len(s.RelayCosts) > 0 {
		fmt.Fprintf(b, "\n%s\n", wrap("What a relay costs, in medians of the pairs that connect either way", width))
		t := newTable("by", "pairs", "round trip", "direct", "added", "loss", "direct", "kbit/s", "direct").drop(8, 7, 6)
		for _, c := range s.RelayCosts {
			t.row(string(c.Mode), fmt.Sprint(c.Pairs), ms(c.RelayRTTMs), ms(c.DirectRTTMs), ms(c.AddedRTTMs), share(c.RelayLoss), share(c.DirectLoss), kbit(c.RelayKbitPerS), kbit(c.DirectKbitPerS))
		}
		t.write(b, width)
	}
	pairsText(b, width, "Worst pairs, the most surely bad first", s.Worst)
	pairsText(b, width, "Slowest pairs", s.Slowest)
}

// waitsMean says what stands in the times of mode all.
const waitsMean = "In mode all, ICE waits before it takes any but the best kind of path: up to 2 s for a relay. That is in its median, and in no first pair."

// FirstPairs says whether there are times to the first pair. Reports of calls have none.
func (s *Source) FirstPairs() bool {
	return slices.ContainsFunc(s.Modes, func(m Mode) bool { return m.FirstPair.N > 0 })
}

// title is what the attempts are called.
func (s *Source) title() string {
	if s.Source == wire.SourceCall {
		return "real calls"
	}
	return "pair tests"
}

// summary is how much there is.
func (s *Source) summary() string {
	text := fmt.Sprintf("%s of %s", many(s.Attempts, "attempt"), many(s.Pairs, "pair"))
	if s.Source == wire.SourceCall {
		text += ", told by " + many(s.Records, "report")
	} else {
		text += " between " + many(s.Networks, "network") + " in " + many(s.Runs, "run")
	}
	return fmt.Sprintf("%s, from %s to %s", text, day(s.From), day(s.Until))
}

// mostRows bounds a matrix in text; the other outputs have all of it.
const mostRows = 40

func (g *Group) text(b *strings.Builder, width int) {
	fmt.Fprintf(b, "\n%s\n", wrap("By "+g.By.title()+": rate, interval, attempts", width))
	grid := newGrid("between", "and")
	for _, c := range g.Cells {
		grid.put(c.Mode, c.Tally, c.A, c.B)
	}
	grid.write(b, width)
}

func (d Dimension) title() string {
	if d == ByNAT {
		return "NAT (mapping/filtering)"
	}
	return string(d)
}

func (s *Source) pathsText(b *strings.Builder, width int) {
	b.WriteString("\nBy which path\n")
	t := newTable("mode", "path", "over", "attempts", "share", "95%")
	for _, p := range s.Paths {
		t.row(string(p.Mode), p.Path, p.Protocol, fmt.Sprint(p.N), p.percent(), p.span())
	}
	t.write(b, width)
}

func (s *Source) trendText(b *strings.Builder, width int) {
	fmt.Fprintf(b, "\nOver time, by %s: rate, interval, attempts\n", bucketName(s.Trend.BucketMs))
	grid := newGrid("from")
	for _, p := range s.Trend.Points {
		grid.put(p.Mode, p.Tally, moment(p.At))
	}
	grid.write(b, width)
}

func (p *Prediction) text(b *strings.Builder, width int) {
	fmt.Fprintf(b, "\n%s\n", wrap(p.words(), width))
	if len(p.Differences) == 0 {
		return
	}
	t := newTable("pair", "", "NAT", "NAT", "expected", "connected", "note").drop(6)
	for _, d := range p.Differences {
		a, z := d.ends()
		t.row(a, z, d.NATs[0], d.NATs[1], string(d.Expected), of(d.OK, d.Attempts), d.note())
	}
	t.write(b, width)
}

func pairsText(b *strings.Builder, width int, title string, pairs []PairRow) {
	if len(pairs) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", wrap(title, width))
	t := newTable("pair", "", "mode", "connected", "rate", "95%", "median", "fails at", "why").drop(8, 5, 7)
	for _, p := range pairs {
		a, z := p.ends()
		t.row(a, z, string(p.Mode), of(p.OK, p.Attempts), p.Rate.percent(), p.Rate.span(), ms(p.MedianMs), p.Step, p.Why)
	}
	t.write(b, width)
}

// bucketName is a span of time in the largest unit that it is whole in.
func bucketName(millis int64) string {
	d := time.Duration(millis) * time.Millisecond
	switch {
	case d%(24*time.Hour) == 0:
		return many(int(d/(24*time.Hour)), "day")
	case d%time.Hour == 0:
		return many(int(d/time.Hour), "hour")
	case d%time.Minute == 0:
		return many(int(d/time.Minute), "minute")
	}
	return d.String()
}
