package verdict

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Colours by status, and the sequences around them.
const (
	reset = "\x1b[0m"
	bold  = "\x1b[1m"
	faint = "\x1b[2m"
)

var colours = map[Status]string{OK: "\x1b[32m", Skipped: faint, Warn: "\x1b[33m", Unknown: "\x1b[35m", Fail: "\x1b[1;31m"}

// writeText gives an item a line, with what mends it below; the answer stands last, where the eye is when a command has ended.
func writeText(b *strings.Builder, r *Report, o Options) {
	paint := func(colour, s string) string {
		if !o.Colour {
			return s
		}
		return colour + s + reset
	}
	name := 0
	for _, i := range r.Items {
		if !o.hides(i) {
			name = max(name, utf8.RuneCountInString(i.Name))
		}
	}
	group := ""
	for _, i := range r.Items {
		if o.hides(i) {
			continue
		}
		if i.Group != group {
			group = i.Group
			fmt.Fprintf(b, "%s\n", paint(bold, plain(group)))
		}
		line := fmt.Sprintf("%-*s  %s", name, plain(i.Name), plain(i.Summary))
		if i.Took > 0 {
			line += paint(faint, " ("+took(i.Took)+")")
		}
		fmt.Fprintf(b, "  %s %s\n", paint(colours[i.Status], fmt.Sprintf("%-7s", i.Status)), line)
		more := func(label, s string) {
			for n, l := range strings.Split(strings.TrimRight(s, "\n"), "\n") {
				if n > 0 {
					label = strings.Repeat(" ", len(label))
				}
				fmt.Fprintf(b, "%s%s%s\n", strings.Repeat(" ", 10), paint(faint, label), plain(l))
			}
		}
		if i.Status == OK || i.Status == Skipped {
			continue
		}
		if i.Severity != "" {
			more("severity: ", string(i.Severity))
		}
		if i.Evidence != "" {
			more("seen: ", i.Evidence)
		}
		if i.Fix != "" {
			more("do: ", i.Fix)
		}
	}
	worst := OK
	if w := r.worst(); w != nil {
		worst = w.Status
	}
	fmt.Fprintf(b, "%s: %s: %s\n", r.Command, paint(colours[worst], r.word()), r.tally())
}

func (o Options) hides(i Item) bool { return o.Brief && (i.Status == OK || i.Status == Skipped) }

// took rounds to three figures.
func took(d time.Duration) string {
	if d <= 0 {
		return "0s"
	}
	unit := time.Duration(math.Pow10(max(0, int(math.Log10(float64(d)))-2)))
	return d.Round(unit).String()
}

// plain takes control characters, and those that turn text around, out of what a stranger may have said (a reason phrase, a name): a terminal would
// obey them.
func plain(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "?"))
}
