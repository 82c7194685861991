package loadtest

import (
	"context"
	"errors"
	"sync"
	"time"
)

// paced sends so many messages a second for d, in turns on all streams. Both sides under a paced load do the same work at the same moments,
// so what batching an overload allows does not count.
func paced(ctx context.Context, f *flow, perSecond int, d time.Duration) error {
	total := int(int64(perSecond) * int64(d) / int64(time.Second))
	begin := time.Now()
	for i := range total {
		if wait := time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(perSecond))); wait > 0 {
			time.Sleep(wait)
		}
		s := f.streams[f.next%len(f.streams)]
		f.next++
		if err := s.post(); err != nil {
			return err
		}
		if err := f.check(ctx); err != nil {
			return err
		}
	}
	return nil
}

// check returns what has gone wrong so far.
func (f *flow) check(ctx context.Context) error {
	select {
	case err := <-f.failed:
		return err
	default:
		return ctx.Err()
	}
}

// windowed has every stream send for d as fast as it can with at most window messages that were not answered yet.
func windowed(ctx context.Context, f *flow, window uint64, d time.Duration) error {
	end := time.Now().Add(d)
	errs := make(chan error, len(f.streams))
	var wg sync.WaitGroup
	for _, s := range f.streams {
		wg.Go(func() { errs <- s.pump(ctx, window, end) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return errors.Join(err, f.check(ctx))
		}
	}
	return f.check(ctx)
}

func (s *stream) pump(ctx context.Context, window uint64, end time.Time) error {
	timeout := time.NewTimer(time.Until(end))
	defer timeout.Stop()
	for time.Now().Before(end) {
		for open := s.sent.Load() - s.done(); open < window; open++ {
			if err := s.post(); err != nil {
				return err
			}
		}
		select {
		case <-s.wake:
		case <-timeout.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// heartbeat is how often keepAlive has a session say something: the edge cuts one that was silent for 30 s.
const heartbeat = 10 * time.Second

// keepAlive pings sessions, spread evenly over the heartbeat, until stop is called. The answers have the id 0 and come to whoever reads.
func keepAlive(conns []*conn) (stop func()) {
	const slots = 100
	frame := appendFrame(nil, opText, []byte(`{"id":0,"op":"ping"}`))
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(heartbeat / slots)
		defer tick.Stop()
		for slot := 0; ; slot = (slot + 1) % slots {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			for i := slot; i < len(conns); i += slots {
				_, _ = conns[i].Write(frame) // who is gone is found by its reader
			}
		}
	}()
	return func() { close(quit); <-done }
}

// ends are the connections of all senders and receivers.
func ends(streams []*stream) []*conn {
	var list []*conn
	for _, s := range streams {
		list = append(list, s.from)
		for _, k := range s.sinks {
			list = append(list, k.conn)
		}
	}
	return list
}
