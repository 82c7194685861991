package edge

import (
	"context"
	"time"

	"callmesh/bus/wire"
)

// goawayPatience is how long a client may take to follow a goaway.
const goawayPatience = 2 * time.Second

// Drain makes the edge unready and sends its sessions elsewhere, spread over the time that ctx leaves, so that the other edges are not stormed. It
// returns when no socket is left, or with ctx; what is left then is cut by [Edge.Close], and resumes like after any loss.
func (e *Edge) Drain(ctx context.Context) {
	if e.draining.Swap(true) {
		return
	}
	list := e.socketList()
	e.log.Info("draining", "sockets", len(list))
	spread := time.Second
	if deadline, ok := ctx.Deadline(); ok {
		spread = max(0, time.Until(deadline)*2/3)
	}
	step := min(spread/time.Duration(max(1, len(list))), 50*time.Millisecond)
	tick := time.NewTicker(max(step, time.Microsecond))
	defer tick.Stop()
	for _, s := range list {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.send(wire.AppendJSON(nil, wire.GoawayEvent{Head: wire.Head{Ev: wire.EvGoaway}, Reason: wire.GoawayDraining}))
	}
	// A client that heeds the goaway resumes elsewhere before its socket here goes, and misses nothing for a moment. The others are told once more.
	heeded := time.NewTimer(min(spread/2, goawayPatience))
	defer heeded.Stop()
	for _, s := range list {
		select {
		case <-ctx.Done():
			return
		case <-s.ended:
		case <-heeded.C:
			e.closeAll(wire.CloseDraining, "this edge is about to shut down: resume on another")
		}
	}
	for _, s := range list {
		select {
		case <-ctx.Done():
			return
		case <-s.ended:
		}
	}
}
