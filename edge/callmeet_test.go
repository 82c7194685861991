package edge_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// callers are two users who call each other, each with a device on several edges.
type callers struct {
	t        *testing.T
	ann, ben []*edgetest.Client
	random   *rand.Rand
	mayCross bool // the two may learn of each other's call only when it rings
	crossed  int
}

func newCallers(t *testing.T, m *edgetest.Mesh, pair int, seed uint64, mayCross bool) *callers {
	t.Helper()
	return &callers{
		t: t, ann: devices(t, m, fmt.Sprint("ann", pair)), ben: devices(t, m, fmt.Sprint("ben", pair)),
		random: rand.New(rand.NewPCG(seed, uint64(pair))), mayCross: mayCross,
	}
}

// round has a device of each call the other user, up to spread after each other, and checks what both are told.
func (p *callers) round(spread time.Duration) {
	t := p.t
	for _, c := range append(append([]*edgetest.Client{}, p.ann...), p.ben...) {
		edgetest.Must[wire.PingOK](c, wire.OpPing, wire.PingArgs{}) // some are not used for long, and who is silent is cut off
	}
	a, b := p.ann[p.random.IntN(len(p.ann))], p.ben[p.random.IntN(len(p.ben))]
	args := map[*edgetest.Client]wire.CallArgs{
		a: {To: b.Hello.User.ID, Media: wire.MediaVideo, Room: "ann's room"}, b: {To: a.Hello.User.ID, Media: wire.MediaAudio, Room: "ben's room"},
	}
	first, second := a, b
	if p.random.IntN(2) == 0 {
		first, second = b, a
	}
	one := first.Start(wire.OpCall, args[first])
	if spread > 0 {
		<-time.After(time.Duration(p.random.Int64N(int64(spread))))
	}
	two := second.Start(wire.OpCall, args[second])
	got1, got2 := edgetest.Answered(t, wire.OpCall, one), edgetest.Answered(t, wire.OpCall, two)
	if got1.Error != nil || got2.Error != nil {
		t.Fatalf("two who call each other got %v and %v", got1.Error, got2.Error)
	}
	call, other := decode[wire.CallOK](t, edgetest.Event{Raw: got1.OK}), decode[wire.CallOK](t, edgetest.Event{Raw: got2.OK})
	wantOKFirst(t, first, got1, call.Call)
	wantOKFirst(t, second, got2, other.Call)
	if call.Call != other.Call {
		if p.crossed++; !p.mayCross {
			t.Fatalf("two who call each other have the call %s in %s and %s in %s", call.Call, call.Room, other.Call, other.Room)
		}
		// Each has been rung by the other's: the greater gives way.
		loser, lost := second, other
		if call.Call > other.Call {
			loser, lost, call = first, call, other
		}
		awaitCall(loser, lost.Call, wire.CallCancelled)
	} else if call.Room != other.Room {
		t.Fatalf("one call happens in %s and in %s", call.Room, other.Room)
	}
	if call.Room != "ann's room" && call.Room != "ben's room" {
		t.Fatalf("the call happens in %q", call.Room)
	}
	for c, peer := range map[*edgetest.Client]*edgetest.Client{a: b, b: a} {
		if ev := awaitCall(c, call.Call, wire.CallAccepted); ev.By != peer.Peer() {
			t.Fatalf("%s is told that %s accepted, want %s", c.Peer(), ev.By, peer.Peer())
		}
	}
	edgetest.Must[wire.Empty](second, wire.OpHangup, wire.HangupArgs{Call: call.Call})
	awaitCall(first, call.Call, wire.CallEnded)
}

// wantOKFirst checks that a caller was told nothing of how a call went before the ok that names it. A ring may have come long before.
func wantOKFirst(t *testing.T, c *edgetest.Client, got edgetest.Answer, id wire.CallID) {
	t.Helper()
	for i, e := range c.Events("") {
		if e.Ev == wire.EvCall && i < got.After && decode[wire.CallEvent](t, e).Call == id {
			t.Errorf("before the ok of call came %s", e.Raw)
		}
	}
}

// lastOf is what a device was told last of a call.
func lastOf(t *testing.T, c *edgetest.Client, id wire.CallID) (last edgetest.Event) {
	t.Helper()
	for _, e := range c.Events("") {
		if decode[struct{ Call wire.CallID }](t, e).Call == id {
			last = e
		}
	}
	return last
}

// check looks at all that was told in all rounds: of every call that anybody heard of, both callers that it was accepted, one of them that it
// ended, and whoever was rung that it was taken.
func (p *callers) check(rounds int) {
	t := p.t
	told := make(map[wire.CallID]map[wire.CallState]int)
	for _, c := range append(append([]*edgetest.Client{}, p.ann...), p.ben...) {
		rung := make(map[wire.CallID]int)
		for _, e := range c.Events(wire.EvRing) {
			rung[decode[wire.RingEvent](t, e).Call]++
		}
		for id, times := range rung {
			edgetest.Eventually(t, "a ring that ends", func() bool { return callEvents(t, c, id) != "" })
			states := callEvents(t, c, id)
			if last := lastOf(t, c, id); last.Ev == wire.EvRing {
				t.Errorf("a device still rings: %s", last.Raw)
			}
			if times != 1 || states != "taken" && states != "cancelled" && !strings.HasPrefix(states, "accepted") {
				t.Errorf("a device was rung %d times for %s, and then told %q", times, id, states)
			}
		}
		for _, e := range c.Events(wire.EvCall) {
			ev := decode[wire.CallEvent](t, e)
			if told[ev.Call] == nil {
				told[ev.Call] = make(map[wire.CallState]int)
			}
			told[ev.Call][ev.State]++
		}
	}
	stood := 0
	for id, states := range told {
		others := len(states) - 2
		if states[wire.CallTaken] > 0 {
			others--
		}
		switch {
		case p.mayCross && len(states) == 1 && states[wire.CallCancelled] > 0: // it gave way
		case states[wire.CallAccepted] != 2 || states[wire.CallEnded] != 1 || others != 0:
			t.Errorf("of %s everybody together was told %v", id, states)
		default:
			stood++
		}
	}
	if stood != rounds {
		t.Errorf("%d rounds came to %d calls", rounds, stood)
	}
}

// meetAll runs rounds of several pairs at once.
func meetAll(t *testing.T, m *edgetest.Mesh, pairs, rounds int, spread time.Duration, mayCross bool) (crossed int) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var wg sync.WaitGroup
	var all []*callers
	for pair := range pairs {
		p := newCallers(t, m, pair, seed, mayCross)
		all = append(all, p)
		wg.Go(func() {
			for i := range rounds {
				p.round(time.Duration(i%3) * spread / 2) // at once, closely after each other, and so that one may be ringing
			}
			p.check(rounds)
		})
	}
	wg.Wait()
	for _, p := range all {
		crossed += p.crossed
	}
	t.Logf("%d of %d crossed", crossed, pairs*rounds)
	return crossed
}

func TestTwoWhoCallEachOtherHaveOneCall(t *testing.T) {
	meetAll(t, oneNode(t, 3), 6, 50, 4*time.Millisecond, false)
}

func TestTwoWhoCallEachOtherInAClusterHaveOneCall(t *testing.T) {
	c := bustest.Cluster(t, 3)
	meetAll(t, edgetest.Start(t, "eu", []string{c.URL(0), c.URL(1), c.URL(2)}, replicas(3)), 4, 20, 20*time.Millisecond, false)
}

func TestTwoInTwoRegionsWhoCallEachOtherHaveOneCall(t *testing.T) {
	m := edgeInEach(t)
	m.Add("eu", m.super.Region("eu").URL(0)) // who answers first is not always in the other region
	m.Await()
	m.super.Far(15 * time.Millisecond)
	if crossed := meetAll(t, m.Mesh, 10, 21, 150*time.Millisecond, true); crossed > 21 {
		t.Errorf("%d of 210 crossed, want few: a machine that stands still may have them", crossed)
	}
}

// TestTwoFarApartWhoCallEachOtherHaveOneCall puts the regions so far apart that their edges don't answer in time whether they hold the callee.
func TestTwoFarApartWhoCallEachOtherHaveOneCall(t *testing.T) {
	m := edgeInEach(t)
	m.super.Far(150 * time.Millisecond)
	if meetAll(t, m.Mesh, 6, 5, 0, true) == 0 {
		t.Error("no calls crossed, so nothing was tested")
	}
}

// TestToCallWhoIsCallingIsToAnswer: whoever calls back instead of answering has answered, on whichever device.
func TestToCallWhoIsCallingIsToAnswer(t *testing.T) {
	m := oneNode(t, 3)
	ann, ben := edgetest.Connect(t, m.Edges[0], "ann"), devices(t, m, "ben")
	call := ring(t, ann, "ben", ben)
	back := edgetest.Must[wire.CallOK](ben[1], wire.OpCall, wire.CallArgs{To: "ann", Media: wire.MediaAudio})
	if back.Call != call.Call || back.Room != call.Room {
		t.Errorf("calling back gave %+v, the call is %+v", back, call)
	}
	if ev := awaitCall(ann, call.Call, wire.CallAccepted); ev.By != ben[1].Peer() {
		t.Errorf("accepted by %q, want %q", ev.By, ben[1].Peer())
	}
	wantError(t, "a late answer", answer(ben[0], call.Call, true, ""), wire.CodeTaken, "the call was answered on another device")
	if a := answer(ben[1], call.Call, true, ""); a.Error != nil {
		t.Errorf("the answer of who has called back: %v", a.Error)
	}
	edgetest.Must[wire.Empty](ann, wire.OpHangup, wire.HangupArgs{Call: call.Call})
	wantCalls(t, call.Call, map[*edgetest.Client]string{ann: "accepted", ben[0]: "taken", ben[1]: "accepted ended", ben[2]: "taken"})
	if got := edgetest.Connect(t, m.Edges[0], "ben").Hello.Missed; len(got) != 0 {
		t.Errorf("a call that was answered is kept as missed: %+v", got)
	}

	// What is over is not called back: it is another call, which rings.
	again := edgetest.Must[wire.CallOK](ben[0], wire.OpCall, wire.CallArgs{To: "ann", Media: wire.MediaAudio})
	edgetest.Await(ann, wire.EvRing, func(e wire.RingEvent) bool { return e.Call == again.Call })
	if again.Call == call.Call {
		t.Error("a call that has ended was called back")
	}
	// Nor does a call of the same direction become one with it.
	third := edgetest.Must[wire.CallOK](ben[1], wire.OpCall, wire.CallArgs{To: "ann", Media: wire.MediaAudio})
	if third.Call == again.Call {
		t.Error("two calls of the same direction became one")
	}
}
