package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"callmesh/probe/discover"
	"callmesh/probe/gateway"
	"callmesh/probe/nat"
	"callmesh/probe/report"
)

func writeNAT(w io.Writer, form string, r natResult) error {
	return write(w, form, r, func(w io.Writer) error { return natText(w, r) }, func() report.Sheet { return natSheet(r) })
}

// natRows are what was found, its value, and what that means; and what could not be told, with the reasons.
func natRows(r natResult) (rows [][]string, why string) {
	row := func(what, value, meaning string) { rows = append(rows, []string{what, value, meaning}) }
	row("server", r.Server, "")
	row("ipv4", yesNo(r.IPv4), "")
	row("ipv6", yesNo(r.IPv6), "")
	row("udp", string(r.UDP), "")
	row("tcp", yesNo(r.TCP), "to the server's port")
	row("tls 443", yesNo(r.TLS443), "to the server's port 443")
	if r.UDP == discover.UDPOpen {
		row("nat", yesNo(r.NAT), "")
		row("mapping", string(r.Mapping), mappingMeans(r.Mapping))
		row("filtering", string(r.Filtering), filteringMeans(r.Filtering))
		row("port preserved", yesNo(r.PortPreserved), "")
		if r.PortDelta != nil {
			row("port delta", fmt.Sprint(*r.PortDelta), "from one outer port of a socket to its next")
		}
		if r.Hairpin != nil {
			row("hairpin", yesNo(r.Hairpin), "")
		}
		if r.LifetimeSeconds != nil {
			row("lifetime", fmt.Sprintf("%.0f s", *r.LifetimeSeconds), "of a mapping that is not used, at least")
		}
		if r.PathMTU != nil {
			row("path MTU", fmt.Sprintf("%d bytes", *r.PathMTU), "the largest packet that reached the server whole")
		}
		row("round trip", fmt.Sprintf("%.1f ms", *r.RoundTripMs), "")
	}
	if r.Gateway == nil {
		return rows, r.Why
	}
	return rows, gatewayRows(row, r.Gateway, r.Why)
}

func natText(w io.Writer, r natResult) error {
	rows, why := natRows(r)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if why != "" {
		if _, err := fmt.Fprintf(w, "\nnot told, and why: %s\n", why); err != nil {
			return err
		}
	}
	if !r.Measured {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s\n", outlook(r.Class()))
	return err
}

func natSheet(r natResult) report.Sheet {
	rows, why := natRows(r)
	s := report.Sheet{Title: "The NAT before this host", Columns: []string{"what", "value", "meaning"}, Rows: rows}
	if r.Measured {
		s.Summary = outlook(r.Class())
	}
	if why != "" {
		s.Rows = append(s.Rows, []string{"not told, and why", why, ""})
	}
	info := report.Gauge{Name: "nat_info", Help: "1, with what the NAT before this host is like.", Labels: []string{"udp", "mapping", "filtering"}}
	info.Add(1, string(r.UDP), string(r.Mapping), string(r.Filtering))
	reach := report.Gauge{Name: "nat_reach", Help: "Whether this host has a way out by a family, and reaches the server over TCP and over TLS on port 443. What could not be told has no series.", Labels: []string{"by"}}
	add := func(g *report.Gauge, yes *bool, label string) {
		if yes != nil {
			g.Add(number01(*yes), label)
		}
	}
	add(&reach, r.IPv4, "ipv4")
	add(&reach, r.IPv6, "ipv6")
	add(&reach, r.TCP, "tcp")
	add(&reach, r.TLS443, "tls443")
	s.Gauges = []report.Gauge{info, reach}
	if r.Gateway != nil {
		answers := report.Gauge{Name: "gateway_answers", Help: "Whether the default gateway answers a protocol by which it would open ports.", Labels: []string{"protocol"}}
		add(&answers, r.Gateway.UPnP.Answers, "upnp")
		add(&answers, r.Gateway.NATPMP.Answers, "nat-pmp")
		add(&answers, r.Gateway.PCP.Answers, "pcp")
		s.Gauges = append(s.Gauges, answers)
	}
	return s
}

// gatewayRows are the rows of the router; it gives why, with what the router adds to it.
func gatewayRows(row func(what, value, meaning string), r *gateway.Result, why string) string {
	add := func(what, more string) {
		switch {
		case more == "":
		case why == "":
			why = what + ": " + more
		default:
			why += "; " + what + ": " + more
		}
	}
	add("gateway", r.Why)
	if !r.Address.IsValid() {
		return why
	}
	row("gateway", r.Address.String(), "")
	for _, p := range []struct {
		name string
		gateway.Protocol
	}{{"upnp", r.UPnP}, {"nat-pmp", r.NATPMP}, {"pcp", r.PCP}} {
		var meaning []string
		if p.External.IsValid() {
			meaning = append(meaning, "its outer address is "+p.External.String())
		}
		if p.Maps != nil {
			meaning = append(meaning, map[bool]string{true: "opens ports", false: "opens no port"}[*p.Maps])
		}
		row(p.name, yesNo(p.Answers), strings.Join(meaning, "; "))
		add(p.name, p.Why)
	}
	return why
}

func yesNo(v *bool) string {
	switch {
	case v == nil:
		return "unknown"
	case *v:
		return "yes"
	}
	return "no"
}

func mappingMeans(m nat.Mapping) string {
	switch m {
	case nat.EIM:
		return "one outer port for all destinations"
	case nat.ADM:
		return "another outer port for each address"
	case nat.APDM:
		return "another outer port for each address and port: symmetric"
	case nat.MappingUnknown:
	}
	return ""
}

func filteringMeans(f nat.Filtering) string {
	switch f {
	case nat.EIF:
		return "anybody's packets come in through a port in use"
	case nat.ADF:
		return "packets come in from addresses that were sent to"
	case nat.APDF:
		return "packets come in from addresses and ports that were sent to"
	case nat.FilteringUnknown:
	}
	return ""
}

// outlook says with how many of the nine kinds of NAT there are a direct connection can be expected.
func outlook(c nat.Class) string {
	if c.UDPBlocked {
		return "Calls from here need a relay over TCP or TLS, whoever the other side is."
	}
	var direct, unsure int
	classes := nat.Classes()
	for _, other := range classes {
		switch nat.Predict(c, other) {
		case nat.Direct:
			direct++
		case nat.Unsure:
			unsure++
		case nat.Relayed:
		}
	}
	if unsure > 0 {
		return fmt.Sprintf("Calls from here can be expected to be direct with at least %d and at most %d of the %d kinds of NAT; the rest need a relay.", direct, direct+unsure, len(classes))
	}
	return fmt.Sprintf("Calls from here can be expected to be direct with %d of the %d kinds of NAT; the rest need a relay.", direct, len(classes))
}
