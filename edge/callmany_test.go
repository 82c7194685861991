package edge_test

import (
	"fmt"
	"sync"
	"testing"

	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// TestFirstAnswerWinsAThousandTimes has three devices on three edges answer at once, in a thousand rounds.
func TestFirstAnswerWinsAThousandTimes(t *testing.T) {
	const users, rounds = 20, 50
	m := oneNode(t, 3, limited(func(l *edge.Limits) { l.CallRate, l.CallBurst = 1000, 1000 }))
	var wg sync.WaitGroup
	for u := range users {
		callee := fmt.Sprint("ben", u)
		ann, ben := edgetest.Connect(t, m.Edges[u%3], fmt.Sprint("ann", u)), devices(t, m, callee)
		wg.Go(func() {
			want := make(map[*edgetest.Client]map[wire.CallID]string)
			for _, c := range append(ben, ann) {
				want[c] = make(map[wire.CallID]string)
			}
			for round := range rounds {
				id, state, winner := answerAtOnce(t, ann, ben, round)
				want[ann][id] = string(state)
				for _, d := range ben {
					if want[d][id] = "taken"; d == winner {
						want[d][id] = ""
					}
				}
			}
			for c, calls := range want { // at the end, so that nothing comes twice later either
				edgetest.Eventually(t, "all that is told", func() bool { return len(c.Events(wire.EvCall)) >= len(calls)-count(calls, "") })
				told := make(map[wire.CallID]string)
				for _, e := range c.Events(wire.EvCall) {
					ev := decode[wire.CallEvent](t, e)
					told[ev.Call] += string(ev.State)
				}
				for id, states := range calls {
					if told[id] != states {
						t.Errorf("%s on %s was told %q of %s, want %q", c.Hello.User.ID, c.Hello.Edge, told[id], id, states)
					}
				}
			}
		})
	}
	wg.Wait()
}

func count(calls map[wire.CallID]string, states string) (n int) {
	for _, s := range calls {
		if s == states {
			n++
		}
	}
	return n
}

// answerAtOnce rings all devices, has all of them answer, and returns what the caller was told and whose answer got ok.
func answerAtOnce(t *testing.T, ann *edgetest.Client, ben []*edgetest.Client, round int) (wire.CallID, wire.CallState, *edgetest.Client) {
	t.Helper()
	call := ring(t, ann, ben[0].Hello.User.ID, ben)
	answers := make([]<-chan edgetest.Answer, len(ben))
	for i := range ben {
		n := (round + i) % len(ben) // another one goes first in each round
		answers[n] = ben[n].Start(wire.OpAnswer, wire.AnswerArgs{Call: call.Call, Accept: (round+i)%4 != 0})
	}
	var winner *edgetest.Client
	for n, ch := range answers {
		switch a := edgetest.Answered(t, wire.OpAnswer, ch); {
		case a.Error != nil:
			wantError(t, "a loser", a, wire.CodeTaken, "")
		case winner != nil:
			t.Errorf("round %d: two answers got ok", round)
		default:
			winner = ben[n]
		}
	}
	if winner == nil {
		t.Errorf("round %d: no answer got ok", round)
		return call.Call, "", nil
	}
	told := edgetest.Await(ann, wire.EvCall, func(e wire.CallEvent) bool { return e.Call == call.Call })
	if told.By != winner.Peer() {
		t.Errorf("round %d: the caller was told of %q, and %q got ok", round, told.By, winner.Peer())
	}
	return call.Call, told.State, winner
}
