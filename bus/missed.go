package bus

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus/wire"
)

const (
	// missedTTL and maxKept bound the calls kept for a user.
	missedTTL = 30 * 24 * time.Hour
	maxKept   = 50
)

// KeptCall is a call that its callee's next hello is to hear of. The list stands in the caller's region, where the call is decided.
type KeptCall struct {
	wire.Missed
	// Rings says that whether anybody answers was not known when this was written; the call's decision tells.
	Rings bool `json:"rings,omitempty"`
	// ShownTo is the session whose hello has told of the call last, in its generation ShownGen and at ShownAt (Unix ms). It stays in the list
	// until that session's client has proven that it got it.
	ShownTo  wire.PeerID `json:"shownTo,omitempty"`
	ShownGen uint64      `json:"shownGen,omitempty"`
	ShownAt  int64       `json:"shownAt,omitempty"`
}

func missedBucket(r wire.Region) string { return "cm_missed_" + string(r) }

func (b *Bus) missedConfig() jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: missedBucket(b.opts.Region), Description: "callmesh: calls that ring, or rang in vain",
		TTL: missedTTL, Storage: jetstream.FileStorage, Replicas: b.opts.Replicas, MaxBytes: 16 << 20,
	}
}

func userKey(u wire.UserID) string { return base64.RawURLEncoding.EncodeToString([]byte(u)) }

// KeepCall keeps a call for the user, in the region of the call. The oldest go once there are more than a bound. One that is kept already
// stays as it is.
func (b *Bus) KeepCall(ctx context.Context, u wire.UserID, c KeptCall) error {
	region, ok := c.Call.Region()
	if !ok {
		return ErrNotFound
	}
	return b.ChangeKept(ctx, region, u, func(list []KeptCall) []KeptCall {
		if slices.ContainsFunc(list, func(o KeptCall) bool { return o.Call == c.Call }) {
			return list
		}
		list = append(list, c)
		return list[max(0, len(list)-maxKept):]
	})
}

// DropCalls takes calls out of the user's list in a region.
func (b *Bus) DropCalls(ctx context.Context, region wire.Region, u wire.UserID, calls ...wire.CallID) error {
	return b.ChangeKept(ctx, region, u, func(list []KeptCall) []KeptCall {
		return slices.DeleteFunc(list, func(c KeptCall) bool { return slices.Contains(calls, c.Call) })
	})
}

// KeptCalls returns the user's list of every region that answers. Another region that does not keeps its own for another hello.
func (b *Bus) KeptCalls(ctx context.Context, u wire.UserID) map[wire.Region][]KeptCall {
	all := make(map[wire.Region][]KeptCall)
	var mu sync.Mutex // guards all
	var wg sync.WaitGroup
	for _, region := range b.regions.list() {
		wg.Go(func() {
			err := b.reach(ctx, region, func(ctx context.Context) error {
				list, _, err := b.keptIn(ctx, region, u)
				if err == nil {
					mu.Lock()
					defer mu.Unlock()
					all[region] = list
				}
				return err
			})
			if err != nil && !errors.Is(err, errAway) {
				b.log.Warn("kept calls can't be read; they wait for another hello", "region", region, "error", err)
			}
		})
	}
	wg.Wait()
	return all
}

// KeptCallsIn returns the user's list of one region.
func (b *Bus) KeptCallsIn(ctx context.Context, region wire.Region, u wire.UserID) ([]KeptCall, error) {
	list, _, err := b.keptIn(ctx, region, u)
	return list, err
}

// keptIn reads from the leader: a copy that lags would give a list that is no more, and a conflict each time until it has caught up.
func (b *Bus) keptIn(ctx context.Context, region wire.Region, u wire.UserID) (list []KeptCall, seq uint64, err error) {
	bucket := missedBucket(region)
	last, err := b.lastOf(ctx, "KV_"+bucket, "$KV."+bucket+"."+userKey(u))
	if err != nil {
		return nil, 0, err
	}
	if len(last.Data) > 0 { // a deleted one is empty
		if err := json.Unmarshal(last.Data, &list); err != nil {
			b.log.Error("a list of kept calls can't be read and is dropped", "error", err)
		}
	}
	return list, last.Seq, nil
}

// ChangeKept replaces the user's list in a region by what change makes of it, again whenever somebody else was quicker. change may do with its
// argument what it likes.
func (b *Bus) ChangeKept(ctx context.Context, region wire.Region, u wire.UserID, change func([]KeptCall) []KeptCall) error {
	kv, err := b.bucket(ctx, missedBucket(region))
	if err != nil {
		return err
	}
	for {
		list, seq, err := b.keptIn(ctx, region, u)
		if err != nil {
			return err
		}
		changed := change(slices.Clone(list))
		switch {
		case slices.Equal(list, changed):
			return nil
		case len(changed) > 0:
			value, _ := json.Marshal(changed) // strings and numbers: it can't fail
			_, err = kv.Update(ctx, userKey(u), value, seq)
		default:
			err = kv.Delete(ctx, userKey(u), jetstream.LastRevision(seq))
		}
		if err == nil {
			return nil
		}
		if !conflicts(err) {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
}
