package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// keep stores a record.
func (r *runner) keep(ctx context.Context, a Attempt, record wire.Traversal, res *Result) bool {
	if err := r.store(ctx, record); err != nil {
		res.Left = append(res.Left, Left{a, "not stored: " + err.Error()})
		return false
	}
	delete(r.spoiled, a)
	res.Made = append(res.Made, record)
	if r.o.Each != nil {
		r.o.Each(Progress{res.Planned, res.Before + len(res.Made), record})
	}
	return true
}

// store tries for as long as there is patience: a record that may have been stored can be stored again. It is worth a moment even if the run is to end.
func (r *runner) store(ctx context.Context, record wire.Traversal) error {
	const parting = 5 * time.Second
	limit := r.o.Patience
	if ctx.Err() != nil {
		limit = min(limit, parting)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	for {
		err := r.o.Bus.StoreTraversal(ctx, record)
		if !errors.Is(err, bus.ErrUnavailable) || ctx.Err() != nil {
			return err
		}
		if err := r.o.Bus.WaitReady(ctx); err != nil {
			return err
		}
		pause(ctx)
	}
}

func pause(ctx context.Context) {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// leave tells of what was not made. What was tried, and failed for want of signalling, is stored as that, until one can't be: the others would each be waited for as long.
func (r *runner) leave(ctx context.Context, res *Result) {
	there := map[wire.AgentID]bool{}
	for _, a := range r.agents.List() {
		there[a.ID] = true
	}
	away := false
	for _, a := range r.pending {
		record, tried := r.spoiled[a]
		if tried && ctx.Err() == nil && !away {
			away = !r.keep(ctx, a, record, res)
			continue
		}
		why := r.why[a]
		for _, id := range []wire.AgentID{a.A, a.B} {
			if !there[id] {
				why = fmt.Sprintf("agent %s is not there", id)
			}
		}
		if tried {
			why = "not stored: as the one before"
		}
		if ctx.Err() != nil {
			why = "it was interrupted"
		}
		res.Left = append(res.Left, Left{a, why})
	}
}
