package loadtest

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// joinQuiet is how long the processes are quiet before clients join, and after, until the CPU time is read.
const joinQuiet = 200 * time.Millisecond

// joinStorm measures clients that connect and join: rooms of two, one on each edge. The bound is a bare upgrade, a subscription, and a question
// to the other relay.
func joinStorm(ctx context.Context, b *run) error {
	both, err := startBoth(ctx, b.programs, 2)
	if err != nil {
		return err
	}
	defer both.close()
	ours := b.joins(both.mesh.cpu, func() (joiner, error) {
		tokens := make([]string, b.Joins)
		for i := range tokens { // signing is not what is measured
			var err error
			if tokens[i], err = both.mesh.token(); err != nil {
				return joiner{}, err
			}
		}
		storm := strconv.FormatUint(both.mesh.users.Load(), 10)
		met := make([]func() error, b.Joins)
		return joiner{
			join: func(ctx context.Context, i int) (*conn, error) {
				s, err := both.mesh.connect(ctx, i%2, tokens[i])
				if err != nil {
					return nil, err
				}
				met[i], err = s.joinPair("storm" + storm + "-" + strconv.Itoa(i/2))
				return s.conn, err
			},
			check: func(_ context.Context, i int) error { return met[i]() },
		}, nil
	})
	round := 0
	bound := b.joins(both.bare.cpu, func() (joiner, error) {
		round++
		return joiner{
			join: func(ctx context.Context, i int) (*conn, error) {
				return both.bare.enter(ctx, i%2, doJoin, fmt.Sprintf("storm%d-%d", round, i/2))
			},
			check: func(context.Context, int) error { return nil }, // its greeting is all that it promises
		}, nil
	})
	got, err := inTurns(ctx, b.tick, 1, b.Reps, ours, bound)
	if err != nil {
		return err
	}
	b.add(compare("join storm, joins a second", "/s", got[0][perSecond], got[1][perSecond], Target{RatioAtLeast: 0.8}))
	b.add(compareWork("join storm, CPU per join", got, Target{AtMost: 250}))
	return nil
}

type joiner struct {
	join  func(ctx context.Context, i int) (*conn, error)
	check func(ctx context.Context, i int) error // that it was a join indeed
}

// joins measures the CPU time of a join in microseconds, and the joins a second.
func (b *run) joins(cpu func() (work, error), prepare func() (joiner, error)) measurement {
	return func(ctx context.Context) ([]float64, error) {
		j, err := prepare()
		if err != nil {
			return nil, err
		}
		conns := make([]*conn, b.Joins)
		defer closeConns(conns)
		if err := quiet(ctx, joinQuiet, cpu); err != nil {
			return nil, err
		}
		before, err := cpu()
		if err != nil {
			return nil, err
		}
		begin := time.Now()
		err = each(ctx, b.Joins, b.AtOnce, func(ctx context.Context, i int) (err error) {
			conns[i], err = j.join(ctx, i)
			return err
		})
		took := time.Since(begin)
		if err == nil {
			err = quiet(ctx, joinQuiet, cpu)
		}
		if err != nil {
			return nil, err
		}
		after, err := cpu()
		if err != nil {
			return nil, err
		}
		if err := each(ctx, b.Joins, b.AtOnce, j.check); err != nil {
			return nil, err
		}
		err = each(ctx, b.Joins, b.AtOnce, func(_ context.Context, i int) error { conns[i].leave(); return nil })
		return append(after.since(before).values(float64(b.Joins)), float64(b.Joins)/took.Seconds()), err
	}
}
