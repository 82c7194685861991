package report

import (
	"fmt"
	"slices"
	"strings"

	"callmesh/bus/wire"
)

// grid is a table with a line for each key and a column for each mode.
type grid struct {
	titles []string
	keys   [][]string
	cells  map[string]map[wire.TraversalMode]string // by joined key
}

func newGrid(titles ...string) *grid {
	return &grid{titles: titles, cells: map[string]map[wire.TraversalMode]string{}}
}

func (g *grid) put(m wire.TraversalMode, t Tally, key ...string) {
	joined := strings.Join(key, "\x00")
	if g.cells[joined] == nil {
		g.cells[joined] = map[wire.TraversalMode]string{}
		g.keys = append(g.keys, key)
	}
	g.cells[joined][m] = fmt.Sprintf("%s %s %d", t.Rate.percent(), t.Rate.span(), t.Tried())
	if t.Tried() == 0 {
		g.cells[joined][m] = none
	}
}

// write leaves out modes for which there is no room, those of relays first, and says so.
func (g *grid) write(b *strings.Builder, width int) {
	if len(g.titles) == 1 { // times; labels keep their order, as NATs have one of their own
		slices.SortFunc(g.keys, slices.Compare[[]string])
	}
	titles := slices.Clone(g.titles)
	var spare []int
	for _, m := range []wire.TraversalMode{wire.ModeRelayTCP, wire.ModeRelayTLS, wire.ModeRelayUDP, wire.ModeAll} {
		spare = append(spare, len(titles)+slices.Index(modes, m))
	}
	for _, m := range modes {
		titles = append(titles, string(m))
	}
	t := newTable(titles...).drop(spare...)
	for _, key := range g.keys[:min(len(g.keys), mostRows)] {
		line := slices.Clone(key)
		for _, m := range modes {
			line = append(line, g.cells[strings.Join(key, "\x00")][m])
		}
		t.row(line...)
	}
	left := t.write(b, width)
	if len(g.keys) > mostRows {
		left = append(left, fmt.Sprintf("%d more lines", len(g.keys)-mostRows))
	}
	if len(left) > 0 {
		fmt.Fprintf(b, "%s\n", wrap("Not shown: "+strings.Join(left, ", ")+". CSV and JSON have everything.", width))
	}
}
