package loadtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// reconnectStorm kills one of two edges with SIGKILL. All its sessions resume on the other at once, without the jitter that a real client
// has, while the peers of each go on posting to it: what it missed must be replayed. The bound's sockets only connect again.
func reconnectStorm(ctx context.Context, b *run) error {
	var missed samples
	ours := func(ctx context.Context) ([]float64, error) {
		took, replayed, err := b.killEdge(ctx)
		missed = append(missed, float64(replayed))
		return []float64{micros(took) / 1000}, err
	}
	bound := func(ctx context.Context) ([]float64, error) {
		took, err := b.killRelay(ctx)
		return []float64{micros(took) / 1000}, err
	}
	got, err := inTurns(ctx, b.tick, 0, b.StormReps, ours, bound)
	if err != nil {
		return err
	}
	b.add(compare(fmt.Sprintf("reconnect storm, %d of %d sessions resumed", b.Reconnects/2, b.Reconnects), "ms", got[0][0], got[1][0],
		Target{RatioAtMost: 2}))
	b.add(compare("posts that were missed and replayed, each once", "", missed, nil, Target{}))
	return nil
}

// killEdge returns how long it took from the kill until the last session had resumed, and how many posts came to those that were away.
func (b *run) killEdge(ctx context.Context) (took time.Duration, replayed uint64, err error) {
	m, err := startMesh(ctx, b.programs, 2)
	if err != nil {
		return 0, 0, err
	}
	defer m.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pairs := make([]*survivor, b.Reconnects/2)
	defer func() {
		for _, v := range pairs {
			v.close()
		}
	}()
	err = each(ctx, len(pairs), b.AtOnce, func(ctx context.Context, i int) (err error) {
		pairs[i], err = m.survivor(ctx, fmt.Sprintf("storm%d", i))
		return err
	})
	if err != nil {
		return 0, 0, err
	}

	streams := make([]*stream, len(pairs))
	mortal := make([]*conn, len(pairs))
	for i, v := range pairs {
		streams[i], mortal[i] = v.stream, v.session.conn
	}
	f := newFlow(streams)
	defer f.close()
	var killed atomic.Int64 // Unix ns; 0 before
	var readers sync.WaitGroup
	resumed := make(chan outage, len(pairs))
	for _, v := range pairs {
		readers.Go(func() {
			if err := v.live(ctx, m, &killed, resumed); err != nil && ctx.Err() == nil {
				f.fail(err)
			}
		})
	}
	defer readers.Wait()
	defer func() { // before it, so that they end
		cancel()
		for _, v := range pairs {
			v.cut()
		}
	}()

	posting, endPosts := make(chan error, 1), make(chan struct{})
	go func() { posting <- b.postOn(ctx, f, endPosts) }()
	stop := keepAlive(mortal)
	select { // so that every room has had its posts
	case <-time.After(b.Slice):
	case <-ctx.Done():
	}
	stop()
	begin := time.Now()
	killed.Store(begin.UnixNano())
	m.edges[0].kill()
	for range pairs {
		select {
		case o := <-resumed:
			took = max(took, o.end.Sub(begin))
			replayed += o.missed
		case err := <-f.failed:
			return 0, 0, err
		case err := <-posting:
			return 0, 0, fmt.Errorf("posting: %w", err)
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		}
	}
	close(endPosts)
	if err := <-posting; err != nil {
		return 0, 0, fmt.Errorf("posting: %w", err)
	}
	return took, replayed, f.settle(ctx)
}

// postOn has every stream post now and then, until it is told to stop.
func (b *run) postOn(ctx context.Context, f *flow, stop <-chan struct{}) error {
	rate := max(20, b.Reconnects/5)
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		if err := paced(ctx, f, rate, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// killRelay returns how long it took from the kill of a bare relay until the last of its sockets was connected to the other.
func (b *run) killRelay(ctx context.Context) (time.Duration, error) {
	relays, err := startBare(ctx, b.programs, 2)
	if err != nil {
		return 0, err
	}
	defer relays.close()
	n := b.Reconnects / 2
	conns := make([]*conn, 2*n) // first those of the relay that dies
	defer func() { closeConns(conns) }()
	err = each(ctx, len(conns), b.AtOnce, func(ctx context.Context, i int) (err error) {
		conns[i], err = relays.enter(ctx, i/n, doPlain, fmt.Sprintf("storm%d", i%n))
		return err
	})
	if err != nil {
		return 0, err
	}
	ends := make(chan error, n)
	for i := range n {
		go func() {
			_, err := conns[i].next()
			if told := new(closed); err == nil || errors.As(err, &told) {
				ends <- fmt.Errorf("a socket did not end by the kill: %w", err)
				return
			}
			_ = conns[i].Close()
			conns[i], err = relays.enter(ctx, 1, doPlain, fmt.Sprintf("storm%d", i))
			ends <- err
		}()
	}
	begin := time.Now()
	relays.relays[0].kill()
	for range n {
		if err1 := <-ends; err1 != nil && err == nil {
			err = err1
		}
	}
	return time.Since(begin), err
}

// outage is what one session went through.
type outage struct {
	end    time.Time // when it had resumed
	missed uint64    // posts that had been accepted for it by then
}
