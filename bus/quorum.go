package bus

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"callmesh/bus/wire"
)

// A connection says only that one NATS node is there. One that is cut off from most of its cluster still serves its clients, and no stream takes their
// messages. So whenever that may be so, the streams are asked.

const (
	// doubtEvery is how long it takes to ask again, while streams don't answer.
	doubtEvery = time.Second
	// doubts is how often in a row none of them must take a message until the bus counts as lost. One of them may just be choosing its leader.
	doubts = 3
)

// doubt has the streams asked whether they take messages, unless that is being done.
func (b *Bus) doubt() {
	if b.doubting.Swap(true) {
		return
	}
	if !b.own(func() {
		defer b.doubting.Store(false)
		b.askStreams(b.ctx)
	}) {
		b.doubting.Store(false)
	}
}

// askStreams returns once a stream of the region takes messages, or when the connection is lost, which tells by itself. While none does, the bus is not
// ready.
func (b *Bus) askStreams(ctx context.Context) {
	tick := time.NewTicker(doubtEvery)
	defer tick.Stop()
	for failed := 0; ; {
		epoch := b.epoch.Load()
		if !b.nc.IsConnected() || b.readyAt.Load() != epoch+1 && !b.stranded.Load() {
			return // keep makes sure of the streams once there is a connection
		}
		if b.anyStreamTakes(ctx) {
			if b.stranded.Swap(false) {
				b.log.Info("the streams take messages again")
				b.onReady.call()
			}
			return
		}
		if failed++; failed == doubts && b.epoch.Load() == epoch && b.nc.IsConnected() && !b.stranded.Swap(true) {
			b.log.Warn("no stream takes messages: this NATS node may be cut off from the others")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// anyStreamTakes stores a mark in each of the region's streams, or as a guest of none in those of all, and reports whether one of them took it.
func (b *Bus) anyStreamTakes(ctx context.Context) bool {
	ctx, cancel := b.bounded(ctx, doubtEvery)
	defer cancel()
	var takes atomic.Bool
	var wg sync.WaitGroup
	regions := []wire.Region{b.opts.Region}
	if b.opts.Region == "" {
		regions = b.regions.list()
	}
	for _, region := range regions {
		for shard := range Shards {
			wg.Go(func() {
				if _, err := b.mark(ctx, streamKey{region, shard}); err == nil {
					takes.Store(true)
					cancel() // one is enough
				}
			})
		}
	}
	wg.Wait()
	return takes.Load()
}
