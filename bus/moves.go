package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus/wire"
)

// MoveLife is how long what moves to another device waits for it.
const MoveLife = 10 * time.Minute

// moveBytes holds what a few addresses can bring in that time, thousands of the largest.
const moveBytes = 64 << 20

func movesBucket(r wire.Region) string { return "cm_moves_" + string(r) }

func (b *Bus) movesConfig() jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: movesBucket(b.opts.Region), Description: "callmesh: what moves to another device, encrypted by the page",
		TTL: MoveLife, Storage: jetstream.FileStorage, Replicas: b.opts.Replicas, MaxBytes: moveBytes,
	}
}

// KeepMove stores data in the own region, under a code that nobody can guess, until an absolute time.
func (b *Bus) KeepMove(ctx context.Context, data []byte) (code wire.MoveCode, until time.Time, err error) {
	kv, err := b.bucket(ctx, movesBucket(b.opts.Region))
	if err != nil {
		return "", until, err
	}
	code = wire.NewMoveCode(b.opts.Region)
	until = time.Now().Add(MoveLife)
	if _, err = kv.Create(ctx, string(code), data); err != nil {
		return "", until, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return code, until, nil
}

// TakeMove returns the data of a code and forgets it: of any number of callers, wherever they are, one gets it. The others, and who has a code that
// never was or is too old, get [ErrNotFound]. After [ErrUnavailable] it may be forgotten.
func (b *Bus) TakeMove(ctx context.Context, code wire.MoveCode) (data []byte, err error) {
	region, ok := code.Region()
	if !ok {
		return nil, ErrNotFound
	}
	if regions := b.regions.list(); len(regions) == 0 {
		return nil, fmt.Errorf("%w: its regions are not known yet", ErrUnavailable)
	} else if !slices.Contains(regions, region) {
		return nil, ErrNotFound
	}
	err = b.reach(ctx, region, func(ctx context.Context) error {
		kv, err := b.bucket(ctx, movesBucket(region))
		if err != nil {
			return err
		}
		last, err := b.lastOf(ctx, "KV_"+kv.Bucket(), "$KV."+kv.Bucket()+"."+string(code))
		if err != nil {
			return err
		}
		if len(last.Data) == 0 || time.Since(last.Time) > MoveLife { // it was taken, or waits to be forgotten
			return ErrNotFound
		}
		// The leader takes one such word after this revision.
		switch err = kv.Delete(ctx, string(code), jetstream.LastRevision(last.Seq)); {
		case conflicts(err):
			return ErrNotFound
		case err != nil:
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		data = last.Data
		return nil
	})
	if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrUnavailable) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return data, err
}
