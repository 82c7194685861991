package edge

import (
	"container/list"
	"math"
	"sync"
	"time"

	"callmesh/bus"
)

// bucket bounds how much passes: so much at once, and so much per second in the long run. The zero value has let nothing pass yet. Its owner
// guards it. It is a tenth of what golang.org/x/time/rate needs, and there are many.
type bucket struct {
	level float64 // what has passed and not yet run off
	at    int64   // Unix ns, when level was so
}

// take lets n pass, or tells how long it would have to wait.
func (b *bucket) take(now time.Time, n, rate float64, burst int) (ok bool, wait time.Duration) {
	t := now.UnixNano()
	if b.at != 0 {
		b.level = max(0, b.level-rate*float64(t-b.at)/float64(time.Second))
	}
	b.at = t
	if over := b.level + n - float64(burst); over > 0 {
		return false, time.Duration(min(over/rate, math.MaxInt32) * float64(time.Second))
	}
	b.level += n
	return true, 0
}

// give takes back what passed in vain.
func (b *bucket) give(n float64) { b.level = max(0, b.level-n) }

// account is what one address, or one user, has had of this edge.
type account struct {
	mu       sync.Mutex // guards the following
	connects bucket
	guests   bucket
	calls    bucket
	joins    bucket
	reads    bucket
	moves    bucket // to other devices
	asks     bucket // changes of contacts, and lists of them
	strange  bucket // those that reach a user who has not agreed
	knocks   bucket
	reports  bucket             // of attempts to connect
	rulings  bucket             // by the secrets of rooms' makers
	kept     bucket             // bytes into the history
	stored   [bus.Shards]bucket // bytes into each shard's replay stream
	sockets  int
	waiting  int // sockets that have not said hello
	lent     int // bytes of the replay budget
}

// entry is an account in a book, under its key.
type entry[K comparable] struct {
	account
	key  K
	refs int           // guarded by the book's mu
	idle *list.Element // nil while refs > 0
}

// book keeps accounts: all that are in use, and the latest others up to a limit.
type book[K comparable] struct {
	limit int

	mu    sync.Mutex // guards the following
	known map[K]*entry[K]
	idle  *list.List // of *entry[K], the longest idle first
}

func newBook[K comparable](limit int) *book[K] {
	return &book[K]{limit: limit, known: make(map[K]*entry[K]), idle: list.New()}
}

// enter returns the account of a key and keeps it until leave.
func (b *book[K]) enter(key K) *entry[K] {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.known[key]
	if e == nil {
		e = &entry[K]{key: key}
		b.known[key] = e
	}
	if e.idle != nil {
		b.idle.Remove(e.idle)
		e.idle = nil
	}
	e.refs++
	b.trimLocked()
	return e
}

// leave ends an enter. Nil is fine.
func (b *book[K]) leave(e *entry[K]) {
	if e == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.refs--; e.refs == 0 {
		e.idle = b.idle.PushBack(e)
		b.trimLocked()
	}
}

func (b *book[K]) trimLocked() {
	for len(b.known) > b.limit && b.idle.Len() > 0 {
		oldest := b.idle.Remove(b.idle.Front()).(*entry[K])
		delete(b.known, oldest.key)
	}
}

func (b *book[K]) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.known)
}
