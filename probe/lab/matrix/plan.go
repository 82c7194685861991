// Package matrix tries every pair of a laboratory's sites, directly and by relays, and holds what came of it against what was predicted.
package matrix

import (
	"callmesh/bus/wire"
	"callmesh/probe/lab"
	"callmesh/probe/nat"
)

// Cell is one pair of kinds in one mode: what was predicted, and what came of it.
type Cell struct {
	A    lab.Kind           `json:"a"`
	B    lab.Kind           `json:"b"`
	Mode wire.TraversalMode `json:"mode"`
	// OneSite says that both are hosts behind the same NAT.
	OneSite bool `json:"oneSite,omitempty"`
	// Connects is the prediction, and Because its reason.
	Connects bool   `json:"predicted"`
	Because  string `json:"because"`
	// What came of it: whether both sides connected, and both sides' outcomes.
	Connected bool         `json:"measured"`
	Sides     [2]*SideEnds `json:"sides"`
	Agrees    bool         `json:"agrees"`
	// Tries is how many attempts it took: one, but for sites that lose packets.
	Tries int `json:"tries"`
	// Why explains a difference, or says why nothing could be measured.
	Why string `json:"why,omitempty"`
}

// SideEnds is what an attempt came to as one side sees it.
type SideEnds struct {
	wire.Outcome
	Loss float64 `json:"loss"`
}

// Plan is every pair of the kinds, each with itself too, in every mode; and the two hosts of those that have two.
func Plan(kinds []lab.Kind, modes []wire.TraversalMode) []Cell {
	var cells []Cell
	for _, m := range modes {
		for i, a := range kinds {
			for _, b := range kinds[i:] {
				cells = append(cells, predicted(Cell{A: a, B: b, Mode: m}))
			}
			if a.TwoHosts() {
				cells = append(cells, predicted(Cell{A: a, B: a, Mode: m, OneSite: true}))
			}
		}
	}
	return cells
}

func predicted(c Cell) Cell {
	if c.Mode == wire.ModeDirect {
		c.Connects, c.Because = direct(c)
		return c
	}
	c.Connects, c.Because = true, "both reach the relay"
	if c.Mode == wire.ModeAll {
		return c
	}
	for _, k := range []lab.Kind{c.A, c.B} {
		if why := unreached(k, c.Mode); why != "" {
			c.Connects, c.Because = false, string(k)+" "+why
		}
	}
	return c
}

func direct(c Cell) (connects bool, because string) {
	a, b := c.A.Class(), c.B.Class()
	switch {
	case c.OneSite && c.A.Hairpins():
		return true, "one NAT, which hairpins"
	case c.OneSite:
		return false, "one NAT, which does not hairpin, and no other way between the two"
	case c.A.IPv6() != c.B.IPv6():
		return false, "no family of addresses in common"
	case nat.Predict(a, b) == nat.Direct:
		return true, a.String() + " with " + b.String() + " punches"
	}
	return false, a.String() + " with " + b.String() + " does not punch"
}

// unreached is why a kind does not reach a relay in a mode; empty if it does.
func unreached(k lab.Kind, m wire.TraversalMode) string {
	switch m {
	case wire.ModeRelayUDP:
		if k.Class().UDPBlocked {
			return "has no UDP"
		}
		if k.IPv6() {
			return "has only IPv6, by which Pion's ICE asks no relay over UDP"
		}
	case wire.ModeRelayTCP:
		if !k.TCP() {
			return "has no TCP but TLS on 443"
		}
	case wire.ModeRelayTLS, wire.ModeDirect, wire.ModeAll:
	}
	return ""
}

// judge enters what came of a cell, as its two sides say.
func (c *Cell) judge() {
	a, b := c.Sides[0], c.Sides[1]
	if a == nil || b == nil {
		return
	}
	c.Connected = a.Result == wire.ResultConnected && b.Result == wire.ResultConnected
	c.Agrees = c.Connected == c.Connects
	for _, s := range c.Sides {
		relayed := s.Path == wire.PathRelay
		if c.Connected && c.Mode != wire.ModeAll && relayed == (c.Mode == wire.ModeDirect) {
			c.Agrees, c.Why = false, "the path is "+string(s.Path)+", which the mode does not allow"
		}
	}
	if c.Agrees || c.Why != "" {
		return
	}
	c.Why = c.explain()
}

// mayBeLoss reports whether an attempt failed that was to connect, over a site that loses packets.
func (c *Cell) mayBeLoss() bool {
	return c.Connects && !c.Connected && (c.A == lab.Lossy || c.B == lab.Lossy)
}

// explain says what speaks for a difference between the prediction and what came.
func (c *Cell) explain() string {
	a, b := c.Sides[0], c.Sides[1]
	switch {
	case c.Connected:
		return "connected by " + string(a.Path) + " and " + string(b.Path) + ", though " + c.Because
	case (a.Result == wire.ResultConnected) != (b.Result == wire.ResultConnected):
		return "one side connected and the other gave up: an answer was lost or came too late"
	case c.A == lab.Lossy || c.B == lab.Lossy:
		return "a tenth of all packets is lost on the way: failed at " + string(a.Step)
	}
	return "failed at " + string(a.Step) + " and " + string(b.Step) + ", though " + c.Because
}

// Unreachable are the pairs that no mode of those tried connected, though a path exists: both sites reach a relay over TLS.
func Unreachable(cells []Cell) []Cell {
	type pair struct {
		a, b lab.Kind
		one  bool
	}
	last := map[pair]Cell{}
	connected := map[pair]bool{}
	for _, c := range cells {
		p := pair{c.A, c.B, c.OneSite}
		last[p] = c
		connected[p] = connected[p] || c.Connected
	}
	var none []Cell
	for _, c := range cells {
		if p := (pair{c.A, c.B, c.OneSite}); !connected[p] && last[p].Mode == c.Mode {
			none = append(none, c)
		}
	}
	return none
}
