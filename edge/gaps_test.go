package edge

import (
	"testing"
	"time"

	"callmesh/bus/wire"
)

// A message that neither a stream took nor anybody heard is sent again with its key, through the same edge. Who has heard that edge go on meanwhile, and missed the
// second try, has it from the streams; who did hear the first has it not.
func TestASecondTryIsMissedByWhoWasNotGivenTheFirst(t *testing.T) {
	source, now := wire.NewSource(), time.Now()
	for name, heard := range map[string]bool{"the first was lost": false, "the first was heard": true} {
		for how, lost := range map[string]func(*room, *sourceState){
			"the streams have what follows": func(r *room, _ *sourceState) {
				next := try(source, 5, "there", now)
				next.Key = nil
				r.takeStoredLocked([]wire.Envelope{*next}, now.Add(-time.Minute), r.restoreLocked)
			},
			"it is given up": func(r *room, s *sourceState) {
				s.missing = now.Add(-2 * fillPatience)
				r.giveUpLocked(nil)
			},
		} {
			r := bareRoom()
			r.onEvent, r.filling = func(*wire.Envelope) {}, true
			s := r.seq.of(source, "there", now)
			s.known, s.applied, s.wanted = true, 3, 5
			if heard {
				r.takeLocked(try(source, 4, "there", now))
			}
			lost(r, s)
			if s.applied != 5 {
				t.Fatalf("%s, %s: it went on to %d, want 5", name, how, s.applied)
			}
			c := &catchUp{
				s: &session{peer: "bob"}, base: map[wire.Source]uint64{source: 5}, through: make(map[wire.Source]uint64),
				repeated: make(map[string]bool), heard: make(map[string]bool), gaps: r.gapsOfLocked(&member{}, maxGaps),
			}
			again := try(source, 6, "there", now)
			again.First, again.Body = wire.Mid{Source: source, N: 4}, []byte("{}")
			if frame, _ := c.take(r.scope, again); (frame == nil) != heard {
				t.Errorf("%s, %s: the second try is given to the session: %t", name, how, frame != nil)
			}
		}
	}
}

// Gaps are the member's own: of those from before it came here it is told by its key.
func TestGapsAreOfTheMember(t *testing.T) {
	r, now := bareRoom(), time.Now().UnixMilli()
	r.passOverLocked(wire.NewSource(), 3, 4) // nothing is between
	r.gaps = append(r.gaps, gap{From: 1, To: 1, At: now - 1000}, gap{From: 2, To: 2, At: now})
	m := &member{came: now, gaps: []gap{{From: 3, To: 3, At: now - 2000}, {From: 4, To: 4, At: now - time.Hour.Milliseconds()}}}
	if got := r.gapsOfLocked(m, maxGaps); len(got) != 2 || got[0].From != 3 || got[1].From != 2 {
		t.Errorf("got %v, want those from 3 and 2", got)
	}
	for n := range 2 * maxGaps {
		r.passOverLocked(wire.NewSource(), 0, uint64(n)+2)
	}
	if got := r.gapsOfLocked(m, maxGaps); len(r.gaps) != maxGaps || len(got) != maxGaps {
		t.Errorf("%d are remembered, %d are told, want %d", len(r.gaps), len(got), maxGaps)
	}
}
