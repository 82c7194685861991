package edge_test

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge/edgetest"
)

// TestARegionIsCutOff parts two regions for longer than a lease lasts, while people talk in both, sessions resume in both, and some join. Each side goes
// on by itself; when they are joined again, everybody has heard everything.
func TestARegionIsCutOff(t *testing.T) {
	t.Run("1 node each, cut", func(t *testing.T) {
		t.Parallel() // they wait, for leases and leaders
		testRegionCutOff(t, 1, bustest.Cut)
	})
	t.Run("3 nodes each, blackhole", func(t *testing.T) {
		t.Parallel()
		testRegionCutOff(t, 3, bustest.Blackhole)
	})
}

func testRegionCutOff(t *testing.T, n int, mode bustest.Mode) {
	m := twoRegions(t, n)
	inEU, inAsia := turns(m.eu...), turns(m.asia...)
	ann := edgetest.NewSpeaker(t, m.eu[0], "ann", "r", inEU)
	ben := edgetest.NewSpeaker(t, m.asia[0], "ben", "r", inAsia)
	eva := edgetest.NewSpeaker(t, m.eu[0], "eva", "r", inEU) // she and ari resume while the regions are apart
	ari := edgetest.NewSpeaker(t, m.asia[0], "ari", "r", inAsia)
	all := []*edgetest.Speaker{ann, ben, eva, ari}
	edgetest.Whole(t, all...)
	stop := talk(t, 40*time.Millisecond, all...)
	edgetest.Eventually(t, "all talk", func() bool { return ann.Said() > 10 && ben.Said() > 10 })

	m.nats.Isolate(mode, "asia")
	cut := time.Now()
	before := ann.Said() + ben.Said()
	edgetest.Eventually(t, "both sides notice", func() bool {
		return !m.eu[0].Bus.Alive(m.asia[0].Bus.Edge()) && !m.asia[0].Bus.Alive(m.eu[0].Bus.Edge())
	})
	start := time.Now()
	eva.Move(m.eu[1]) // where nobody was in the room
	ari.Move(m.asia[1])
	if took := time.Since(start); took > 12*time.Second {
		t.Errorf("two resumes took %v", took)
	}
	start = time.Now()
	eva.Move(m.eu[0])
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("the second resume took %v", took)
	}
	late := edgetest.NewSpeaker(t, m.eu[1], "late", "late", inEU)
	for range 5 {
		start = time.Now()
		edgetest.Connect(t, m.eu[1], "xan").Close()
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("a hello took %v", took)
		}
	}
	edgetest.Must[wire.PostOK](late.Client(), wire.OpPost, wire.PostArgs{Room: "late", Data: json.RawMessage(`1`), Keep: true})
	if h := edgetest.Must[wire.HistoryOK](late.Client(), wire.OpHistory, wire.HistoryArgs{Room: "late"}); len(h.Posts) != 1 {
		t.Errorf("the history has %d posts", len(h.Posts))
	}
	edgetest.Connect(t, m.eu[0], "cal")
	call := edgetest.Must[wire.CallOK](late.Client(), wire.OpCall, wire.CallArgs{To: "cal", Media: wire.MediaAudio})
	edgetest.Must[wire.Empty](late.Client(), wire.OpHangup, wire.HangupArgs{Call: call.Call})
	edgetest.Eventually(t, "the regions were apart for 15 s", func() bool { return time.Since(cut) > 15*time.Second })
	if now := ann.Said() + ben.Said(); now < before+20 {
		t.Errorf("only %d posts were accepted while the regions were apart", now-before)
	}

	m.nats.Heal()
	healed := time.Now()
	edgetest.Eventually(t, "both sides hear each other", func() bool { return m.eu[0].Bus.Alive(m.asia[0].Bus.Edge()) && m.asia[0].Bus.Alive(m.eu[0].Bus.Edge()) })
	stop()
	edgetest.Whole(t, all...)
	t.Logf("heard all %v after the healing", time.Since(healed))
	for _, s := range all {
		if left := s.Left(); len(left) > 0 {
			t.Errorf("%v were said to have left", left)
		}
	}
	stop = talk(t, 10*time.Millisecond, all...)
	more := ann.Said() + 20
	edgetest.Eventually(t, "they talk on", func() bool { return ann.Said() > more })
	stop()
	edgetest.Whole(t, all...)
}

// turns gives one node after the other.
func turns(nodes ...*edgetest.Node) func() *edgetest.Node {
	var n atomic.Int32
	return func() *edgetest.Node { return nodes[int(n.Add(1))%len(nodes)] }
}

// talk lets all speak until the returned function is called, which waits for their last words to be accepted.
func talk(t *testing.T, every time.Duration, speakers ...*edgetest.Speaker) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, s := range speakers {
		wg.Go(func() { s.Talk(ctx, every) })
	}
	stop = func() {
		cancel()
		wg.Wait()
	}
	t.Cleanup(stop)
	return stop
}
