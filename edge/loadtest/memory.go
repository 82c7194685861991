package loadtest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"
)

// idleMemory measures the resident memory of sessions that do nothing, two in a room, on one edge; beside it as many bare connections.
func idleMemory(ctx context.Context, b *run) error {
	both, err := startBoth(ctx, b.programs, 1)
	if err != nil {
		return err
	}
	defer both.close()
	m, bound := both.mesh, both.bare
	ours, err := b.grow(ctx, m.edges[0], func(ctx context.Context, i int) (*conn, error) {
		s, err := m.join(ctx, 0, "idle"+strconv.Itoa(i/2))
		if err != nil {
			return nil, err
		}
		return s.conn, nil
	}, keepAlive)
	if err != nil {
		return err
	}
	theirs, err := b.grow(ctx, bound.relays[0], func(ctx context.Context, _ int) (*conn, error) {
		return bound.enter(ctx, 0, doIdle, "")
	}, func([]*conn) (stop func()) { return func() {} }) // a bare relay knows no heartbeat
	if err != nil {
		return err
	}
	b.add(compare("memory per idle session, "+strconv.Itoa(b.Idle), "KB", samples{ours}, samples{theirs}, Target{AtMost: 20}))
	return nil
}

// grow connects Idle clients to a process, waits until its memory stays as it is, and returns how much more it is for each, in KB.
func (b *run) grow(
	ctx context.Context, n *node, connect func(ctx context.Context, i int) (*conn, error), keep func([]*conn) (stop func()),
) (float64, error) {
	before, err := b.settledMemory(ctx, n)
	if err != nil {
		return 0, err
	}
	conns := make([]*conn, b.Idle)
	var readers sync.WaitGroup
	defer func() {
		closeConns(conns)
		readers.Wait()
	}()
	err = each(ctx, b.Idle, b.AtOnce, func(ctx context.Context, i int) (err error) {
		conns[i], err = connect(ctx, i)
		return err
	})
	if err != nil {
		return 0, err
	}
	b.tick()
	ended := make(chan error, len(conns))
	for _, c := range conns {
		readers.Go(func() {
			for {
				if _, err := c.next(); err != nil {
					ended <- err
					return
				}
			}
		})
	}
	defer keep(conns)()
	after, err := b.settledMemory(ctx, n)
	if err != nil {
		return 0, err
	}
	b.tick()
	select {
	case err := <-ended: // its memory is not in the number
		return 0, errors.Join(errors.New("a session was lost meanwhile"), err)
	default:
	}
	return float64(after-before) / 1000 / float64(b.Idle), nil
}

const (
	memorySamples = 10               // that must agree, over the time that memory has to stay
	memoryWithin  = 0.01             // of each other
	memoryAtMost  = 40 * time.Second // then the last is taken
)

// settledMemory waits until the resident memory no longer moves: the garbage of the joins is collected and given back.
func (b *run) settledMemory(ctx context.Context, n *node) (int64, error) {
	tick := time.NewTicker(b.Settle / memorySamples)
	defer tick.Stop()
	var last []int64
	for begin := time.Now(); ; {
		now, err := residentOf(n.process)
		if err != nil {
			return 0, err
		}
		last = append(last, now)
		if len(last) > memorySamples {
			last = last[1:]
			low, high := last[0], last[0]
			for _, v := range last {
				low, high = min(low, v), max(high, v)
			}
			if float64(high-low) <= memoryWithin*float64(high) || time.Since(begin) > memoryAtMost {
				return now, nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
