package edge

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// What resumes read from the streams is held in memory until it is written to their sockets. A client decides how much it has missed, and how
// slowly it reads; so all of them together have a budget, each address has a part of it, and each resume takes a loan.

var errBusy = errors.New("the resumes under way take all that there is for them")

// rawFactor is how many times the bytes that a session may have missed its rooms may hold: most of it is for others.
const rawFactor = 2

// budget bounds the bytes that all resumes hold.
type budget struct {
	limit int64
	used  atomic.Int64
}

func (b *budget) take(n int) bool {
	if b.used.Add(int64(n)) > b.limit {
		b.used.Add(-int64(n))
		return false
	}
	return true
}

// loan is what one resume has of the budget.
type loan struct {
	budget *budget
	addr   *entry[netip.Addr] // nil: no limit of its own
	share  int                // of addr
	most   int                // of this loan

	mu    sync.Mutex // guards the following
	bytes int
	why   error // what ended the last take
	ended bool
}

// take borrows n bytes more, if it may.
func (l *loan) take(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ended:
		l.why = errBusy
	case l.bytes+n > l.most:
		l.why = bus.ErrIncomplete
	case !l.takeShare(n):
		l.why = errBusy
	case !l.budget.take(n):
		l.why = errBusy
		l.giveShare(n)
	default:
		l.bytes += n
		return true
	}
	return false
}

func (l *loan) takeShare(n int) bool {
	if l.addr == nil {
		return true
	}
	l.addr.mu.Lock()
	defer l.addr.mu.Unlock()
	if l.addr.lent+n > l.share {
		return false
	}
	l.addr.lent += n
	return true
}

func (l *loan) giveShare(n int) {
	if l.addr == nil {
		return
	}
	l.addr.mu.Lock()
	defer l.addr.mu.Unlock()
	l.addr.lent -= n
}

// refused tells why the last take failed.
func (l *loan) refused() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// pay gives bytes back; more than were taken is fine.
func (l *loan) pay(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.payLocked(n)
}

func (l *loan) payLocked(n int) {
	n = min(n, l.bytes)
	l.bytes -= n
	l.giveShare(n)
	l.budget.used.Add(-int64(n))
}

// keep gives all back but n bytes.
func (l *loan) keep(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.payLocked(l.bytes - min(n, l.bytes))
}

// end gives all back, and nothing more is lent: a read that goes on after its resume has failed must not borrow.
func (l *loan) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.payLocked(l.bytes)
	l.ended = true
}

// owes reports whether anything is still to be paid back.
func (l *loan) owes() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes > 0
}

// borrow waits for a resume's turn to read, at most as long as the limits allow. done ends the turn; the loan lasts until it is paid back, or ended.
func (e *Edge) borrow(ctx context.Context, sock *socket) (l *loan, done func(), err error) {
	wait := time.NewTimer(e.limits.ReplayWait)
	defer wait.Stop()
	select {
	case e.replays <- struct{}{}:
	case <-wait.C:
		e.refused(whatResume, whyBusy)
		return nil, nil, busy()
	case <-ctx.Done():
		return nil, nil, unavailable(ctx.Err())
	}
	l = &loan{budget: &e.replayBudget, addr: sock.addr, share: e.limits.Address.ReplayBytes, most: rawFactor * e.limits.ReplayBytes}
	return l, func() { <-e.replays }, nil
}

func busy() *wire.Error {
	return wire.Errorf(wire.CodeUnavailable, "too many resumes at once: connect again in a moment").Because(errBusy)
}
