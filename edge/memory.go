package edge

import (
	"hash/maphash"

	"callmesh/bus/wire"
)

// keysPerPeer bounds the remembered keys of one peer in one room. A client repeats only what is unanswered, so the latest are enough.
const keysPerPeer = 1024

var keySeed = maphash.MakeSeed()

// keyMemory remembers the latest keys of each peer, as hashes. Its owner guards it; the zero value is ready.
type keyMemory struct {
	peers map[wire.PeerID]*keyRing
}

type keyRing struct {
	next  int
	ring  []uint64
	known map[uint64]keyed
	last  int64 // when the latest of them was sent, in Unix ms
}

// keyed is what came with a key first.
type keyed struct {
	mid   wire.Mid
	at    int64 // Unix ms
	heard bool  // it has gone on here, or never will; if not, a stream had it before it came
}

func keyedBy(env *wire.Envelope) keyed { return keyed{env.Mid(), env.At, true} }

// hear remembers a key, and what came with it, and reports whether that is to go on: the key is new, or came to be known before what it came with.
func (k *keyMemory) hear(from wire.PeerID, key []byte, what keyed) bool {
	was, known := k.know(from, key, what)
	if !known {
		return true
	}
	if was.mid != what.mid {
		return false
	}
	goOn := !was.heard
	k.peers[from].known[maphash.Bytes(keySeed, key)] = what
	return goOn
}

// teach is know for what is read in the streams: it takes no younger key's place. Else the oldest, which had to make room for others long ago, would make all that
// are known go one after another, with those that no stream has.
func (k *keyMemory) teach(from wire.PeerID, key []byte, what keyed) (was keyed, known bool) {
	if r := k.peers[from]; r != nil && len(r.ring) == keysPerPeer && what.at <= r.known[r.ring[r.next]].at {
		if was, known = r.known[maphash.Bytes(keySeed, key)]; !known {
			was, known = what, true // as good as that: it is over
		}
		return was, known
	}
	return k.know(from, key, what)
}

// know remembers a key and what came with it first, and returns what is remembered if that was known.
func (k *keyMemory) know(from wire.PeerID, key []byte, what keyed) (was keyed, known bool) {
	if k.peers == nil {
		k.peers = make(map[wire.PeerID]*keyRing)
	}
	r := k.peers[from]
	if r == nil {
		r = &keyRing{known: make(map[uint64]keyed)}
		k.peers[from] = r
	}
	h := maphash.Bytes(keySeed, key)
	if was, known = r.known[h]; known {
		return was, true
	}
	if len(r.ring) < keysPerPeer {
		r.ring = append(r.ring, h)
	} else {
		delete(r.known, r.ring[r.next])
		r.ring[r.next] = h
		r.next = (r.next + 1) % keysPerPeer
	}
	r.known[h] = what
	r.last = max(r.last, what.at)
	return keyed{}, false
}

// first returns what came first with a key, if the key is remembered.
func (k *keyMemory) first(from wire.PeerID, key []byte) (what keyed, known bool) {
	r := k.peers[from]
	if r == nil {
		return keyed{}, false
	}
	what, known = r.known[maphash.Bytes(keySeed, key)]
	return what, known
}

// sweep drops the keys of those who are not there and sent nothing since a time, in Unix ms.
func (k *keyMemory) sweep(there func(wire.PeerID) bool, since int64) {
	for p, r := range k.peers {
		if r.last < since && !there(p) {
			delete(k.peers, p)
		}
	}
}

// forget drops a peer's keys.
func (k *keyMemory) forget(from wire.PeerID) { delete(k.peers, from) }
