package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus/wire"
)

const (
	// replayTimeout bounds one read of one stream.
	replayTimeout = 10 * time.Second
	// maxFilters is up to how many scopes a read names; past it, it takes the whole shard, which is cheaper then.
	maxFilters = 64
	// fetchBatch is how many messages a read asks for at once.
	fetchBatch = 512
	// lagPatience is how long a copy of a stream may say nothing, before another one is asked.
	lagPatience = 1500 * time.Millisecond
)

// ErrIncomplete says that a replay could not reach back as far as was asked.
var ErrIncomplete = errors.New("the replay is incomplete")

// ErrTooMuch says that a replay ended because its reader took no more: see [Bus.ReplayWithin].
var ErrTooMuch = errors.New("the replay is more than its reader takes")

// errLags says that a consumer did not give what the stream has: its copy lags, or what it gave was lost on the way.
var errLags = errors.New("the copy lags")

// Replay reads what the streams of every region stored for the scopes since a time, by the streams' clocks, and hands each message to each in
// the order of its stream, those of different regions by the streams' clocks: who moves from one region to another is heard in order. Reads that are asked for while another of the same stream runs are done together.
// It returns [ErrIncomplete] if the streams no longer hold all of it, and [ErrUnavailable] if a region can't be read: an [AbroadError] if that is true
// of other regions only. What the others have is handed out all the same.
func (b *Bus) Replay(ctx context.Context, scopes []Scope, since time.Time, each func(s Scope, payload []byte)) error {
	return b.ReplayWithin(ctx, scopes, since, nil, each)
}

// ReplayWithin is Replay for those who can't take just anything: take is asked for each message before it is held in memory, and when it says no, the
// replay ends with [ErrTooMuch]. It is called on another goroutine than each, and if ctx ends, perhaps once more after the return.
func (b *Bus) ReplayWithin(ctx context.Context, scopes []Scope, since time.Time, take func(bytes int) bool, each func(s Scope, payload []byte)) error {
	regions := b.regions.list()
	if len(regions) == 0 {
		return fmt.Errorf("%w: its regions are not known yet", ErrUnavailable)
	}
	byShard := make(map[int][]Scope)
	for _, s := range scopes {
		byShard[s.shard()] = append(byShard[s.shard()], s)
	}
	var errs []error
	abroad := &AbroadError{}
	for shard, list := range byShard {
		got := make([][]storedMessage, len(regions))
		for i, region := range regions {
			var err error
			got[i], err = b.readers.read(ctx, b, streamKey{region, shard}, list, since, take)
			switch { // one region that is cut off must not hide what the others have
			case err == nil:
			case errors.Is(err, ErrTooMuch):
				return err
			case region == b.opts.Region || !errors.Is(err, ErrUnavailable) || ctx.Err() != nil:
				errs = append(errs, err)
			default:
				if abroad.Err = err; !slices.Contains(abroad.Regions, region) {
					abroad.Regions = append(abroad.Regions, region)
				}
			}
		}
		inOrder(got, each)
	}
	if len(errs) == 0 && len(abroad.Regions) > 0 {
		return abroad
	}
	return errors.Join(errs...)
}

// inOrder hands out what streams have, by their clocks.
func inOrder(streams [][]storedMessage, each func(Scope, []byte)) {
	for {
		next := -1
		for i, list := range streams {
			if len(list) > 0 && (next < 0 || list[0].at.Before(streams[next][0].at)) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		m := streams[next][0]
		streams[next] = streams[next][1:]
		each(m.scope, m.payload)
	}
}

type streamKey struct {
	region wire.Region
	shard  int
}

// readers let reads of one stream that come together share one.
type readers struct {
	mu    sync.Mutex // guards the following
	queue map[streamKey]*readQueue
}

type readQueue struct {
	waiting []*read
}

// read is one caller's part of a shared read.
type read struct {
	scopes []Scope
	since  time.Time
	take   func(bytes int) bool // may be nil
	got    []storedMessage
	err    error // of this one alone
	done   chan error
}

type storedMessage struct {
	scope   Scope
	at      time.Time // by the stream's clock
	payload []byte
}

func (r *readers) init() { r.queue = make(map[streamKey]*readQueue) }

func (r *readers) read(ctx context.Context, b *Bus, key streamKey, scopes []Scope, since time.Time, take func(int) bool) ([]storedMessage, error) {
	mine := &read{scopes: scopes, since: since, take: take, done: make(chan error, 1)}
	r.mu.Lock()
	q := r.queue[key]
	if q == nil {
		// The first of a kind reads for itself at once, and then for all who came meanwhile.
		q = &readQueue{}
		if b.own(func() { r.serve(b, key, q, mine) }) {
			r.queue[key] = q
		} else {
			mine.done <- fmt.Errorf("%w: it was closed", ErrUnavailable)
		}
	} else {
		q.waiting = append(q.waiting, mine)
	}
	r.mu.Unlock()
	select {
	case err := <-mine.done:
		return mine.got, err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

func (r *readers) serve(b *Bus, key streamKey, q *readQueue, first *read) {
	batch := []*read{first}
	for len(batch) > 0 {
		err := b.readStream(key, batch)
		for _, rd := range batch {
			rd.done <- cmp.Or(rd.err, err)
		}
		r.mu.Lock()
		batch, q.waiting = q.waiting, nil
		if len(batch) == 0 {
			delete(r.queue, key)
		}
		r.mu.Unlock()
	}
}

// readStream fills the batch's reads with one pass over the stream.
func (b *Bus) readStream(key streamKey, batch []*read) error {
	ctx, cancel := b.bounded(context.Background(), replayTimeout)
	defer cancel()
	if !b.nc.IsConnected() {
		return ErrUnavailable
	}
	b.metrics.replays.Inc()
	name := streamName(key.region, key.shard)
	var stream jetstream.Stream
	err := b.reach(ctx, key.region, func(ctx context.Context) (err error) {
		stream, err = b.js.Stream(ctx, name)
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrUnavailable, name, err)
	}
	wanted, since := wantedOf(batch, stream.CachedInfo())
	if len(wanted) == 0 {
		return nil
	}
	take := func(subject string, at time.Time, data []byte) {
		s := scopeOf(subject)
		for _, rd := range wanted[s] {
			switch {
			case at.Before(rd.since): // the read began where the earliest of the batch wanted it
			case rd.err != nil: // it has had enough, and the others go on
			case rd.take != nil && !rd.take(len(data)):
				rd.err, rd.got = fmt.Errorf("%w: %s", ErrTooMuch, name), nil
			default:
				rd.got = append(rd.got, storedMessage{s, at, data})
			}
		}
	}
	if b.metaIsAway() {
		return b.readMarked(ctx, key, since, take)
	}
	var until uint64 // 0: the stream has one copy, which has all
	if stream.CachedInfo().Config.Replicas > 1 {
		// What the leader says of itself is no proof, as another one may have been chosen meanwhile. A mark that it can store is.
		if until, err = b.mark(ctx, key); err != nil {
			return err
		}
	}
	first, err := b.firstSince(ctx, key, since, until)
	if err != nil || first == until { // nothing, or nothing but the mark
		return err
	}
	var filters []string
	if len(wanted) <= maxFilters {
		for s := range wanted {
			filters = append(filters, "cm."+string(key.region)+"."+string(s)+".>")
		}
		slices.Sort(filters)
		filters = append(filters, markSubject(key))
	}
	for {
		cons, err := b.consume(ctx, stream, filters, first)
		if noMeta(err) && ctx.Err() == nil { // else it is the read's own time that is up, as when copies lag
			b.metaLost(err)
			return b.readMarked(ctx, key, since, take)
		}
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrUnavailable, name, err)
		}
		seq, err := b.drainConsumer(ctx, cons, until, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) {
			take(msg.Subject(), meta.Timestamp, msg.Data())
		})
		discard(stream, cons)
		if !errors.Is(err, errLags) {
			return err
		}
		copyOn := ""
		if c := cons.CachedInfo().Cluster; c != nil {
			copyOn = c.Leader
		}
		b.log.Info("a copy of a stream lags; another one is read", "stream", name, "node", copyOn, "has", seq, "want", until)
		first = max(first, seq+1) // another copy goes on where this one ended
	}
}

// firstSince returns the sequence of the first message that the shard has from a time on, 0 if there is none. The copy of the stream that answers may lag,
// but not for ever behind the sequence until, which is not older than that.
func (b *Bus) firstSince(ctx context.Context, key streamKey, since time.Time, until uint64) (seq uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, metaPatience)
	defer cancel()
	req := directRequest{Start: &since, NextFor: shardFilter(key.region, key.shard)}
	for {
		seq, _, err = b.directBatch(ctx, streamName(key.region, key.shard), &req, func(*direct) {})
		if err != nil || seq > 0 || until == 0 {
			return seq, err
		}
		if pause(ctx); ctx.Err() != nil {
			return 0, fmt.Errorf("%w: %s: no copy has what its leader has: %w", ErrUnavailable, streamName(key.region, key.shard), ctx.Err())
		}
	}
}

// consume makes a consumer that reads the filters from a sequence on.
//
// It does not begin at a time: nats-server moves a consumer of several filters that begins at a time on to the first message that a filter has from then on,
// and forgets those filters that had some before (selectStartingSeqNo in its consumer.go, 2.15).
func (b *Bus) consume(ctx context.Context, stream jetstream.Stream, filters []string, first uint64) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, metaPatience)
	defer cancel()
	return stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: first,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: replayTimeout, FilterSubjects: filters,
	})
}

// discard ends a consumer. It would end by itself after its InactiveThreshold.
func discard(stream jetstream.Stream, cons jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = stream.DeleteConsumer(ctx, cons.CachedInfo().Name)
}

// wantedOf tells which reads want which scope, and from when on. A read that asks for what the stream no longer has fails alone.
func wantedOf(batch []*read, info *jetstream.StreamInfo) (wanted map[Scope][]*read, since time.Time) {
	wanted = make(map[Scope][]*read)
	for _, rd := range batch {
		if rd.err = missing(info, rd.since); rd.err != nil {
			continue
		}
		if since.IsZero() || rd.since.Before(since) {
			since = rd.since
		}
		for _, s := range rd.scopes {
			if !slices.Contains(wanted[s], rd) {
				wanted[s] = append(wanted[s], rd)
			}
		}
	}
	return wanted, since
}

// missing tells whether the stream has thrown away messages that are younger than since.
func missing(info *jetstream.StreamInfo, since time.Time) error {
	if age := time.Since(since); age > ReplayAge {
		return fmt.Errorf("%w: %s is asked for, the streams keep %s", ErrIncomplete, age.Round(time.Second), ReplayAge)
	}
	full := info.Config.MaxBytes > 0 && info.State.Bytes > uint64(info.Config.MaxBytes)*9/10
	if full && info.State.FirstTime.After(since) {
		return fmt.Errorf("%w: %s is full and begins at %s", ErrIncomplete, info.Config.Name, info.State.FirstTime)
	}
	return nil
}

// drainConsumer reads as many messages as there were when the consumer was made, and on to the sequence until: the copy of the stream that
// it reads may lag. What came later is heard live. It returns the sequence of the last that it read, and errLags if the copy stays behind, or
// gives nothing at all.
func (b *Bus) drainConsumer(ctx context.Context, cons jetstream.Consumer, until uint64, each func(jetstream.Msg, *jetstream.MsgMetadata)) (seq uint64, err error) {
	progress := time.Now()
	taken := uint64(0)
	for left := int(cons.CachedInfo().NumPending); left > 0 || seq < until; {
		n := 0
		wait, cancel := context.WithTimeout(ctx, lagPatience)
		batch, err := cons.Fetch(min(max(left, 1), fetchBatch), jetstream.FetchContext(wait))
		if err == nil {
			n, seq, err = takeBatch(batch, seq, &taken, each)
		}
		cancel()
		b.metrics.replayed.Add(float64(n))
		switch {
		case errors.Is(err, errLags):
			return seq, errLags
		case n > 0:
			left, progress = max(0, left-n), time.Now()
		case ctx.Err() != nil:
			return seq, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		case time.Since(progress) >= lagPatience:
			return seq, errLags
		case errors.Is(err, nats.ErrNoResponders):
			pause(ctx) // the consumer was just made, and our node does not know of it yet
		case err != nil && wait.Err() == nil:
			return seq, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	return seq, nil
}

// takeBatch returns how many messages a batch had, and the sequence of its last. taken is how many came before, of all that the consumer has given: what
// it gave to a request that had just run out it does not give again, and then errLags says that another consumer must go on from there.
func takeBatch(batch jetstream.MessageBatch, before uint64, taken *uint64, each func(jetstream.Msg, *jetstream.MsgMetadata)) (n int, seq uint64, err error) {
	seq = before
	for msg := range batch.Messages() {
		meta, err := msg.Metadata()
		if err != nil {
			return n, seq, err
		}
		if *taken++; meta.Sequence.Consumer != *taken {
			return n, seq, errLags
		}
		seq = meta.Sequence.Stream
		each(msg, meta)
		n++
	}
	return n, seq, batch.Error()
}
