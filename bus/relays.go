package bus

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus/wire"
)

// Relays announce themselves in one bucket per region, through the agent beside each: [Bus.AnnounceRelay]. What an agent said ends by itself, in the bucket
// and with every reader, unless it is said again in time. Beside it stand two things that operators say, and which outlive agents: that a relay is
// draining, and with which secret credentials are signed in the region. Everybody reads all of it through [Bus.WatchRelays].
//
//	relay.<id>   what its agent says, for the length of its lease
//	drain.<id>   the relay takes no new calls, whatever its agent says, for as long as was said
//	signer       the secret with which edges sign, by its id
const (
	relayKey  = "relay."
	drainKey  = "drain."
	signerKey = "signer"

	// maxRelays bounds the relays of a region that a reader keeps, and relayBytes holds as many of the largest.
	maxRelays  = 1024
	relayBytes = 2 * maxRelays * wire.MaxRelayBytes
	// MaxDrain is the longest that a relay can be said to be draining; it can be said again.
	MaxDrain = 7 * 24 * time.Hour
)

func relaysBucket(r wire.Region) string { return "cm_relays_" + string(r) }

func (b *Bus) relaysConfig() jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: relaysBucket(b.opts.Region), Description: "callmesh: relays, and what operators say of them",
		Storage: jetstream.FileStorage, Replicas: b.opts.Replicas, MaxBytes: relayBytes, MaxValueSize: wire.MaxRelayBytes + 1<<10,
		LimitMarkerTTL: wire.MinRelayLease, // lives are each entry's own
	}
}

// AnnounceRelay says how a relay is, for the length of its lease. Errors are those of [wire.Relay.Validate], and [ErrUnavailable].
func (b *Bus) AnnounceRelay(ctx context.Context, r wire.Relay) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("bus: %w", err)
	}
	return b.putRelays(ctx, r.Region, relayKey+string(r.ID), wire.AppendJSON(nil, r), r.Lease())
}

// WithdrawRelay takes a relay out of the registry at once, as its agent does when it ends in good order.
func (b *Bus) WithdrawRelay(ctx context.Context, region wire.Region, id wire.RelayID) error {
	return b.putRelays(ctx, region, relayKey+string(id), nil, wire.MaxRelayLease)
}

// drainMark is the value of drain.<id>.
type drainMark struct {
	ForMs int64 `json:"forMs"`
}

// DrainRelay says that a relay is draining: edges give it to no session from now on, for so long, at most [MaxDrain]. 0 lifts it.
func (b *Bus) DrainRelay(ctx context.Context, region wire.Region, id wire.RelayID, keepOut time.Duration) error {
	if _, err := wire.ParseRelayID(string(id)); err != nil {
		return fmt.Errorf("bus: %w", err)
	}
	if keepOut < 0 || keepOut > MaxDrain {
		return fmt.Errorf("bus: draining for %s: want 0 to %s", keepOut, MaxDrain)
	}
	if keepOut == 0 {
		return b.putRelays(ctx, region, drainKey+string(id), nil, wire.MaxRelayLease)
	}
	keepOut = max(keepOut, time.Second)
	return b.putRelays(ctx, region, drainKey+string(id), wire.AppendJSON(nil, drainMark{keepOut.Milliseconds()}), keepOut)
}

// signerMark is the value of signer.
type signerMark struct {
	Key wire.KeyID `json:"key"`
}

// SetSigner says with which secret edges sign credentials for a region's relays from now on; those that do not have it go on with the one before. Of a
// relay whose agent names another, that one counts.
func (b *Bus) SetSigner(ctx context.Context, region wire.Region, key wire.KeyID) error {
	if !key.Valid() {
		return fmt.Errorf("bus: key %.20q is no key id", key)
	}
	return b.putRelays(ctx, region, signerKey, wire.AppendJSON(nil, signerMark{key}), 0)
}

// putRelays stores an entry for a time, or for good if that is 0. Without a value it deletes.
func (b *Bus) putRelays(ctx context.Context, region wire.Region, key string, value []byte, life time.Duration) error {
	if _, err := wire.ParseRegion(string(region)); err != nil {
		return fmt.Errorf("bus: %w", err)
	}
	return b.putLeased(ctx, region, relaysBucket(region), key, value, life)
}

// relayEntry tells what a key of the registry is about.
func relayEntry(key string) (kind string, id wire.RelayID, err error) {
	if key == signerKey {
		return signerKey, "", nil
	}
	kind, name, _ := strings.Cut(key, ".")
	if kind += "."; kind != relayKey && kind != drainKey {
		return "", "", fmt.Errorf("key %.40q is about nothing known", key)
	}
	id, err = wire.ParseRelayID(name)
	return kind, id, err
}
