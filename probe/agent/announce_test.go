package agent

import (
	"testing"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// Who has the name is there if it says so once more where it did before. What one that has crashed has left in two regions' buckets, as its own region went and came, is not that.
func TestWhoHasTheNameSpeaks(t *testing.T) {
	held := func(run wire.PeerID, region wire.Region, seq uint64) *bus.HeldError {
		return &bus.HeldError{Holder: wire.Agent{Run: run}, Region: region, Seq: seq}
	}
	for name, c := range map[string]struct {
		before, now *bus.HeldError
		want        bool
	}{
		"at first":       {nil, held("a", "eu", 7), false},
		"nothing new":    {held("a", "eu", 7), held("a", "eu", 7), false},
		"it speaks":      {held("a", "eu", 7), held("a", "eu", 9), true},
		"a copy behind":  {held("a", "eu", 7), held("a", "eu", 6), false},
		"in two regions": {held("a", "eu", 7), held("a", "us", 9), false},
		"another has it": {held("a", "eu", 7), held("b", "eu", 9), false},
	} {
		if got := spoke(c.before, c.now); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
