package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus/wire"
)

const (
	// ReplayAge is how long a replay stream keeps a message: twice the replay window that clients are promised, so that a slow resume still finds all.
	ReplayAge = 2 * time.Minute
	// maxStreamBytes bounds a shard's stream, whatever its age. The oldest go first, and [Bus.Replay] tells. NATS sets as much aside.
	maxStreamBytes = 64 << 20
	// maxMessageBytes is a frame with its envelope.
	maxMessageBytes = wire.MaxFrameBytes + 16<<10

	// chatPosts and chatAge bound the history of a room, chatBytes that of a region.
	chatPosts = 1000
	chatAge   = 90 * 24 * time.Hour
	chatBytes = 256 << 20

	ensureTimeout = 10 * time.Second
	// answerTime is how long JetStream has to answer one request before it is looked whether what was asked for is there.
	answerTime = 500 * time.Millisecond
)

// ensure makes the region's streams and buckets where they are missing, and lists the regions.
func (b *Bus) ensure(ctx context.Context) error {
	ctx, cancel := b.bounded(ctx, ensureTimeout)
	defer cancel()
	if b.opts.Guest {
		return b.listRegions(ctx)
	}
	for shard := range Shards {
		if err := b.ensureStream(ctx, b.replayConfig(shard)); err != nil {
			return err
		}
	}
	if err := b.makeChat(ctx); err != nil {
		return err
	}
	for _, source := range traversalSources {
		if err := b.ensureStream(ctx, b.traversalConfig(source)); err != nil {
			return err
		}
	}
	for _, bucket := range []jetstream.KeyValueConfig{b.callsConfig(), b.missedConfig(), b.rulingsConfig(), b.contactsConfig(), b.movesConfig(), b.relaysConfig(), b.agentsConfig()} {
		if err := b.ensureBucket(ctx, bucket); err != nil {
			return err
		}
	}
	if err := b.listRegions(ctx); err != nil {
		return err
	}
	return b.ensureChat(ctx)
}

func (b *Bus) replayConfig(shard int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        streamName(b.opts.Region, shard),
		Description: "callmesh: what was accepted in the last minutes, for resumes and holes",
		Subjects:    []string{shardFilter(b.opts.Region, shard)},
		RePublish:   &jetstream.RePublish{Source: shardFilter(b.opts.Region, shard), Destination: told(b.opts.Region, shard)},
		Storage:     jetstream.FileStorage,
		MaxAge:      ReplayAge,
		MaxBytes:    maxStreamBytes,
		MaxMsgSize:  maxMessageBytes,
		Replicas:    b.opts.Replicas,
		Discard:     jetstream.DiscardOld,
		AllowDirect: true, // for when there is no meta leader: see direct.go. Otherwise it is read through the leader, as copies may lag
	}
}

// ensureStream creates the stream, or brings an older one to the configuration. One that is there as it should be is left alone: to create or
// change it takes the meta leader of all regions, which may be out of reach.
func (b *Bus) ensureStream(ctx context.Context, cfg jetstream.StreamConfig) error {
	var there jetstream.Stream
	err := b.patiently(ctx, func(ctx context.Context) (err error) {
		there, err = b.makeStream(ctx, cfg)
		return err
	})
	if err != nil && there != nil && noMeta(err) && tells(there.CachedInfo().Config, cfg) {
		b.log.Warn("a stream is used as it is, as JetStream has nobody to change it now", "stream", cfg.Name, "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", cfg.Name, err)
	}
	return nil
}

// makeStream is one try of it; there is the stream if it was found, as it was.
func (b *Bus) makeStream(ctx context.Context, cfg jetstream.StreamConfig) (there jetstream.Stream, err error) {
	there, err = b.js.Stream(ctx, cfg.Name)
	if err == nil {
		cfg.Replicas = b.keptReplicas(there.CachedInfo().Config, cfg)
	}
	if err == nil && fits(there.CachedInfo().Config, cfg) {
		return there, nil
	}
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, err
	}
	if there == nil {
		_, err = b.js.CreateStream(ctx, cfg)
	}
	// What is known to be there is not created again: nats-server compares a create with a stream while another's update writes to it.
	if there != nil || errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		_, err = b.js.UpdateStream(ctx, cfg)
	}
	return there, err
}

// keptReplicas is how many copies a stream is to have: never fewer than it has, as one edge that asks for fewer, perhaps as nobody told it of a cluster, would
// take copies from all the others. Fewer is for who runs NATS to say, to NATS.
func (b *Bus) keptReplicas(has, cfg jetstream.StreamConfig) int {
	if has.Replicas > cfg.Replicas {
		b.log.Warn("a stream keeps the copies that it has; give nats-replicas as the other edges of the region have it", "stream", cfg.Name, "has", has.Replicas, "asked for", cfg.Replicas)
	}
	return max(has.Replicas, cfg.Replicas)
}

// patiently tries what JetStream may not answer, as it does not when several ask for the same at once, and looks again: it may be done.
func (b *Bus) patiently(ctx context.Context, try func(context.Context) error) error {
	for wait := answerTime; ; wait *= 2 {
		attempt, cancel := context.WithTimeout(ctx, wait)
		err := try(attempt)
		late := attempt.Err() != nil
		cancel()
		if err == nil || !late || ctx.Err() != nil {
			return err
		}
	}
}

// fits tells whether a stream has what cfg asks for.
func fits(has, cfg jetstream.StreamConfig) bool {
	return slices.Equal(has.Subjects, cfg.Subjects) && has.MaxAge == cfg.MaxAge && has.MaxBytes == cfg.MaxBytes && has.Replicas == cfg.Replicas &&
		has.Discard == cfg.Discard && has.AllowDirect == cfg.AllowDirect && (cfg.MaxMsgSize == 0 || has.MaxMsgSize == cfg.MaxMsgSize) &&
		(cfg.MaxMsgsPerSubject == 0 || has.MaxMsgsPerSubject == cfg.MaxMsgsPerSubject) && slices.Equal(sourcesOf(has), sourcesOf(cfg)) && tells(has, cfg)
}

// tells tells whether a stream tells what it stores where cfg says so: of one that does not, nobody hears anything.
func tells(has, cfg jetstream.StreamConfig) bool {
	return cfg.RePublish == nil || has.RePublish != nil && *has.RePublish == *cfg.RePublish
}

// sourcesOf names the streams that a stream copies from.
func sourcesOf(cfg jetstream.StreamConfig) []string {
	var names []string
	for _, s := range cfg.Sources {
		names = append(names, s.Name+" "+s.FilterSubject)
	}
	slices.Sort(names)
	return names
}

func (b *Bus) listRegions(ctx context.Context) error {
	known, err := b.findRegions(ctx)
	if err != nil && noMeta(err) {
		known, err = b.recallRegions(ctx)
	}
	if err != nil {
		return err
	}
	switch {
	case b.opts.Guest && len(known) == 0:
		return errors.New("no edge has been here yet")
	case b.opts.Guest && b.opts.Region != "" && !slices.Contains(known, b.opts.Region):
		return fmt.Errorf("no edge of region %s has been here yet; the regions that there are: %s", b.opts.Region, joinRegions(known))
	case !b.opts.Guest && !slices.Contains(known, b.opts.Region):
		return fmt.Errorf("listing streams: %s is not there yet", streamName(b.opts.Region, Shards-1))
	}
	if b.regions.set(known) {
		b.onRegions.call()
	}
	return nil
}

func joinRegions(regions []wire.Region) string {
	names := make([]string, len(regions))
	for i, r := range regions {
		names[i] = string(r)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// recallRegions returns the regions known before, to this process or to the history that copies from them.
func (b *Bus) recallRegions(ctx context.Context) ([]wire.Region, error) {
	if known := b.regions.list(); len(known) > 0 {
		return known, nil
	}
	chat, err := b.js.Stream(ctx, chatPrefix+string(b.opts.Region))
	if err != nil {
		return nil, fmt.Errorf("listing streams: %w", err)
	}
	known := []wire.Region{b.opts.Region}
	for _, s := range chat.CachedInfo().Config.Sources {
		if region, ok := regionOf(s.Name); ok && region != b.opts.Region {
			known = append(known, region)
		}
	}
	return known, nil
}

// regionOf takes the region out of the name of its last shard's stream, which is made last: a region that has it has all.
func regionOf(stream string) (wire.Region, bool) {
	rest, ok := strings.CutPrefix(stream, streamPrefix)
	region, shard, cut := strings.Cut(rest, "_")
	return wire.Region(region), ok && cut && shard == strconv.Itoa(Shards-1)
}

func (b *Bus) findRegions(ctx context.Context) (known []wire.Region, err error) {
	ctx, cancel := context.WithTimeout(ctx, metaPatience)
	defer cancel()
	names := b.js.StreamNames(ctx, jetstream.WithStreamListSubject("cm.>"))
	for name := range names.Name() {
		if region, ok := regionOf(name); ok {
			known = append(known, region)
		}
	}
	if err := names.Err(); err != nil {
		return nil, fmt.Errorf("listing streams: %w", err)
	}
	return known, nil
}

// Regions returns the regions that have replay streams.
func (b *Bus) Regions() []wire.Region { return b.regions.list() }

// makeChat makes the region's own copy of the history where it is missing, with this region's posts alone, so that all edges that start at
// once ask for the same. [Bus.ensureChat] adds the other regions, well after.
func (b *Bus) makeChat(ctx context.Context) error {
	cfg := b.chatConfig(b.opts.Region)
	err := b.patiently(ctx, func(ctx context.Context) error {
		_, err := b.js.Stream(ctx, cfg.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			_, err = b.js.CreateStream(ctx, cfg)
		}
		return err
	})
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return fmt.Errorf("stream %s: %w", cfg.Name, err)
	}
	return nil
}

// ensureChat has the region's history copy from every region that is known.
func (b *Bus) ensureChat(ctx context.Context) error {
	return b.ensureStream(ctx, b.chatConfig(b.regions.list()...))
}

// chatConfig is of a region's history: kept posts out of the replay streams of the regions.
func (b *Bus) chatConfig(regions ...wire.Region) jetstream.StreamConfig {
	cfg := jetstream.StreamConfig{
		Name:              chatPrefix + string(b.opts.Region),
		Description:       "callmesh: kept posts",
		Storage:           jetstream.FileStorage,
		MaxAge:            chatAge,
		MaxBytes:          chatBytes,
		MaxMsgsPerSubject: chatPosts,
		Replicas:          b.opts.Replicas,
		Discard:           jetstream.DiscardOld,
		AllowDirect:       true,
	}
	for _, region := range regions {
		for shard := range Shards {
			cfg.Sources = append(cfg.Sources, &jetstream.StreamSource{
				Name:          streamName(region, shard),
				FilterSubject: "cm." + string(region) + "." + strconv.Itoa(shard) + ".room.*." + string(ToKeep),
			})
		}
	}
	return cfg
}

// PublishAfter sends a message to the scope's edges such that of two that do so at once, at least one learns of the other: build is given
// the last such message in the region's stream (nil if there is none in [ReplayAge]) and what it returns is stored only if that is
// still the last. So the order is the stream leader's, whatever interest has spread meanwhile.
func (b *Bus) PublishAfter(ctx context.Context, s Scope, build func(last []byte) []byte) error {
	var seq uint64
	var last []byte
	for {
		msg := nats.NewMsg(kept(b.opts.Region, s, ToEdges))
		msg.Data = build(last)
		msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(seq, 10))
		stored := make(chan error, 1)
		b.publish(msg, func(_ uint64, err error) { stored <- err })
		var err error
		select {
		case err = <-stored:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
		if seq, last, err = b.Last(ctx, b.opts.Region, s); err != nil {
			return err
		}
	}
}

// Last reads the last message to the scope's edges in a region's stream, from the stream's leader. seq is 0 if there is none.
func (b *Bus) Last(ctx context.Context, region wire.Region, s Scope) (seq uint64, payload []byte, err error) {
	var last stored
	err = b.reach(ctx, region, func(ctx context.Context) (err error) {
		last, err = b.lastOf(ctx, streamName(region, s.shard()), kept(region, s, ToEdges))
		return err
	})
	return last.Seq, last.Data, err
}
