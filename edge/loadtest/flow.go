package loadtest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// flow reads what comes to the ends of streams, each on a goroutine of its own, until it is stopped.
type flow struct {
	streams []*stream
	wg      sync.WaitGroup
	next    int // whose turn it is, of a paced load
	stop    atomic.Bool
	failed  chan error // has room for one: the first error ends all
}

// newFlow begins to read. A sink without a connection is somebody else's to read.
func newFlow(streams []*stream) *flow {
	f := &flow{streams: streams, failed: make(chan error, 1)}
	for _, s := range streams {
		for _, k := range s.sinks {
			if k.conn != nil {
				f.wg.Go(func() { f.read(k.conn, s, func(frame []byte) (bool, error) { return s.gotFrame(k, frame) }) })
			}
		}
		f.wg.Go(func() { f.read(s.from, s, s.answeredFrame) })
	}
	return f
}

func (f *flow) read(c *conn, s *stream, take func([]byte) (bool, error)) {
	for {
		frame, err := c.next()
		if err == nil {
			_, err = take(frame)
		}
		if err != nil {
			if !f.stop.Load() {
				f.fail(err)
			}
			return
		}
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

func (f *flow) fail(err error) {
	select {
	case f.failed <- err:
	default:
	}
}

// settle waits until all that was sent has arrived and was answered.
func (f *flow) settle(ctx context.Context) error {
	deadline := time.Now().Add(patience)
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for {
		var sent, want, got, open uint64
		for _, s := range f.streams {
			n := s.sent.Load()
			sent, want, got, open = sent+n, want+n*uint64(max(1, len(s.sinks))), got+s.delivered(), open+n-s.done()
		}
		if got == want && open == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("of %d messages sent, %d of %d deliveries are missing and %d answers", sent, want-got, want, open)
		}
		select {
		case <-poll.C:
		case err := <-f.failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// deliveries is how many there were so far.
func (f *flow) deliveries() (n uint64) {
	for _, s := range f.streams {
		n += s.delivered()
	}
	return n
}

// close cuts all connections and waits for their readers.
func (f *flow) close() {
	f.stop.Store(true)
	for _, s := range f.streams {
		s.close()
	}
	f.wg.Wait()
}
