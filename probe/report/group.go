package report

import (
	"cmp"
	"fmt"
	"slices"

	"callmesh/bus/wire"
	"callmesh/probe/nat"
)

// Dimension is what the two ends of an attempt are told apart by.
type Dimension string

// The dimensions.
const (
	ByRegion  Dimension = "region"
	ByNAT     Dimension = "nat"
	ByNetwork Dimension = "network"
)

// Dimensions lists all of them.
func Dimensions() []Dimension { return []Dimension{ByRegion, ByNAT, ByNetwork} }

// unknown is the label of what nobody said.
const unknown = "unknown"

// Group is a matrix: what came of attempts between any two labels, in each mode.
type Group struct {
	By     Dimension `json:"by"`
	Labels []string  `json:"labels"`
	Cells  []Cell    `json:"cells"`
}

// Cell is what came of attempts between A and B, in no order, in one mode.
type Cell struct {
	A    string             `json:"a"`
	B    string             `json:"b"`
	Mode wire.TraversalMode `json:"mode"`
	Tally
	// MedianMs is to the open channel, of those that connected; 0 without any.
	MedianMs int64 `json:"medianMs,omitempty"`
}

func (o Options) dimensions(source wire.TraversalSource) []Dimension {
	var list []Dimension
	for _, d := range Dimensions() {
		if len(o.Group) > 0 && !slices.Contains(o.Group, d) || d == ByNAT && source == wire.SourceCall {
			continue
		}
		list = append(list, d)
	}
	return list
}

// label is what an end is called in a dimension.
func (d Dimension) label(e wire.TraversalEnd) string {
	switch d {
	case ByNAT:
		return classOf(e).String()
	case ByNetwork:
		return networkOf(e)
	case ByRegion:
	}
	return cmp.Or(string(e.Region), unknown)
}

func classOf(e wire.TraversalEnd) nat.Class {
	return nat.Class{Mapping: nat.Mapping(e.Mapping), Filtering: nat.Filtering(e.Filtering), UDPBlocked: e.UDPBlocked}
}

func networkOf(e wire.TraversalEnd) string {
	if e.Network == "" && e.ASN > 0 {
		return fmt.Sprintf("AS%d", e.ASN)
	}
	return cmp.Or(e.Network, unknown)
}

func ordered(a, b string) [2]string {
	if a > b {
		a, b = b, a
	}
	return [2]string{a, b}
}

func makeGroup(d Dimension, attempts []wire.Traversal) Group {
	type key struct {
		ends [2]string
		mode int
	}
	cells, labels := map[key][]wire.Traversal{}, map[string]bool{}
	for _, a := range attempts {
		ends := ordered(d.label(a.Ends[0]), d.label(a.Ends[1]))
		k := key{ends, slices.Index(modes, a.Mode)}
		cells[k] = append(cells[k], a)
		labels[ends[0]], labels[ends[1]] = true, true
	}
	g := Group{By: d, Labels: sorted(labels)}
	if d == ByNAT {
		slices.SortStableFunc(g.Labels, func(a, b string) int { return cmp.Compare(openness(a), openness(b)) })
	}
	for k, of := range cells {
		a, b := k.ends[0], k.ends[1]
		if slices.Index(g.Labels, a) > slices.Index(g.Labels, b) {
			a, b = b, a
		}
		g.Cells = append(g.Cells, Cell{A: a, B: b, Mode: modes[k.mode], Tally: tallyOf(of), MedianMs: timesOf(of).P50})
	}
	slices.SortFunc(g.Cells, func(a, b Cell) int {
		return cmp.Or(cmp.Compare(slices.Index(modes, a.Mode), slices.Index(modes, b.Mode)),
			cmp.Compare(slices.Index(g.Labels, a.A), slices.Index(g.Labels, b.A)), cmp.Compare(slices.Index(g.Labels, a.B), slices.Index(g.Labels, b.B)))
	})
	return g
}

// openness ranks a class of NAT from the most open to the strictest, no UDP behind these, and what is not known behind all.
func openness(label string) int {
	classes := append(nat.Classes(), nat.Class{UDPBlocked: true})
	for i, c := range classes {
		if c.String() == label {
			return i
		}
	}
	return len(classes)
}
