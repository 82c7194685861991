package edge

import (
	"testing"
	"time"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
)

// A room knows how far the one before the last had heard, though the last was left before it opened, and also what it heard only when it gave up what was
// missing before that.
func TestRecall(t *testing.T) {
	e := insideEdge(t, bustest.Cluster(t, 1).URL(0), nil)
	rooms := [3]*room{newRoom(e, "lobby"), newRoom(e, "lobby"), newRoom(e, "lobby")}
	rooms[1].before, rooms[2].before = closedRoom{room: rooms[0]}, closedRoom{room: rooms[1]}
	now := time.Now()
	late, old := wire.NewSource(), wire.NewSource()
	s := rooms[0].seq.of(late, "another", now.Add(-clockMargin-time.Second))
	s.begin(4, now.Add(-clockMargin-time.Second).UnixMilli(), true)
	rooms[0].seq.accept(&wire.Envelope{Source: late, N: 6, At: now.UnixMilli()}, now)
	if rest := s.giveUp(); len(rest) != 1 {
		t.Fatalf("past the hole there are %v", rest)
	}
	rooms[0].seq.of(old, "another", now.Add(-clockMargin-time.Second)).begin(4, now.Add(-clockMargin-time.Second).UnixMilli(), true)
	rooms[2].recall()
	if got := rooms[2].past[late].n; got != 6 {
		t.Errorf("it was heard up to 6, and the room knows %d", got)
	}
	if got, ok := rooms[2].past[old]; ok {
		t.Errorf("a source that was silent for long is remembered: %+v", got)
	}
}
