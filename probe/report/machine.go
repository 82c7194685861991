package report

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"

	"callmesh/bus/wire"
)

// JSON writes the report as it is: members are named in the types of this package.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

var csvHeader = []string{
	"source", "table", "a", "b", "mode", "from", "attempts", "connected", "failed", "no_candidates", "no_signalling", "rate", "rate_low", "rate_high",
	"pairs", "pairs_connected", "pairs_mixed", "pair_rate", "pair_rate_low", "pair_rate_high", "median_ms", "first_pair_median_ms",
}

// CSV writes one table of all tallies (RFC 4180): a line for each mode (table "mode"), each cell of each matrix ("region", "nat", "network") and each point of the trend ("time", whose from is RFC 3339); and if lines of the input could not be read, one that has their number under attempts ("unread"). Shares are from 0 to 1, and empty of nothing; the median to the first pair stands for modes only.
func (r *Report) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write(csvHeader) // kept until Error
	for _, s := range r.Sources {
		line := func(table, a, b string, m wire.TraversalMode, from string, t Tally, median, firstPair int64) {
			n, f := strconv.Itoa, func(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }
			share := func(e Estimate) string {
				if e.Share == nil {
					return ""
				}
				return f(*e.Share)
			}
			ms := func(v int64) string {
				if v == 0 {
					return ""
				}
				return strconv.FormatInt(v, 10)
			}
			_ = out.Write([]string{
				string(s.Source), table, inert(a), inert(b), string(m), from, n(t.Attempts), n(t.Connected), n(t.Failed), n(t.NoCandidates), n(t.NoSignalling),
				share(t.Rate), f(t.Rate.Low), f(t.Rate.High), n(t.Pairs), n(t.PairsConnected), n(t.PairsMixed), share(t.PairRate), f(t.PairRate.Low), f(t.PairRate.High), ms(median), ms(firstPair),
			})
		}
		for _, m := range s.Modes {
			line("mode", "", "", m.Mode, "", m.Tally, m.Times.P50, m.FirstPair.P50)
		}
		for _, g := range s.Groups {
			for _, c := range g.Cells {
				line(string(g.By), c.A, c.B, c.Mode, "", c.Tally, c.MedianMs, 0)
			}
		}
		for _, p := range s.Trend.Points {
			line("time", "", "", p.Mode, rfc3339(p.At), p.Tally, p.MedianMs, 0)
		}
	}
	if r.Unread > 0 {
		line := make([]string, len(csvHeader))
		line[slices.Index(csvHeader, "table")], line[slices.Index(csvHeader, "attempts")] = "unread", strconv.Itoa(r.Unread)
		_ = out.Write(line)
	}
	out.Flush()
	return out.Error()
}

// inert keeps a spreadsheet from taking a label for a formula, or what follows a semicolon in it, which parts cells where the comma is in numbers.
func inert(label string) string {
	var b strings.Builder
	begins := true
	for _, c := range label {
		if begins && strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20", c) { // the last four are the wide ones, which some take for the others
			b.WriteByte('\'')
		}
		b.WriteRune(c)
		begins = c == ';' || begins && c == ' '
	}
	return b.String()
}
