package report

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// table is lines of cells. What is too wide loses the columns that can be done without, and then the ends of its longest cells.
type table struct {
	titles []string
	rows   [][]string
	spare  []int // columns, the first to go first
}

const (
	gap      = 2 // columns between cells
	narrow   = 9 // that no cell is cut below
	ellipsis = "…"
)

func newTable(titles ...string) *table { return &table{titles: titles} }

func (t *table) drop(columns ...int) *table {
	t.spare = columns
	return t
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// write gives the titles of the columns that it left out for want of room.
func (t *table) write(b *strings.Builder, limit int) (left []string) {
	lines := append([][]string{t.titles}, t.rows...)
	widths := make([]int, len(t.titles))
	for i := range widths {
		for _, l := range lines {
			widths[i] = max(widths[i], columns(l[i]))
		}
		if !slices.ContainsFunc(t.rows, func(r []string) bool { return r[i] != "" && r[i] != none }) {
			widths[i] = 0 // says nothing
		}
	}
	full := slices.Clone(widths)
	if limit > 0 {
		fit(widths, t.spare, limit)
	}
	for i, title := range t.titles {
		if full[i] > 0 && widths[i] == 0 {
			left = append(left, title)
		}
	}
	for _, l := range lines {
		var line strings.Builder
		for i, cell := range l {
			if widths[i] == 0 {
				continue
			}
			cell = cut(cell, widths[i])
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-columns(cell)+gap))
		}
		b.WriteString("  " + strings.TrimRight(line.String(), " ") + "\n")
	}
	return left
}

// fit makes widths that together have at most limit columns, if it can.
func fit(widths, spare []int, limit int) {
	total := func() (sum int) {
		for _, w := range widths {
			if w > 0 {
				sum += w + gap
			}
		}
		return sum
	}
	for _, i := range spare {
		if total() <= limit {
			return
		}
		widths[i] = 0
	}
	for total() > limit {
		longest := slices.Index(widths, slices.Max(widths))
		if widths[longest] <= narrow {
			return
		}
		widths[longest]--
	}
}

// columns is how many cells of a terminal a text takes.
func columns(s string) (n int) {
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
		return 2
	}
	return 1
}

func cut(s string, limit int) string {
	if columns(s) <= limit {
		return s
	}
	n, end := 0, 0
	for i, r := range s {
		if n += runeColumns(r); n > limit-1 {
			break
		}
		end = i + len(string(r))
	}
	return s[:end] + ellipsis
}
