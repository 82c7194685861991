package edge

import (
	"context"
	"testing"
	"time"

	"callmesh/bus/wire"
)

// Without traces a request passes a few comparisons with nil.
func TestTracesOffCostNothing(t *testing.T) {
	e, s, ctx, start := &Edge{}, &session{}, context.Background(), time.Now()
	var args any = wire.PostArgs{Room: "lobby"}
	if n := testing.AllocsPerRun(1000, func() {
		span := e.traceRequest(wire.OpPost, args, start)
		if withSpan(ctx, span) != ctx || e.spanOf(ctx) != nil {
			t.Error("there is a span")
		}
		endRequest(span, s, nil)
	}); n > 0 {
		t.Errorf("%g allocations", n)
	}
}
