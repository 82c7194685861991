package loadtest

import (
	"context"
	"fmt"
	"strconv"
)

// cpuPerMessage measures what a signal from edge to edge costs the edges and the nats-server, beside what it costs two bare relays and theirs.
// Ours is acked by the stream and can be replayed; the bound's is neither, and nothing answers its sender. Most of a message's time goes into
// waking whoever waits for it, so it is measured twice: at a rate that leaves the machine idle in between, and at the highest there is.
func cpuPerMessage(ctx context.Context, b *run) error {
	both, err := startBoth(ctx, b.programs, 2)
	if err != nil {
		return err
	}
	defer both.close()
	for _, size := range []int{200, 1500} {
		err := b.cross(ctx, both, b.Pairs, size, func(of, tf *flow) error {
			got, err := b.compareCPU(ctx, both, of, tf, func(ctx context.Context, f *flow) error { return paced(ctx, f, b.Rate, b.Slice) })
			if err == nil {
				b.add(compareWork(fmt.Sprintf("CPU per message, %d B, %d/s", size, b.Rate), got, Target{RatioAtMost: 1.5}))
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("%d bytes: %w", size, err)
		}
	}
	return b.pings(ctx)
}

// ceiling measures how many messages a second two edges relay, with many senders that each have some requests without an answer.
func ceiling(ctx context.Context, b *run) error {
	both, err := startBoth(ctx, b.programs, 2)
	if err != nil {
		return err
	}
	defer both.close()
	for _, size := range []int{200, 1500} {
		err := b.cross(ctx, both, b.Pumps, size, func(of, tf *flow) error {
			got, err := b.compareCPU(ctx, both, of, tf, func(ctx context.Context, f *flow) error {
				return windowed(ctx, f, uint64(b.Window), b.Slice)
			})
			if err == nil {
				b.add(compare(fmt.Sprintf("ceiling, %d B", size), "/s", got[0][perSecond], got[1][perSecond], Target{}))
				b.add(compareWork(fmt.Sprintf("CPU per message, %d B, at the ceiling", size), got, Target{RatioAtMost: 1.5}))
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("%d bytes: %w", size, err)
		}
	}
	return nil
}

// cross opens pairs across two nodes on both sides, and closes them after use.
func (b *run) cross(ctx context.Context, both both, pairs, size int, use func(ours, bound *flow) error) error {
	of, err := opened(both.mesh.cross(ctx, pairs, 0, 1, size))
	if err != nil {
		return err
	}
	defer of.close()
	tf, err := opened(both.bare.cross(ctx, pairs, 0, 1, size))
	if err != nil {
		return err
	}
	defer tf.close()
	defer keepAlive(ends(of.streams))()
	return use(of, tf)
}

// pings measures the only request that nobody else hears of, beside a bare echo: what reading a frame and answering it costs.
func (b *run) pings(ctx context.Context) error {
	both, err := startBoth(ctx, b.programs, 1)
	if err != nil {
		return err
	}
	defer both.close()
	open := func(request string, connect func(ctx context.Context, i int) (*conn, error)) (*flow, error) {
		streams := make([]*stream, b.Pairs)
		return opened(streams, each(ctx, len(streams), b.AtOnce, func(ctx context.Context, i int) error {
			c, err := connect(ctx, i)
			if err == nil {
				streams[i] = newAnswered(request, c)
			}
			return err
		}))
	}
	of, err := open(`"op":"ping"`, func(ctx context.Context, i int) (*conn, error) {
		s, err := both.mesh.join(ctx, 0, "ping"+strconv.Itoa(i/2))
		if err != nil {
			return nil, err
		}
		return s.conn, nil
	})
	if err != nil {
		return err
	}
	defer of.close()
	tf, err := open(`"ok":{}`, func(ctx context.Context, _ int) (*conn, error) { return both.bare.enter(ctx, 0, doEcho, "") })
	if err != nil {
		return err
	}
	defer tf.close()
	got, err := b.compareCPU(ctx, both, of, tf, func(ctx context.Context, f *flow) error { return paced(ctx, f, b.Rate, b.Slice) })
	if err == nil {
		b.add(compareWork("CPU per ping, beside an echo", got, Target{}))
	}
	return err
}
