package edge

import (
	"maps"
	"slices"
	"testing"
	"time"

	"callmesh/bus/wire"
)

// What was heard past a hole, and what no stream has taken, stands before what the streams have after it: it neither comes later, nor is the hole open for ever.
func TestWhatNoStreamTookGoesOnBeforeWhatFollowed(t *testing.T) {
	r, source, now := bareRoom(), wire.NewSource(), time.Now()
	var got []uint64
	r.onEvent = func(env *wire.Envelope) { got = append(got, env.N) }
	s := r.seq.of(source, "there", now)
	s.known, s.applied = true, 3
	r.filling = true // by the test
	r.takeLocked(try(source, 5, "there", now))
	r.takeStoredLocked([]wire.Envelope{*try(source, 6, "there", now)}, now.Add(-time.Minute), r.restoreLocked)
	if s.hole() {
		t.Errorf("%d is held though %d went on", slices.Collect(maps.Keys(s.held)), s.applied)
	}
	for range 2 { // the hole is given up once it has been one for long enough
		r.giveUpLocked(nil)
		s.missing = now.Add(-2 * fillPatience)
	}
	r.giveUpLocked(nil)
	r.takeStoredLocked([]wire.Envelope{*try(source, 6, "there", now)}, now.Add(-time.Minute), r.restoreLocked)
	r.takeLocked(try(source, 7, "there", now))
	if want := []uint64{5, 6, 7}; !slices.Equal(got, want) || s.applied != 7 {
		t.Errorf("got %d, up to %d, want %d", got, s.applied, want)
	}
}
