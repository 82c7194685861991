package verdict

import (
	"fmt"
	"slices"
	"strings"
)

// writePrometheus writes turnctl_<command>_healthy, an item's status and time, and one family for each name of a value. Every family
// is a gauge of the last run; a textfile collector adds no time of its own, so the run's is there too, to alert on a check that no longer runs.
func writePrometheus(b *strings.Builder, r *Report) {
	prefix := "turnctl_" + metricName(r.Command) + "_"
	labels := func(i Item) string {
		return fmt.Sprintf(`{target=%s,group=%s,item=%s}`, label(r.Target), label(i.Group), label(i.Name))
	}
	family := func(name, help string) {
		fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
	}
	healthy := 0
	if r.Exit() == ExitHealthy {
		healthy = 1
	}
	family(prefix+"healthy", "1 if the run found nothing wrong, else 0.")
	fmt.Fprintf(b, "%shealthy{target=%s} %d\n", prefix, label(r.Target), healthy)
	family(prefix+"exit_code", "The exit code: 0 healthy, 1 unhealthy, 3 could not be measured.")
	fmt.Fprintf(b, "%sexit_code{target=%s} %d\n", prefix, label(r.Target), r.Exit())
	family(prefix+"run_timestamp_seconds", "When the run began.")
	fmt.Fprintf(b, "%srun_timestamp_seconds{target=%s} %d\n", prefix, label(r.Target), r.At.Unix())

	// A series may stand once only, so items of the same name and group count as the last of them.
	items := map[string]Item{}
	var order []string
	values := map[string][]string{}
	for _, i := range r.Items {
		key := labels(i)
		if _, ok := items[key]; !ok {
			order = append(order, key)
		}
		items[key] = i
	}
	family(prefix+"item_ok", "1 if the item is ok or only warned of, 0 if it failed or could not be measured; skipped ones are left out.")
	for _, key := range order {
		if s := items[key].Status; s != Skipped {
			ok := 0
			if s == OK || s == Warn {
				ok = 1
			}
			fmt.Fprintf(b, "%sitem_ok%s %d\n", prefix, key, ok)
		}
	}
	family(prefix+"item_duration_seconds", "How long the item took.")
	for _, key := range order {
		if i := items[key]; i.Took > 0 {
			fmt.Fprintf(b, "%sitem_duration_seconds%s %s\n", prefix, key, figure(i.Took.Seconds()))
		}
		seen := map[string]bool{}
		for _, v := range items[key].Values {
			if name := metricName(v.Name); !seen[name] {
				seen[name] = true
				values[name] = append(values[name], fmt.Sprintf("%s %s", key, figure(v.Value)))
			}
		}
	}
	for _, name := range sorted(values) {
		family(prefix+name, "Measured by turnctl "+metricName(r.Command)+".")
		for _, line := range values[name] {
			fmt.Fprintf(b, "%s%s%s\n", prefix, name, line)
		}
	}
}

func sorted(m map[string][]string) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func metricName(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' {
			return c
		}
		return '_'
	}, s)
}

func label(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(plain(s)) + `"`
}
