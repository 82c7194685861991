package edge

import (
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// Where edges come and go all the time, one of them is always lost. What this edge may have missed of those is no older than each one's silence: keys that
// named the time before the first would soon ask for more than the streams keep.
func TestAnEdgeIsWholeButForThoseThatAreLost(t *testing.T) {
	now := time.Now()
	e := &Edge{good: now, lost: map[wire.EdgeID]time.Time{"a": now.Add(-3 * time.Second), "b": now.Add(-20 * time.Second)}}
	if got, want := e.wholeSince(), now.Add(-20*time.Second-clockMargin); !got.Equal(want) {
		t.Errorf("with two lost it is whole up to %s ago, want %s", now.Sub(got), now.Sub(want))
	}
	e.meshing.Store(true) // its reading back begins later
	unheard := now.Add(-25 * time.Second)
	e.edgeFound(bus.Lease{Edge: "b", Unheard: unheard})
	if got := e.wholeSince(); !got.Equal(unheard) || e.missing != unheard {
		t.Errorf("with one found it is whole up to %s ago, and reads back %s", now.Sub(got), now.Sub(e.missing))
	}
	e.edgeFound(bus.Lease{Edge: "a", Unheard: now.Add(-time.Hour)})
	if got := time.Since(e.wholeSince()); got > bus.ReplayAge-2*clockMargin {
		t.Errorf("a key says that what is %s old may be missing, which no resume could read", got)
	}
}
