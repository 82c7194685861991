package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus/wire"
)

// What attempts to connect came to is kept in two streams per region, which edges make, under
//
//	cm.<region>.traversal.<source>.<run, or _ for real calls>
//
// Each source has a stream of its own: pages of strangers tell what real calls came to, and however much they tell, no pair test is lost for it.
// Whoever stores one says so once more if it is not sure: a record counts once, however often it was stored.
const (
	traversalPrefix = "CMTRAVERSALS_"
	noRun           = "_"

	// TraversalAge and TraversalBytes are how long, and how many of, a region's records of each source are kept unless [Options] say otherwise.
	TraversalAge   = 30 * 24 * time.Hour
	TraversalBytes = 64 << 20

	// traversalRepeat is for how long the stream itself drops repetitions; readers drop those that come later.
	traversalRepeat = 2 * time.Minute
	// clockSlack is how far the clock of who made an attempt may be ahead of the stream's.
	clockSlack = 5 * time.Minute
)

var traversalSources = []wire.TraversalSource{wire.SourceProbe, wire.SourceCall}

func traversalStream(r wire.Region, source wire.TraversalSource) string {
	return traversalPrefix + string(source) + "_" + string(r)
}

// traversalSubject is one subject, or without a run a filter for all of them.
func traversalSubject(region wire.Region, source wire.TraversalSource, run wire.RunID) string {
	return "cm." + string(region) + ".traversal." + string(source) + "." + cmp.Or(string(run), "*")
}

func (b *Bus) traversalConfig(source wire.TraversalSource) jetstream.StreamConfig {
	age := cmp.Or(b.opts.TraversalAge, TraversalAge)
	return jetstream.StreamConfig{
		Name: traversalStream(b.opts.Region, source), Description: "callmesh: what attempts to connect came to", Subjects: []string{traversalSubject(b.opts.Region, source, "")},
		Storage: jetstream.FileStorage, Replicas: b.opts.Replicas, MaxAge: age,
		MaxBytes: cmp.Or(b.opts.TraversalBytes, TraversalBytes), MaxMsgSize: wire.MaxTraversalBytes + 1<<10, Discard: jetstream.DiscardOld,
		Duplicates: min(traversalRepeat, age), AllowDirect: true,
	}
}

// StoreTraversal keeps a record; once it returns nil, a stream has it. It goes to the own region, or as a guest of none to the first that takes it, of those in reach: one that is
// cut off costs whoever finds that out two seconds, and nobody after that anything.
// Errors are those of [wire.Traversal.Validate], and [ErrUnavailable], after which it may be stored or not: storing it again does no harm.
func (b *Bus) StoreTraversal(ctx context.Context, t wire.Traversal) error {
	if err := t.Validate(); err != nil {
		return fmt.Errorf("bus: %w", err)
	}
	regions := []wire.Region{b.opts.Region}
	if b.opts.Region == "" {
		if regions = b.regions.list(); len(regions) == 0 {
			return fmt.Errorf("%w: its regions are not known yet", ErrUnavailable)
		}
	}
	value := wire.AppendJSON(nil, t)
	if len(value) > wire.MaxTraversalBytes {
		return fmt.Errorf("bus: traversal: %d bytes: want at most %d", len(value), wire.MaxTraversalBytes)
	}
	var err error
	for _, region := range regions {
		msg := nats.NewMsg(traversalSubject(region, t.Source, wire.RunID(cmp.Or(string(t.Run), noRun))))
		msg.Data = value
		msg.Header.Set(jetstream.MsgIDHeader, t.Key())
		err = b.reach(ctx, region, func(ctx context.Context) error { return b.storeMsg(ctx, msg) })
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// storeMsg publishes and waits for the ack.
func (b *Bus) storeMsg(ctx context.Context, msg *nats.Msg) error {
	stored := make(chan error, 1)
	b.publish(msg, func(_ uint64, err error) { stored <- err })
	select {
	case err := <-stored:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// home is the region itself if it has streams, else the first that has and is in reach.
func (b *Bus) home(region wire.Region) (wire.Region, error) {
	regions := b.regions.list()
	if len(regions) == 0 {
		return "", fmt.Errorf("%w: its regions are not known yet", ErrUnavailable)
	}
	for _, r := range regions {
		if r == region {
			return r, nil
		}
	}
	for _, r := range regions {
		if !b.CutOff(r) {
			return r, nil
		}
	}
	return regions[0], nil
}

// TraversalFilter says which records to read. What is empty does not matter.
type TraversalFilter struct {
	Since  time.Time // of attempts that began then or later
	Source wire.TraversalSource
	Run    wire.RunID
}

// Traversals reads the records of all regions, each once and every one that was stored before, those of one region in the order stored. It returns [ErrUnavailable] if a
// region can't be read: an [AbroadError] if that is true of other regions only, and not of all that there are. What the others have is handed out all the same.
func (b *Bus) Traversals(ctx context.Context, f TraversalFilter, each func(wire.Traversal)) error {
	if f.Run != "" {
		if _, err := wire.ParseRunID(string(f.Run)); err != nil {
			return fmt.Errorf("bus: %w", err)
		}
	}
	regions := b.regions.list()
	if len(regions) == 0 {
		return fmt.Errorf("%w: its regions are not known yet", ErrUnavailable)
	}
	seen := make(map[string]struct{})
	take := func(value []byte) {
		t, err := wire.ParseTraversal(value)
		if err != nil {
			b.log.Error("the record of an attempt can't be read and is passed over", "error", err)
			return
		}
		if _, repeated := seen[t.Key()]; repeated || t.At < f.Since.UnixMilli() && !f.Since.IsZero() {
			return
		}
		seen[t.Key()] = struct{}{}
		each(t)
	}
	var errs []error
	abroad := &AbroadError{}
	for _, region := range regions {
		err := b.readSources(ctx, region, f, take)
		switch {
		case err == nil:
		case region == b.opts.Region || ctx.Err() != nil || len(regions) == 1:
			errs = append(errs, err)
		default:
			abroad.Err, abroad.Regions = err, append(abroad.Regions, region)
		}
	}
	switch {
	case len(errs) > 0:
	case len(abroad.Regions) == len(regions): // to a guest of no region all of them are others
		return fmt.Errorf("%w: no region can be read: %w", ErrUnavailable, abroad.Err)
	case len(abroad.Regions) > 0:
		return abroad
	}
	return errors.Join(errs...)
}

// readSources reads one region's.
func (b *Bus) readSources(ctx context.Context, region wire.Region, f TraversalFilter, take func([]byte)) error {
	for _, source := range traversalSources {
		if f.Source != "" && f.Source != source || f.Run != "" && source == wire.SourceCall {
			continue
		}
		if err := b.readTraversals(ctx, region, source, f, take); err != nil {
			return err
		}
	}
	return nil
}

// readTraversals reads one stream, up to what its leader has now.
func (b *Bus) readTraversals(ctx context.Context, region wire.Region, source wire.TraversalSource, f TraversalFilter, take func([]byte)) error {
	name, filter := traversalStream(region, source), traversalSubject(region, source, f.Run)
	var stream jetstream.Stream
	var last stored
	err := b.reach(ctx, region, func(ctx context.Context) (err error) {
		if stream, err = b.js.Stream(ctx, name); err == nil {
			last, err = b.lastOf(ctx, name, filter)
		}
		return err
	})
	since := f.Since
	if !since.IsZero() {
		since = since.Add(-clockSlack)
	}
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return nil // its edges are older than this
	case err != nil:
		return fmt.Errorf("%w: %s: %w", ErrUnavailable, name, err)
	case last.Seq == 0 || last.Time.Before(since):
		return nil
	}
	for first := uint64(0); ; {
		cons, err := b.traversalConsumer(ctx, stream, filter, since, first)
		if noMeta(err) && ctx.Err() == nil {
			b.metaLost(err)
			return b.readDirect(ctx, name, filter, since, last.Seq, func(m *direct) { take(m.data) })
		}
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrUnavailable, name, err)
		}
		b.metaFound()
		seq, err := b.drainConsumer(ctx, cons, last.Seq, func(msg jetstream.Msg, _ *jetstream.MsgMetadata) { take(msg.Data()) })
		discard(stream, cons)
		if !errors.Is(err, errLags) {
			return err
		}
		first = max(first, seq+1)
		// What was the last may have ended meanwhile, by its age or for want of room.
		if err := b.reach(ctx, region, func(ctx context.Context) (err error) {
			last, err = b.lastOf(ctx, name, filter)
			return err
		}); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrUnavailable, name, err)
		}
		if last.Seq < first {
			return nil
		}
	}
}

// traversalConsumer reads from a sequence on, or if that is 0 from a time on, or all.
func (b *Bus) traversalConsumer(ctx context.Context, stream jetstream.Stream, filter string, since time.Time, first uint64) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, metaPatience)
	defer cancel()
	cfg := jetstream.ConsumerConfig{
		FilterSubject: filter, AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverAllPolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: replayTimeout,
	}
	switch {
	case first > 0:
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, first
	case !since.IsZero():
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &since
	}
	return stream.CreateConsumer(ctx, cfg)
}
