package edgetest

import (
	"sync"
	"time"

	"callmesh/bus/wire"
)

// Ledger is the account of a test under fault: who sent what in which order, what of it the mesh accepted, and what each receiver got. It
// judges by what clients see and by nothing else. It is safe for concurrent use.
type Ledger struct {
	began time.Time

	mu    sync.Mutex // guards the following
	clock uint64     // rises with every entry, and orders joins and sends
	rooms map[wire.RoomID]map[string]uint64
	flows map[flowKey]*flow
	notes []string // what must not happen at all, as it happened
	more  int      // notes that were too many to keep
}

// maxNotes bounds the notes of a report that is to be read.
const maxNotes = 40

// flowKey names what one sender says in one room. Its messages are numbered from 1.
type flowKey struct {
	room wire.RoomID
	from string
}

type flow struct {
	messages []entry // number n at n-1
	accepted int
	got      map[string]*receipt
}

type entry struct {
	to       string // the one receiver, empty for all
	clock    uint64
	accepted time.Duration // since the ledger began; 0 if the mesh never said ok
}

// receipt is what one receiver got of one flow.
type receipt struct {
	times     []uint8 // how often each number came, at n-1
	high      int
	dups      int
	reordered int
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{began: time.Now(), rooms: make(map[wire.RoomID]map[string]uint64), flows: make(map[flowKey]*flow)}
}

// Since is how far into the test it is, as reports tell times.
func (l *Ledger) Since() time.Duration { return time.Since(l.began) }

// Joined notes a receiver: it is to get what others send into the room from now on.
func (l *Ledger) Joined(room wire.RoomID, who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rooms[room] == nil {
		l.rooms[room] = make(map[string]uint64)
	}
	if _, in := l.rooms[room][who]; !in {
		l.clock++
		l.rooms[room][who] = l.clock
	}
}

// Has reports whether someone is a receiver in the room.
func (l *Ledger) Has(room wire.RoomID, who string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, in := l.rooms[room][who]
	return in
}

// Sent notes a message before its first attempt, and numbers it. to is its one receiver, empty for all others in the room.
func (l *Ledger) Sent(room wire.RoomID, from, to string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.flowLocked(room, from)
	l.clock++
	f.messages = append(f.messages, entry{to: to, clock: l.clock})
	return len(f.messages)
}

// Accepted notes that the message got its ok.
func (l *Ledger) Accepted(room wire.RoomID, from string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.flowLocked(room, from)
	f.accepted++
	f.messages[n-1].accepted = max(l.Since(), 1)
}

// AcceptedOf counts what the mesh has accepted of one sender, in all rooms.
func (l *Ledger) AcceptedOf(from string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, f := range l.flows {
		if key.from == from {
			n += f.accepted
		}
	}
	return n
}

// Got notes that a receiver was given the message.
func (l *Ledger) Got(room wire.RoomID, from string, n int, receiver string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.flowLocked(room, from)
	if n < 1 || n > len(f.messages) {
		l.noteLocked("%s got #%d of %s in %s, which was never sent", receiver, n, from, room)
		return
	}
	if m := f.messages[n-1]; m.to != "" && m.to != receiver || receiver == from {
		l.noteLocked("%s got #%d of %s in %s, which was for %q", receiver, n, from, room, m.to)
	}
	r := f.got[receiver]
	if r == nil {
		r = &receipt{}
		f.got[receiver] = r
	}
	for len(r.times) < n {
		r.times = append(r.times, 0)
	}
	r.times[n-1]++
	switch {
	case r.times[n-1] > 1:
		r.dups++
		l.noteLocked("duplicated: %s got #%d of %s in %s for the %d. time", receiver, n, from, room, r.times[n-1])
	case n < r.high:
		r.reordered++
		l.noteLocked("reordered: %s got #%d of %s in %s after #%d", receiver, n, from, room, r.high)
	default:
		r.high = n
	}
}

// Note records what must not happen in the test: a session that was gone, a refused message. It fails the check.
func (l *Ledger) Note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.noteLocked(format, args...)
}

func (l *Ledger) flowLocked(room wire.RoomID, from string) *flow {
	key := flowKey{room, from}
	f := l.flows[key]
	if f == nil {
		f = &flow{got: make(map[string]*receipt)}
		l.flows[key] = f
	}
	return f
}
