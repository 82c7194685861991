package pair

import (
	"context"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"callmesh/bus/wire"
)

// ICE may wait before it selects a pair, as it does in mode all. The time to the first pair has nothing of that wait; the time to the selected one has all of it.
func TestTheFirstPairDoesNotWait(t *testing.T) {
	const wait = 3 * time.Second
	var links [2]*link
	var trickled [2]chan webrtc.ICECandidateInit
	for i := range links {
		s := settings(wire.ModeAll)
		s.SetHostAcceptanceMinWait(wait)
		s.SetPrflxAcceptanceMinWait(wait)
		s.SetIncludeLoopbackCandidate(true)
		trickled[i] = make(chan webrtc.ICECandidateInit, 64)
		l, err := openWith(s, wire.ModeAll, nil, func(c webrtc.ICECandidateInit) { trickled[i] <- c })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.close() })
		links[i] = l
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	describe(t, links[0], links[1])
	for i, from := range trickled {
		go func() {
			for {
				select {
				case c := <-from:
					_ = links[1-i].pc.AddICECandidate(c)
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	for i, l := range links {
		var a Attempt
		if a.Outcome = l.settle(ctx); a.Result != wire.ResultConnected {
			t.Fatalf("side %d: %+v", i, a)
		}
		l.times(&a)
		if a.PairMs <= 0 || a.PairMs >= wait.Milliseconds() || a.ConnectMs < wait.Milliseconds() || a.Ms < a.ConnectMs {
			t.Errorf("side %d: first pair after %d ms, selected after %d ms, open after %d ms; ICE waits %s", i, a.PairMs, a.ConnectMs, a.Ms, wait)
		}
	}
}

// describe has one offer and the other answer.
func describe(t *testing.T, offers, answers *link) {
	t.Helper()
	offer, err := offers.pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := offers.pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	if err := answers.pc.SetRemoteDescription(offer); err != nil {
		t.Fatal(err)
	}
	answer, err := answers.pc.CreateAnswer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := answers.pc.SetLocalDescription(answer); err != nil {
		t.Fatal(err)
	}
	if err := offers.pc.SetRemoteDescription(answer); err != nil {
		t.Fatal(err)
	}
}
