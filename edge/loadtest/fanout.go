package loadtest

import (
	"context"
	"fmt"
)

// fanOut measures what it costs to deliver one post to many peers on one other edge.
func fanOut(ctx context.Context, b *run) error {
	both, err := startBoth(ctx, b.programs, 2)
	if err != nil {
		return err
	}
	defer both.close()
	of, err := opened(both.mesh.fan(ctx, b.FanRooms, b.FanPeers, 200))
	if err != nil {
		return err
	}
	defer of.close()
	tf, err := opened(both.bare.fan(ctx, b.FanRooms, b.FanPeers, 200))
	if err != nil {
		return err
	}
	defer tf.close()
	defer keepAlive(ends(of.streams))()
	got, err := b.compareCPU(ctx, both, of, tf, func(ctx context.Context, f *flow) error { return paced(ctx, f, b.FanRate, b.Slice) })
	if err != nil {
		return err
	}
	b.add(compareWork(fmt.Sprintf("fan-out to %d, CPU per delivery", b.FanPeers), got, Target{RatioAtMost: 1.1}))
	return nil
}
