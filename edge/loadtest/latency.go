package loadtest

import (
	"context"
	"fmt"
	"time"
)

// latencyRate is how many messages a second are on their way, one at a time: few enough that none waits for another.
const latencyRate = 1000

// latencyPairs spread them, so that no session comes near its rate.
const latencyPairs = 10

// latency measures relaying on one edge and across two.
func latency(ctx context.Context, b *run) error {
	for _, across := range []bool{false, true} {
		if err := b.latency(ctx, across); err != nil {
			return err
		}
	}
	return nil
}

func (b *run) latency(ctx context.Context, across bool) error {
	nodes, where, p50, p99 := 1, "same edge", Target{}, Target{}
	if across {
		nodes, where, p50, p99 = 2, "cross-edge", Target{RatioAtMost: 1.3}, Target{RatioAtMost: 2}
	}
	both, err := startBoth(ctx, b.programs, nodes)
	if err != nil {
		return err
	}
	defer both.close()
	ours, err := both.mesh.cross(ctx, latencyPairs, 0, nodes-1, 200)
	defer closeAll(ours)
	if err != nil {
		return err
	}
	theirs, err := both.bare.cross(ctx, latencyPairs, 0, nodes-1, 200)
	defer closeAll(theirs)
	if err != nil {
		return err
	}
	defer keepAlive(ends(ours))()

	measure := func(streams []*stream) measurement {
		return func(ctx context.Context) ([]float64, error) {
			delivered, answered, err := pingPong(ctx, streams, b.Slice)
			return []float64{delivered.quantile(0.5), delivered.quantile(0.99), answered.quantile(0.5)}, err
		}
	}
	got, err := inTurns(ctx, b.tick, 1, b.Reps, measure(ours), measure(theirs))
	if err != nil {
		return err
	}
	b.add(compare(where+" latency p50", "µs", got[0][0], got[1][0], p50))
	b.add(compare(where+" latency p99", "µs", got[0][1], got[1][1], p99))
	if across {
		b.add(compare("until the sender's ok p50", "µs", got[0][2], nil, Target{}))
	}
	return nil
}

// pingPong sends one message after another and reads its ends itself: no goroutine of the generator has to be woken in between. It returns
// the times in microseconds until delivery, and until the answer where there is one.
func pingPong(ctx context.Context, streams []*stream, d time.Duration) (delivered, answered samples, err error) {
	begin := time.Now()
	for i := 0; time.Since(begin) < d; i++ {
		if wait := time.Until(begin.Add(time.Duration(i) * time.Second / latencyRate)); wait > 0 {
			time.Sleep(wait)
		}
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		s := streams[i%len(streams)]
		sink := s.sinks[0]
		n, frame := s.message()
		sent := time.Now()
		if _, err := s.from.Write(frame); err != nil {
			return nil, nil, err
		}
		at, err := await(sink.conn, func(f []byte) (bool, error) { return s.gotFrame(sink, f) })
		if err != nil {
			return nil, nil, fmt.Errorf("message %d: %w", n, err)
		}
		delivered = append(delivered, micros(at.Sub(sent)))
		if s.idAt > 0 {
			if at, err = await(s.from, s.answeredFrame); err != nil {
				return nil, nil, fmt.Errorf("answer to %d: %w", n, err)
			}
			answered = append(answered, micros(at.Sub(sent)))
		}
	}
	return delivered, answered, nil
}

// await reads until a frame is the one that take waits for, and returns when that was.
func await(c *conn, take func([]byte) (bool, error)) (time.Time, error) {
	for {
		frame, err := c.nextWithin(patience)
		if err != nil {
			return time.Time{}, err
		}
		at := time.Now()
		if ours, err := take(frame); ours || err != nil {
			return at, err
		}
	}
}
