package coturn

import (
	"fmt"
	"strings"
)

// diffContext is how many equal lines stand around each change.
const diffContext = 3

type edit struct {
	kind byte // ' ', '-' or '+'
	text string
}

// Diff is how to get from one text to the other, in the unified form; "" when they are the same.
func Diff(fromName, from, toName, to string) string {
	if from == to {
		return ""
	}
	edits := edits(lines(from), lines(to))
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", fromName, toName)
	for _, h := range hunks(edits) {
		h.write(&b, edits)
	}
	return b.String()
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// edits keeps the longest common subsequence.
func edits(a, b []string) []edit {
	long := make([][]int, len(a)+1)
	for i := range long {
		long[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				long[i][j] = long[i+1][j+1] + 1
			} else {
				long[i][j] = max(long[i+1][j], long[i][j+1])
			}
		}
	}
	var out []edit
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out, i, j = append(out, edit{' ', a[i]}), i+1, j+1
		case j == len(b) || i < len(a) && long[i+1][j] >= long[i][j+1]:
			out, i = append(out, edit{'-', a[i]}), i+1
		default:
			out, j = append(out, edit{'+', b[j]}), j+1
		}
	}
	return out
}

// hunk is a stretch of edits, from first to before last.
type hunk struct{ first, last int }

func hunks(edits []edit) []hunk {
	var hs []hunk
	for i, e := range edits {
		if e.kind == ' ' {
			continue
		}
		first, last := max(i-diffContext, 0), min(i+1+diffContext, len(edits))
		if n := len(hs); n > 0 && hs[n-1].last >= first {
			hs[n-1].last = last
		} else {
			hs = append(hs, hunk{first, last})
		}
	}
	return hs
}

func (h hunk) write(b *strings.Builder, edits []edit) {
	count := func(part []edit, without byte) (n int) {
		for _, e := range part {
			if e.kind != without {
				n++
			}
		}
		return n
	}
	before, part := edits[:h.first], edits[h.first:h.last]
	start := func(without byte) int {
		if count(part, without) == 0 {
			return count(before, without)
		}
		return count(before, without) + 1
	}
	fmt.Fprintf(b, "@@ -%d,%d +%d,%d @@\n", start('+'), count(part, '+'), start('-'), count(part, '-'))
	for _, e := range part {
		fmt.Fprintf(b, "%c%s\n", e.kind, e.text)
	}
}
