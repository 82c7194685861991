package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/turnctl/verdict"
)

// Registry is what the fleet looks at, at one moment.
type Registry struct {
	Relays []bus.RelayState
	// Regions are those that have edges, and so should have relays.
	Regions []wire.Region
}

// Only keeps the named regions; without any, all of them.
func (r Registry) Only(regions []wire.Region) Registry {
	if len(regions) == 0 {
		return r
	}
	in := func(region wire.Region) bool { return slices.Contains(regions, region) }
	only := Registry{Regions: slices.Clone(regions)}
	for _, s := range r.Relays {
		if in(s.Region) {
			only.Relays = append(only.Relays, s)
		}
	}
	return only
}

// regions are all that are named anywhere, in order.
func (r Registry) regions() []wire.Region {
	all := slices.Clone(r.Regions)
	for _, s := range r.Relays {
		all = append(all, s.Region)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (r Registry) of(region wire.Region) []bus.RelayState {
	var list []bus.RelayState
	for _, s := range r.Relays {
		if s.Region == region {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b bus.RelayState) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// Serves reports whether callers are sent to the relay.
func Serves(s *bus.RelayState) bool { return s.Health == wire.RelayHealthy && !s.Draining }

// Report says of each relay and of each region whether all is well: a relay that fails is a finding, and so is a region with none that serves callers.
func Report(r Registry, target string, now time.Time) verdict.Report {
	report := verdict.Report{Command: "fleet", Target: target, At: now}
	for _, region := range r.regions() {
		serving := 0
		list := r.of(region)
		for i := range list {
			if Serves(&list[i]) {
				serving++
			}
			report.Items = append(report.Items, relayItem(&list[i], now))
		}
		item := verdict.Item{
			Name: "region." + string(region), Group: string(region), Status: verdict.OK, Summary: fmt.Sprintf("%d of %d relays serve callers", serving, len(list)),
			Values: []verdict.Value{{Name: "relays", Value: float64(len(list))}, {Name: "relays_serving", Value: float64(serving)}},
		}
		if serving == 0 {
			item.Status, item.Severity, item.Summary = verdict.Fail, verdict.High, "no relay serves callers"
			item.Fix = "start a relay of this region, and `turnctl watch` beside it"
			if len(list) > 0 {
				item.Fix = "look at the relays above: `turnctl check` says what is wrong with each"
			}
		}
		report.Items = append(report.Items, item)
	}
	return report
}

func relayItem(s *bus.RelayState, now time.Time) verdict.Item {
	item := verdict.Item{Name: "relay." + string(s.ID), Group: string(s.Region), Status: verdict.OK}
	since := now.Sub(s.Since)
	item.Summary = fmt.Sprintf("%s for %s", s.Health, Span(since))
	var down []string
	for _, d := range s.Down {
		down = append(down, d.URL+" ("+d.Why+")")
	}
	if len(down) > 0 {
		item.Evidence = strings.Join(down, ", ")
	}
	switch {
	case s.Draining:
		item.Status, item.Severity, item.Summary = verdict.Warn, verdict.Low, "draining: callers are not sent to it; it is "+item.Summary
	case s.Health != wire.RelayHealthy:
		item.Status, item.Severity, item.Summary = verdict.Fail, verdict.High, item.Summary+": "+s.Why
		item.Fix = "turnctl check --url " + firstURL(s) + " --secret-file FILE"
		if s.Realm != "" {
			item.Fix += " --realm " + s.Realm
		}
	case len(down) > 0:
		item.Status, item.Severity = verdict.Warn, verdict.Medium
		item.Summary += fmt.Sprintf("; %d of its %d URLs do not work", len(down), len(down)+len(s.URLs))
	case s.Full():
		item.Status, item.Severity, item.Summary = verdict.Warn, verdict.Medium, item.Summary+"; it is full"
	}
	up := 0.0
	if s.Health == wire.RelayHealthy {
		up = 1
	}
	item.Values = []verdict.Value{{Name: "relay_up", Value: up}, {Name: "relay_since_seconds", Value: since.Seconds()}}
	if s.Load >= 0 {
		item.Values = append(item.Values, verdict.Value{Name: "relay_allocations", Value: float64(s.Load)})
	}
	if s.Capacity >= 0 {
		item.Values = append(item.Values, verdict.Value{Name: "relay_capacity_allocations", Value: float64(s.Capacity)})
	}
	return item
}

func firstURL(s *bus.RelayState) string {
	if len(s.URLs) > 0 {
		return s.URLs[0]
	}
	return s.Down[0].URL
}

// Span writes a duration as people say it: 45s, 12m, 3h10m, 6d.
func Span(d time.Duration) string {
	switch d = max(0, d); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}
