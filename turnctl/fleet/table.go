package fleet

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// Table writes the fleet for people, by region: the answer first, then a line for each relay.
func Table(w io.Writer, r Registry, now time.Time) error {
	var b strings.Builder
	b.WriteString(Headline(r) + "\n\n")
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { _, _ = fmt.Fprintln(t, strings.Join(cells, "\t")) } // into memory
	row("REGION", "RELAY", "STATE", "FOR", "LOAD", "URLS", "SAID", "SOFTWARE")
	for _, region := range r.regions() {
		list := r.of(region)
		if len(list) == 0 {
			row(string(region), "-", "no relay", "-", "-", "-", "-", "-")
		}
		for i := range list {
			s := &list[i]
			row(string(region), string(s.ID), stateOf(s), Span(now.Sub(s.Since)), loadOf(s), urlsOf(s), Span(now.Sub(s.Said))+" ago", dash(s.Software))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Headline is the answer in one line.
func Headline(r Registry) string {
	serving, failing, draining := 0, 0, 0
	var without []string
	for _, region := range r.regions() {
		here := 0
		for _, s := range r.of(region) {
			switch {
			case s.Draining:
				draining++
			case s.Health != wire.RelayHealthy:
				failing++
			default:
				here++
			}
		}
		if serving += here; here == 0 {
			without = append(without, string(region))
		}
	}
	parts := []string{fmt.Sprintf("%d of %d relays serve callers", serving, len(r.Relays))}
	if failing > 0 {
		parts = append(parts, fmt.Sprintf("%d failing", failing))
	}
	if draining > 0 {
		parts = append(parts, fmt.Sprintf("%d draining", draining))
	}
	if len(without) > 0 {
		parts = append(parts, "no relay in "+strings.Join(without, ", "))
	}
	return strings.Join(parts, "; ")
}

func stateOf(s *bus.RelayState) string {
	switch {
	case s.Draining:
		return "draining"
	case s.Health != wire.RelayHealthy:
		return "FAILING " + s.Why
	case s.Full():
		return "full"
	}
	return string(s.Health)
}

func loadOf(s *bus.RelayState) string {
	number := func(n int) string {
		if n < 0 {
			return "?"
		}
		return fmt.Sprint(n)
	}
	return number(s.Load) + "/" + number(s.Capacity)
}

// urlsOf names the transports, those that do not work in capitals behind a minus, as a terminal without colours shows it.
func urlsOf(s *bus.RelayState) string {
	var parts []string
	for _, u := range s.URLs {
		parts = append(parts, transportOf(u))
	}
	for _, d := range s.Down {
		parts = append(parts, "-"+strings.ToUpper(transportOf(d.URL)))
	}
	return strings.Join(parts, " ")
}

func transportOf(url string) string {
	u, err := wire.ParseRelayURL(url)
	if err != nil {
		return url
	}
	if u.Port != 3478 && u.Port != 5349 {
		return fmt.Sprintf("%s:%d", u.Transport, u.Port)
	}
	return string(u.Transport)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
