package verdict

import (
	"fmt"
	"strconv"
	"strings"
)

// writeNagios writes the one line that plugins print: the word, what is wrong first, and all that was measured. Nagios goes by the
// exit code, where 1 is a warning: run turnctl as `turnctl ... || exit 2` where a finding is to be critical.
func writeNagios(b *strings.Builder, r *Report) {
	word := "OK"
	switch {
	case r.Exit() == ExitUnhealthy:
		word = "CRITICAL"
	case r.Exit() == ExitUnmeasured:
		word = "UNKNOWN"
	case r.count()[Warn] > 0:
		word = "WARNING"
	}
	fmt.Fprintf(b, "TURN %s - %s %s: %s", word, nagiosText(r.Command), nagiosText(r.Target), r.tally())
	if w := r.worst(); w != nil {
		fmt.Fprintf(b, "; %s: %s", nagiosText(w.Name), nagiosText(w.Summary))
	}
	groups := map[string]bool{}
	for _, i := range r.Items {
		groups[i.Group] = true
	}
	separator := " |"
	for _, i := range r.Items {
		prefix := i.Name
		if len(groups) > 1 && i.Group != "" {
			prefix = i.Group + " " + i.Name
		}
		if i.Took > 0 {
			fmt.Fprintf(b, "%s %s=%ss", separator, nagiosLabel(prefix), figure(i.Took.Seconds()))
			separator = ""
		}
		for _, v := range i.Values {
			unit := ""
			if strings.HasSuffix(v.Name, "_seconds") {
				unit = "s"
			}
			fmt.Fprintf(b, "%s %s=%s%s", separator, nagiosLabel(prefix+" "+v.Name), figure(v.Value), unit)
			separator = ""
		}
	}
	b.WriteString("\n")
}

// nagiosText keeps text on the line and out of the performance data.
func nagiosText(s string) string { return strings.ReplaceAll(plain(s), "|", "/") }

// nagiosLabel quotes a label, which may hold neither = nor a quote.
func nagiosLabel(s string) string {
	return "'" + strings.NewReplacer("'", "", "=", ":").Replace(nagiosText(s)) + "'"
}

func figure(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
