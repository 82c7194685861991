package edge

import (
	"sync"
	"time"

	"callmesh/bus/wire"
)

// queue is what waits to be written to one WebSocket. It is bounded in bytes: a reader that falls so far behind is cut off, and resumes
// from the streams without loss. No goroutine waits on an empty queue; whoever fills it starts the writer.
type queue struct {
	limit int

	mu      sync.Mutex // guards the following
	frames  [][]byte
	bytes   int
	backlog int  // bytes that a resume put in, which the limit leaves out
	writing bool // a writer is at work
	closed  bool

	holding bool // live events wait until the replay has gone ahead
	held    []heldFrame
	heldLen int

	loan  *loan     // what the replayed frames have of the budget; nil without
	since time.Time // when it was taken
}

type heldFrame struct {
	mid   wire.Mid
	frame []byte
}

// verdict is what a push came to.
type verdict int

const (
	pushed verdict = iota
	startWriter
	overflow
	dropped
)

// push adds a frame, which nobody may change any more.
func (q *queue) push(frame []byte) verdict {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return dropped
	}
	q.frames = append(q.frames, frame)
	q.bytes += len(frame)
	if q.bytes-q.backlog > q.limit {
		q.closed, q.frames, q.bytes = true, nil, 0
		q.payLocked()
		return overflow
	}
	if q.writing {
		return pushed
	}
	q.writing = true
	return startWriter
}

// pushEvent adds an event, or holds it back while a resume reads the streams.
func (q *queue) pushEvent(mid wire.Mid, frame []byte) verdict {
	q.mu.Lock()
	if !q.holding || q.closed {
		q.mu.Unlock()
		return q.push(frame)
	}
	defer q.mu.Unlock()
	q.heldLen += len(frame)
	if q.heldLen > q.limit {
		q.closed, q.held = true, nil
		q.payLocked()
		return overflow
	}
	q.held = append(q.held, heldFrame{mid, frame})
	return pushed
}

// hold makes events wait for release.
func (q *queue) hold() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.holding = true
}

// release ends the holding: first goes ahead, then what was held and keep wants, then whatever comes.
func (q *queue) release(first [][]byte, keep func(wire.Mid) bool) verdict {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return dropped
	}
	for _, frame := range first {
		q.frames = append(q.frames, frame)
		q.bytes += len(frame)
		q.backlog += len(frame)
	}
	for _, h := range q.held {
		if keep(h.mid) {
			q.frames = append(q.frames, h.frame)
			q.bytes += len(h.frame)
		}
	}
	q.holding, q.held, q.heldLen = false, nil, 0
	if q.writing || len(q.frames) == 0 {
		return pushed
	}
	q.writing = true
	return startWriter
}

// borrow notes what the frames that a resume has just put in have of the budget. It is paid back as they are written.
func (q *queue) borrow(l *loan) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.backlog == 0 {
		l.end()
		return
	}
	q.loan, q.since = l, time.Now()
}

// payLocked ends the loan: the frames are gone.
func (q *queue) payLocked() {
	if q.loan != nil {
		q.loan.end()
		q.loan = nil
	}
}

// owesSince tells since when replayed frames have been waiting for their reader; zero if none do.
func (q *queue) owesSince() time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.loan == nil || !q.loan.owes() {
		return time.Time{}
	}
	return q.since
}

// waiting tells how many bytes wait to be written, and how many are held back.
func (q *queue) waiting() (queued, held int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return 0, 0
	}
	return q.bytes, q.heldLen
}

// take gives the writer all that waits. An empty answer ends the writer.
func (q *queue) take(done int) [][]byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= done
	q.backlog = max(0, q.backlog-done)
	if q.loan != nil {
		if q.loan.pay(done); q.backlog == 0 {
			q.payLocked()
		}
	}
	frames := q.frames
	q.frames = nil
	if len(frames) == 0 {
		q.writing = false
	}
	return frames
}

// close drops what waits. A frame pushed later is dropped too.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.frames, q.held, q.bytes = true, nil, nil, 0
	q.payLocked()
}
