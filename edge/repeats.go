package edge

import (
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// A client that has no answer sends its request again, with the same key, through whichever edge it has come to. So a message may be in the streams twice,
// and reach an edge by two sources in any order. The first that goes on here counts; of a key that a resume read in the streams, it is that which is first there.

// repeatedLocked drops what a peer sent again with the key that it had before, whichever edge it came through.
func (r *room) repeatedLocked(env *wire.Envelope) bool {
	if len(env.Key) == 0 || r.keys.hear(env.From, env.Key, keyedBy(env)) {
		return false
	}
	r.edge.metrics.repeated.Inc()
	return true
}

// sweepKeysLocked forgets the keys of peers that are not in the room, once no stream has what came with them: resumes read keys also of those who have long left.
func (r *room) sweepKeysLocked(now time.Time) {
	there := func(p wire.PeerID) bool { return r.local[p] != nil || r.remote[p] != nil }
	since := now.Add(-bus.ReplayAge - clockMargin).UnixMilli()
	r.keys.sweep(there, since)
}

// acceptedLocked tells whether a stream has what a peer here sent with the key before. Then it need not go out again, and nobody has to tell it from
// the first, which they may have heard so long ago that their resume does not reach back to it.
func (r *room) acceptedLocked(from wire.PeerID, key string) (was keyed, accepted bool) {
	if key == "" {
		return keyed{}, false
	}
	if was, accepted = r.keys.first(from, []byte(key)); accepted {
		r.edge.metrics.repeated.Inc()
	}
	return was, accepted
}

// teachLocked takes a key that a resume has read in the streams. What came with it may have gone on here, or be from before the room was open; if neither
// is so it is still to come, by itself or else from the streams, and what came first with the key is not a repeat then.
func (r *room) teachLocked(k *usedKey) {
	s := r.seq[k.mid.Source]
	switch {
	case s != nil && s.known:
		k.heard = k.mid.N <= s.applied
	default:
		k.heard = k.edge == r.edge.id || k.at < r.opened.Add(-skewMargin).UnixMilli()
	}
	if _, known := r.keys.teach(k.from, k.key, k.keyed); known || k.heard {
		return
	}
	r.taught = true
	s = r.seq.of(k.mid.Source, k.edge, time.Now())
	s.wanted = max(s.wanted, k.mid.N)
}

// triedAheadLocked tells of an event that the one which came first with its key is still to come here. It must wait: dropped now, it would be missing from what a
// session has that moves on before that one comes.
func (r *room) triedAheadLocked(env *wire.Envelope) bool {
	if !r.taught || len(env.Key) == 0 {
		return false
	}
	if len(r.seq.holes()) == 0 {
		r.taught = false
		return false
	}
	was, known := r.keys.first(env.From, env.Key)
	if !known || was.heard || was.mid == env.Mid() {
		return false
	}
	s := r.seq[was.mid.Source]
	return s != nil && s.hole() && (!s.known || s.applied < was.mid.N)
}
