package matrix

import (
	"strings"
	"testing"

	"callmesh/bus/wire"
	"callmesh/probe/lab"
)

func TestPlan(t *testing.T) {
	kinds := lab.Kinds()
	cells := Plan(kinds, []wire.TraversalMode{wire.ModeDirect, wire.ModeRelayTLS})
	pairs := len(kinds)*(len(kinds)+1)/2 + 2
	if len(cells) != 2*pairs {
		t.Errorf("%d cells, want twice %d", len(cells), pairs)
	}
	for _, c := range cells {
		if c.Because == "" {
			t.Errorf("%+v has no reason", c)
		}
		if c.Mode == wire.ModeRelayTLS && !c.Connects {
			t.Errorf("%s with %s: a relay over TLS is reached from everywhere", c.A, c.B)
		}
	}
}

func TestPredictions(t *testing.T) {
	for name, c := range map[string]struct {
		cell Cell
		want bool
	}{
		"cones":                            {Cell{A: lab.EIMAPDF, B: lab.CGN, Mode: wire.ModeDirect}, true},
		"a cone and a symmetric one":       {Cell{A: lab.EIMAPDF, B: lab.APDMKeep, Mode: wire.ModeDirect}, false},
		"one NAT that hairpins":            {Cell{A: lab.Hairpin, B: lab.Hairpin, OneSite: true, Mode: wire.ModeDirect}, true},
		"one NAT that does not":            {Cell{A: lab.NoHairpin, B: lab.NoHairpin, OneSite: true, Mode: wire.ModeDirect}, false},
		"two families":                     {Cell{A: lab.Open, B: lab.IPv6Only, Mode: wire.ModeDirect}, false},
		"IPv6":                             {Cell{A: lab.IPv6Only, B: lab.IPv6Only, Mode: wire.ModeDirect}, true},
		"no UDP":                           {Cell{A: lab.Open, B: lab.UDPBlocked, Mode: wire.ModeDirect}, false},
		"no UDP, by a relay over UDP":      {Cell{A: lab.Open, B: lab.UDPBlocked, Mode: wire.ModeRelayUDP}, false},
		"no UDP, by a relay over TCP":      {Cell{A: lab.Open, B: lab.UDPBlocked, Mode: wire.ModeRelayTCP}, true},
		"only TLS, by a relay over TCP":    {Cell{A: lab.TLSOnly, B: lab.Open, Mode: wire.ModeRelayTCP}, false},
		"only TLS, by a relay over TLS":    {Cell{A: lab.TLSOnly, B: lab.UDPBlocked, Mode: wire.ModeRelayTLS}, true},
		"whatever ICE chooses, everywhere": {Cell{A: lab.TLSOnly, B: lab.UDPBlocked, Mode: wire.ModeAll}, true},
	} {
		if got := predicted(c.cell); got.Connects != c.want {
			t.Errorf("%s: %t, since %s", name, got.Connects, got.Because)
		}
	}
}

func TestJudge(t *testing.T) {
	connected := func(p wire.PathKind) *SideEnds {
		return &SideEnds{Outcome: wire.Outcome{Result: wire.ResultConnected, Path: p}}
	}
	failed := &SideEnds{Outcome: wire.Outcome{Result: wire.ResultFailed, Step: wire.StepCheck}}
	for name, c := range map[string]struct {
		cell   Cell
		agrees bool
		why    string
	}{
		"as predicted":               {Cell{Mode: wire.ModeDirect, Connects: true, Sides: [2]*SideEnds{connected(wire.PathSrflx), connected(wire.PathPrflx)}}, true, ""},
		"a failure as predicted":     {Cell{Mode: wire.ModeDirect, Sides: [2]*SideEnds{failed, failed}}, true, ""},
		"direct, but by a relay":     {Cell{Mode: wire.ModeDirect, Connects: true, Sides: [2]*SideEnds{connected(wire.PathRelay), connected(wire.PathRelay)}}, false, "does not allow"},
		"a relay, but direct":        {Cell{Mode: wire.ModeRelayTCP, Connects: true, Sides: [2]*SideEnds{connected(wire.PathHost), connected(wire.PathRelay)}}, false, "does not allow"},
		"better than predicted":      {Cell{Mode: wire.ModeDirect, Sides: [2]*SideEnds{connected(wire.PathHost), connected(wire.PathHost)}}, false, "connected by host"},
		"one side only":              {Cell{Mode: wire.ModeDirect, Connects: true, Sides: [2]*SideEnds{connected(wire.PathHost), failed}}, false, "the other gave up"},
		"a lossy site":               {Cell{A: lab.Lossy, Mode: wire.ModeDirect, Connects: true, Sides: [2]*SideEnds{failed, failed}}, false, "lost on the way"},
		"a failure not as predicted": {Cell{Mode: wire.ModeDirect, Connects: true, Because: "x", Sides: [2]*SideEnds{failed, failed}}, false, "failed at check and check, though x"},
		"not measured":               {Cell{Mode: wire.ModeDirect, Sides: [2]*SideEnds{failed, nil}}, false, ""},
	} {
		c.cell.judge()
		if c.cell.Agrees != c.agrees || !strings.Contains(c.cell.Why, c.why) {
			t.Errorf("%s: agrees %t, %q", name, c.cell.Agrees, c.cell.Why)
		}
	}
}

// Only a site that loses packets is a reason to try again what did not connect.
func TestMayBeLoss(t *testing.T) {
	for _, c := range []struct {
		cell Cell
		want bool
	}{
		{Cell{A: lab.Lossy, B: lab.Open, Connects: true}, true},
		{Cell{A: lab.Open, B: lab.Lossy, Connects: true}, true},
		{Cell{A: lab.Lossy, B: lab.Open, Connects: true, Connected: true}, false},
		{Cell{A: lab.Lossy, B: lab.TLSOnly}, false},
		{Cell{A: lab.Open, B: lab.CGN, Connects: true}, false},
	} {
		if got := c.cell.mayBeLoss(); got != c.want {
			t.Errorf("%+v: %t", c.cell, got)
		}
	}
}

func TestUnreachable(t *testing.T) {
	cells := []Cell{
		{A: lab.Open, B: lab.TLSOnly, Mode: wire.ModeDirect},
		{A: lab.Open, B: lab.TLSOnly, Mode: wire.ModeRelayTLS, Connected: true},
		{A: lab.Open, B: lab.CGN, Mode: wire.ModeDirect},
		{A: lab.Open, B: lab.CGN, Mode: wire.ModeRelayTLS},
	}
	if got := Unreachable(cells); len(got) != 1 || got[0].B != lab.CGN {
		t.Errorf("%+v", got)
	}
}
