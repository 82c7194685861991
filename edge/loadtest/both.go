package loadtest

import (
	"context"
	"time"
)

// both is a mesh and its bound.
type both struct {
	mesh *mesh
	bare *bare
}

func startBoth(ctx context.Context, programs Programs, nodes int) (both, error) {
	m, err := startMesh(ctx, programs, nodes)
	if err != nil {
		return both{}, err
	}
	b, err := startBare(ctx, programs, nodes)
	if err != nil {
		m.close()
		return both{}, err
	}
	return both{m, b}, nil
}

func (b both) close() {
	b.mesh.close()
	b.bare.close()
}

// opened begins to read the streams that were made, or ends those that were made before it failed.
func opened(streams []*stream, err error) (*flow, error) {
	if err != nil {
		closeAll(streams)
		return nil, err
	}
	return newFlow(streams), nil
}

// compareCPU puts the same load on both in turns. The samples are those of cpuOfLoad.
func (b *run) compareCPU(ctx context.Context, both both, ours, bound *flow, load func(context.Context, *flow) error) ([][]samples, error) {
	return inTurns(ctx, b.tick, 1, b.Reps, cpuOfLoad(ours, both.mesh.cpu, load), cpuOfLoad(bound, both.bare.cpu, load))
}

// perSecond is where cpuOfLoad and joins have their rate, after the three values of [work.values].
const perSecond = 3

// cpuOfLoad is a measurement of what each delivery costs, in microseconds of CPU time, and of how many there were a second.
func cpuOfLoad(f *flow, cpu func() (work, error), load func(context.Context, *flow) error) measurement {
	return func(ctx context.Context) ([]float64, error) {
		before, err := cpu()
		if err != nil {
			return nil, err
		}
		had, begin := f.deliveries(), time.Now()
		if err := load(ctx, f); err != nil {
			return nil, err
		}
		rate := float64(f.deliveries()-had) / time.Since(begin).Seconds()
		if err := f.settle(ctx); err != nil {
			return nil, err
		}
		after, err := cpu()
		if err != nil {
			return nil, err
		}
		return append(after.since(before).values(float64(f.deliveries()-had)), rate), nil
	}
}
