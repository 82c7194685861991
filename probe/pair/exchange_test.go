package pair

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"callmesh/bus/wire"
	"callmesh/probe/meet"
)

// leaving is the signalling of one whose other side has said its last word and left.
type leaving struct {
	signals chan meet.Signal
	changed chan struct{}
	ended   chan struct{}
}

func (l *leaving) Self() wire.PeerID                            { return "b" }
func (l *leaving) ICEServers() []wire.ICEServer                 { return nil }
func (l *leaving) Others() []wire.PeerID                        { return nil }
func (l *leaving) Changed() <-chan struct{}                     { return l.changed }
func (l *leaving) Send(context.Context, wire.PeerID, any) error { return nil }
func (l *leaving) Signals() <-chan meet.Signal                  { return l.signals }
func (l *leaving) Ended() <-chan struct{}                       { return l.ended }
func (l *leaving) Err() error                                   { return nil }

// Who settles and leaves at once is heard all the same, in whichever order one gets to know of the two.
func TestTheLastWordIsHeard(t *testing.T) {
	for range 100 {
		l := &leaving{make(chan meet.Signal, 2), make(chan struct{}, 1), make(chan struct{})}
		for _, m := range []message{{Probe: version, Kind: candidate, N: 1}, {Probe: version, Kind: settled, N: 1, Result: wire.ResultConnected, Path: wire.PathRelay}} {
			raw, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			l.signals <- meet.Signal{From: "a", Data: raw}
		}
		l.changed <- struct{}{}
		close(l.ended)
		x := &exchange{run: &run{s: l, peer: "a"}, n: 1}
		a := Attempt{Outcome: wire.Outcome{Result: wire.ResultConnected, Path: wire.PathSrflx}}
		x.finish(t.Context(), &a)
		if a.Theirs != wire.PathRelay || a.Path != wire.PathRelay {
			t.Fatalf("%+v", a)
		}
	}
	// And who leaves without a word is not waited for.
	l := &leaving{make(chan meet.Signal), make(chan struct{}, 1), make(chan struct{})}
	close(l.ended)
	a := Attempt{}
	(&exchange{run: &run{s: l, peer: "a"}, n: 1}).finish(t.Context(), &a)
	if a.Theirs != "" {
		t.Errorf("%+v", a)
	}
}

// Whoever is in the room may send anything: nothing of it reaches a record or a terminal as it is.
func TestWhatTheOtherSideSaysIsPlain(t *testing.T) {
	for _, m := range []message{{Kind: ready, Mode: "direct\x1b[2J"}, {Kind: settled, N: 1, Path: "relay\x1b[2J"}} {
		m.Probe = version
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parse(raw); err == nil || strings.ContainsFunc(err.Error(), unicode.IsControl) {
			t.Errorf("%+v: %v", m, err)
		}
	}
	l := &leaving{make(chan meet.Signal, 1), make(chan struct{}, 1), make(chan struct{})}
	raw, err := json.Marshal(message{Probe: version, Kind: offer, N: 1, SDP: "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=application 9 \x1b[2J" + strings.Repeat("a", 1000) + " x\r\n"})
	if err != nil {
		t.Fatal(err)
	}
	l.signals <- meet.Signal{From: "a", Data: raw}
	l.changed <- struct{}{} // it has left then
	a, err := (&run{s: l, peer: "a", o: Options{Mode: wire.ModeDirect, Limit: time.Minute, Repeat: 1}}).attempt(t.Context(), 1)
	if err != nil || a.Result != wire.ResultNoSignalling || !strings.HasPrefix(a.Why, "the other side's description: ") || strings.ContainsFunc(a.Why, unicode.IsControl) || len(a.Why) > maxWhy {
		t.Errorf("%+v, %v", a, err)
	}
}
