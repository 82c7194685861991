package loadtest

import (
	"context"
	"time"
)

const (
	quietShare  = 0.1              // of one core: what heartbeats, sweeps and leases may use in a quiet moment
	quietAtMost = 40 * time.Second // then it is measured as it is
)

// quiet waits until the processes have had little to do for as long as d: what a load leaves behind, such as rooms that are being left and the
// tails that an edge sends of rooms that fell silent, belongs to nobody's next measurement.
func quiet(ctx context.Context, d time.Duration, cpu func() (work, error)) error {
	every := d / 10
	tick := time.NewTicker(every)
	defer tick.Stop()
	last, err := cpu()
	if err != nil {
		return err
	}
	begin := time.Now()
	for calm := time.Duration(0); calm < d && time.Since(begin) < quietAtMost; {
		at := time.Now()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		now, err := cpu()
		if err != nil {
			return err
		}
		if calm += every; float64(now.since(last).total()) > quietShare*float64(time.Since(at)) {
			calm = 0
		}
		last = now
	}
	return nil
}
