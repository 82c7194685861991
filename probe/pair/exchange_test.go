package pair

import (
	"context"
	"encoding/json"
	"testing"

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
