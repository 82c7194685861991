package edge

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"callmesh/bus/wire"
)

// bareRoom is one that hears nobody: only its books are tested.
func bareRoom() *room {
	r := &room{out: numbered{source: wire.NewSource()}}
	e := &Edge{id: "here", log: slog.New(slog.DiscardHandler)}
	e.metrics = newMetrics(nil, e)
	r.init(e, "room")
	return r
}

// try is a message of ann's with the key k, as one edge published it.
func try(source wire.Source, n uint64, edge wire.EdgeID, at time.Time) *wire.Envelope {
	return &wire.Envelope{
		Kind: wire.KindEvent, Event: wire.EvPost, Source: source, N: n, At: at.UnixMilli(), Edge: edge, From: "ann", Key: []byte("k"),
	}
}

func (r *room) teach(env *wire.Envelope) {
	r.teachLocked(&usedKey{scope: r.scope, from: env.From, key: env.Key, edge: env.Edge, keyed: keyedBy(env)})
}

// What a resume has read in the streams may reach the room after that. It goes on then, once, and the second try of it waits until then and is dropped.
func TestAMessageThatAResumeReadFirstGoesOnOnce(t *testing.T) {
	now := time.Now()
	one, other := wire.NewSource(), wire.NewSource()
	first, again := try(one, 3, "frozen", now), try(other, 1, "there", now)
	for name, known := range map[string]bool{"a source that is known": true, "one that nobody told of": false} {
		r := bareRoom()
		if known {
			s := r.seq.of(one, "frozen", now)
			s.known, s.applied = true, 2
		}
		r.teach(first)
		if was, accepted := r.acceptedLocked("ann", "k"); !accepted || was.mid != first.Mid() {
			t.Errorf("%s: asked again, the room does not know that it was accepted", name)
		}
		if len(r.seq.holes()) != 1 {
			t.Errorf("%s: nobody looks for what is still to come", name)
		}
		if r.triedAheadLocked(first) {
			t.Errorf("%s: the first try waits for itself", name)
		}
		if !r.triedAheadLocked(again) {
			t.Errorf("%s: the second try does not wait for the first", name)
		}
		s := r.seq[one]
		s.known, s.applied = true, 3
		if r.repeatedLocked(first) {
			t.Errorf("%s: the first try is dropped", name)
		}
		if r.triedAheadLocked(again) {
			t.Errorf("%s: the second try waits though the first has come", name)
		}
		for range 2 {
			if !r.repeatedLocked(again) || !r.repeatedLocked(first) {
				t.Errorf("%s: it goes on twice", name)
			}
		}
	}
}

// What has gone on here, or was sent before the room was open, does not come again: the next with its key is a repeat, and waits for nothing.
func TestAMessageThatIsOverIsARepeat(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		edge wire.EdgeID
		at   time.Time
		prep func(*room, wire.Source)
	}{
		"it has gone on": {"there", now, func(r *room, source wire.Source) {
			s := r.seq.of(source, "there", now)
			s.known, s.applied = true, 3
		}},
		"it is from before the room was open":             {"there", now.Add(-skewMargin - time.Second), func(*room, wire.Source) {}},
		"it was this edge's, when it had the room before": {"here", now, func(*room, wire.Source) {}},
	} {
		r, source := bareRoom(), wire.NewSource()
		c.prep(r, source)
		first, again := try(source, 3, c.edge, c.at), try(wire.NewSource(), 1, "elsewhere", now)
		r.teach(first)
		if r.triedAheadLocked(again) {
			t.Errorf("%s: the second try waits", name)
		}
		if !r.repeatedLocked(again) {
			t.Errorf("%s: the second try goes on", name)
		}
		if len(r.seq.holes()) > 0 {
			t.Errorf("%s: it is looked for", name)
		}
	}
}

// A resume teaches the room the keys of all who spoke in the last minutes. Those who have left, and don't come back, must not be remembered for ever.
func TestKeysOfThoseWhoLeftAreForgotten(t *testing.T) {
	r, now := bareRoom(), time.Now()
	r.local, r.remote = make(map[wire.PeerID]*member), make(map[wire.PeerID]*remotePeer)
	for _, from := range []wire.PeerID{"ann", "bob", "cid", "dan"} {
		env := try(wire.NewSource(), 1, "there", now.Add(-time.Hour))
		if env.From = from; from == "dan" {
			env.At = now.UnixMilli()
		}
		r.teach(env)
	}
	r.local["ann"], r.remote["bob"] = &member{}, &remotePeer{}
	r.sweepKeysLocked(now)
	for from, want := range map[wire.PeerID]bool{"ann": true, "bob": true, "cid": false, "dan": true} {
		if _, known := r.acceptedLocked(from, "k"); known != want {
			t.Errorf("%s's key is remembered: %t, want %t", from, known, want)
		}
	}
}

// A peer has sent more than is remembered. A resume that reads all of it in the streams must not push out what is known of the latest, which no stream may have.
func TestWhatAResumeReadsPushesOutNothingYounger(t *testing.T) {
	r, source, now := bareRoom(), wire.NewSource(), time.Now()
	s := r.seq.of(source, "there", now)
	s.known, s.applied = true, keysPerPeer+100
	said := func(n uint64) *wire.Envelope {
		env := try(source, n, "there", now.Add(time.Duration(n)*time.Millisecond))
		env.Key = fmt.Appendf(nil, "%d", n)
		return env
	}
	for n := range uint64(keysPerPeer + 100) {
		r.repeatedLocked(said(n + 1))
	}
	for n := range uint64(keysPerPeer + 99) { // all but the last, which no stream took
		r.teach(said(n + 1))
	}
	again := try(wire.NewSource(), 1, "elsewhere", now.Add(time.Minute))
	again.Key = fmt.Appendf(nil, "%d", keysPerPeer+100)
	if !r.repeatedLocked(again) {
		t.Error("the latest goes on twice")
	}
}

// A second try through this edge waits for the first like any other, and is dropped when that has come, whatever else is still missing in the room.
func TestAnOwnSecondTryWaitsForTheFirst(t *testing.T) {
	r, one, now := bareRoom(), wire.NewSource(), time.Now()
	r.begins(r.out)
	r.behind, r.filling = r.triedAheadLocked, true
	var heard []wire.Mid
	r.onEvent = func(env *wire.Envelope) {
		if !r.repeatedLocked(env) {
			heard = append(heard, env.Mid())
		}
	}
	r.seq.of(wire.NewSource(), "cut off", now).wanted = 7
	first, again := try(one, 1, "there", now), try(r.out.source, 1, "here", now)
	next := try(r.out.source, 2, "here", now)
	next.Key = []byte("next")
	r.teach(first)
	r.takeLocked(again)
	if len(heard) != 0 || r.seq.applied(r.out.source) != 0 {
		t.Fatalf("the second try does not wait: %v went on", heard)
	}
	r.takeStoredLocked([]wire.Envelope{*first, *again, *next}, now.Add(-time.Minute), r.restoreLocked)
	if want := []wire.Mid{first.Mid(), next.Mid()}; !slices.Equal(heard, want) {
		t.Errorf("%v went on, want %v", heard, want)
	}
}
