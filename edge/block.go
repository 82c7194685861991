package edge

import (
	"context"
	"hash/maphash"
	"maps"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// Whom a user has blocked must not learn it, and sees the user offline. The edge of who watches knows it: it reads the watched user's contacts
// when the watch begins, when the user's edge tells that there is something new, and whenever it asks anew who is online.

// strangers is whom a watched user has blocked, by a hash of the ids: there can be many, and an id is long.
type strangers map[uint64]struct{}

var strangerSeed = maphash.MakeSeed()

func strangerHash(u wire.UserID) uint64 { return maphash.String(strangerSeed, string(u)) }

// readBlocks learns whom the user has blocked, as far as that can be read now, and tells the sessions for which that makes a difference.
func (w *watch) readBlocks(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	blocked := strangers{}
	ties, all := w.edge.blockList(ctx, w.user)
	for _, t := range ties {
		if t.Mine == bus.WordBlock {
			blocked[strangerHash(t.User)] = struct{}{}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.blocked
	if !all {
		maps.Copy(blocked, before)
	}
	w.blocked = blocked
	if before == nil {
		w.told = w.onlineLocked() // by the ok, which has waited for this
		return
	}
	for s := range w.sessions {
		h := strangerHash(s.user.ID)
		_, was := before[h]
		if _, is := blocked[h]; is != was && w.told {
			mid, frame := w.eventLocked(s)
			s.event(mid, frame)
		}
	}
}

// shutsOutLocked reports whether the user has blocked the session's.
func (w *watch) shutsOutLocked(s *session) bool {
	_, blocked := w.blocked[strangerHash(s.user.ID)]
	return blocked
}

// tellBlocks lets who watches the user know that it has blocked somebody, or no longer.
func (e *Edge) tellBlocks(u wire.UserID) {
	e.mu.Lock()
	if w := e.watched[u]; w != nil {
		e.own(w.readBlocks)
	}
	e.publishPresence(u, e.inboxes[u] != nil, true)
	e.mu.Unlock()
	e.tailLater(blocksTail{u})
}

// blocksTail tells it again, as [presenceTail] does.
type blocksTail struct{ user wire.UserID }

func (t blocksTail) tail(e *Edge) {
	e.mu.Lock()
	defer e.mu.Unlock() // so that what is told last is so
	e.publishPresence(t.user, e.inboxes[t.user] != nil, true)
}
