package bus

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus/wire"
)

// CallTTL is how long a call's decision is kept: a call rings for half a minute; what follows is hanging up.
const CallTTL = 12 * time.Hour

// Errors of buckets.
var (
	ErrExists   = errors.New("the key exists")
	ErrNotFound = errors.New("the key does not exist")
)

func callsBucket(r wire.Region) string { return "cm_calls_" + string(r) }

func (b *Bus) callsConfig() jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: callsBucket(b.opts.Region), Description: "callmesh: calls and who decided them",
		TTL: CallTTL, Storage: jetstream.FileStorage, Replicas: b.opts.Replicas, MaxBytes: 128 << 20,
	}
}

// ensureBucket makes the stream that a bucket is (NATS ADR-8) as it is to be from the start: the client's own way makes it and changes it then, and
// a cluster that is just making a stream for somebody else never answers a change of it.
func (b *Bus) ensureBucket(ctx context.Context, cfg jetstream.KeyValueConfig) error {
	return b.ensureStream(ctx, bucketStream(cfg))
}

func bucketStream(cfg jetstream.KeyValueConfig) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: "KV_" + cfg.Bucket, Description: cfg.Description, Subjects: []string{"$KV." + cfg.Bucket + ".>"},
		Storage: cfg.Storage, Replicas: cfg.Replicas, MaxAge: cfg.TTL, MaxBytes: cfg.MaxBytes, MaxMsgSize: cfg.MaxValueSize,
		MaxMsgsPerSubject: 1, Discard: discards(cfg), AllowRollup: true, DenyDelete: true, AllowDirect: true,
		AllowMsgTTL: cfg.LimitMarkerTTL > 0,
	}
}

// discards is what a full bucket lets go. Of what is old soon anyhow the oldest, so that who fills it keeps nobody from calling; of what has no end
// nothing: it must not end by others' doing.
func discards(cfg jetstream.KeyValueConfig) jetstream.DiscardPolicy {
	if cfg.TTL == 0 {
		return jetstream.DiscardNew
	}
	return jetstream.DiscardOld
}

func (b *Bus) bucket(ctx context.Context, name string) (jetstream.KeyValue, error) {
	if !b.nc.IsConnected() {
		return nil, ErrUnavailable
	}
	if kv, ok := b.buckets.Load(name); ok {
		return kv.(jetstream.KeyValue), nil
	}
	kv, err := b.js.KeyValue(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("%w: bucket %s: %w", ErrUnavailable, name, err)
	}
	b.buckets.Store(name, kv) // a handle is its name and subjects: it outlives reconnects
	return kv, nil
}

// putLeased stores an entry of a bucket for a time, or for good if that is 0. Without a value it deletes. If conditions are given that do not hold, it returns [ErrConflict].
func (b *Bus) putLeased(ctx context.Context, region wire.Region, bucket, key string, value []byte, life time.Duration, conditions ...jetstream.PublishOpt) error {
	if !b.nc.IsConnected() {
		return ErrUnavailable
	}
	msg := nats.NewMsg("$KV." + bucket + "." + key)
	msg.Data = value
	if value == nil {
		msg.Header.Set("KV-Operation", "DEL")
	}
	opts := append([]jetstream.PublishOpt{jetstream.WithExpectStream("KV_" + bucket), jetstream.WithRetryAttempts(1)}, conditions...)
	if life > 0 {
		opts = append(opts, jetstream.WithMsgTTL((life + time.Second - 1).Truncate(time.Second)))
	}
	return b.reach(ctx, region, func(ctx context.Context) error {
		ctx, cancel := b.bounded(ctx, ackTimeout)
		defer cancel()
		_, err := b.js.PublishMsg(ctx, msg, opts...)
		switch {
		case conflicts(err):
			return fmt.Errorf("%w: %s", ErrConflict, bucket)
		case err != nil:
			return fmt.Errorf("%w: %s: %w", ErrUnavailable, bucket, err)
		}
		return nil
	})
}

// CreateCall stores part of a call in the region where the call is decided. Of any number of callers with the same call and part, wherever
// they are, exactly one succeeds; the others get [ErrExists].
func (b *Bus) CreateCall(ctx context.Context, call wire.CallID, part string, value []byte) error {
	region, ok := call.Region()
	if !ok {
		return ErrNotFound
	}
	return b.reach(ctx, region, func(ctx context.Context) error {
		kv, err := b.bucket(ctx, callsBucket(region))
		if err != nil {
			return err
		}
		switch _, err = kv.Create(ctx, string(call)+"."+part, value); {
		case errors.Is(err, jetstream.ErrKeyExists):
			return b.awaitCall(ctx, region, call, part)
		case err != nil:
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return nil
	})
}

// awaitCall returns [ErrExists] once the part of the call can be read: a stream with several copies refuses a second one before it has stored the first.
func (b *Bus) awaitCall(ctx context.Context, region wire.Region, call wire.CallID, part string) error {
	ctx, cancel := b.bounded(ctx, ackTimeout)
	defer cancel()
	for {
		value, err := b.callPart(ctx, region, call, part)
		if err != nil {
			return err // that of ctx too, in case the first one was lost on its way
		}
		if value.Seq > 0 {
			return ErrExists
		}
		pause(ctx)
	}
}

// callPart reads a part of a call. Not through the bucket's own get, which a copy that lags may answer.
func (b *Bus) callPart(ctx context.Context, region wire.Region, call wire.CallID, part string) (stored, error) {
	bucket := callsBucket(region)
	return b.lastOf(ctx, "KV_"+bucket, "$KV."+bucket+"."+string(call)+"."+part)
}

// GetCall reads part of a call: [ErrNotFound] if it was never stored, or is long past.
func (b *Bus) GetCall(ctx context.Context, call wire.CallID, part string) ([]byte, error) {
	region, ok := call.Region()
	if !ok {
		return nil, ErrNotFound
	}
	if regions := b.regions.list(); len(regions) == 0 {
		return nil, fmt.Errorf("%w: its regions are not known yet", ErrUnavailable)
	} else if !slices.Contains(regions, region) {
		return nil, ErrNotFound
	}
	var value stored
	err := b.reach(ctx, region, func(ctx context.Context) (err error) {
		value, err = b.callPart(ctx, region, call, part)
		return err
	})
	if err == nil && value.Seq == 0 {
		err = ErrNotFound
	}
	return value.Data, err
}

// SetPair notes, in the own region, what from's latest call to to is. Whoever sets this and then reads the other direction, as the other does,
// is sure that of two who call each other at once at least one sees the other's call.
func (b *Bus) SetPair(ctx context.Context, from, to wire.UserID, value []byte) error {
	kv, err := b.bucket(ctx, callsBucket(b.opts.Region))
	if err != nil {
		return err
	}
	if _, err = kv.Put(ctx, pairKey(from, to), value); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// GetPair reads what SetPair noted in a region: [ErrNotFound] if nothing, or if it is long past.
func (b *Bus) GetPair(ctx context.Context, region wire.Region, from, to wire.UserID) ([]byte, error) {
	bucket := callsBucket(region)
	value, err := b.lastOf(ctx, "KV_"+bucket, "$KV."+bucket+"."+pairKey(from, to))
	if err == nil && value.Seq == 0 {
		err = ErrNotFound
	}
	return value.Data, err
}

// pairKey is short whatever the users' ids are. No user id has a zero byte.
func pairKey(from, to wire.UserID) string {
	sum := sha256.Sum256([]byte(string(from) + "\x00" + string(to)))
	return "pair." + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// conflicts tells whether a key was changed by somebody else. A stream with several copies has its own code for it.
func conflicts(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}
