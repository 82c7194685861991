package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus/wire"
)

// JetStream has one meta leader for all regions together. While so many nodes are out of reach that it has none (two regions of equal size that
// are cut off from each other have none on either side), no consumer can be made anywhere, though every stream whose own copies reach each other
// takes messages as before. Streams are then read directly, a batch at a time, which asks a copy of the stream and nobody else.

const (
	// metaPatience is how long the meta leader may take to make a consumer. Without one nobody answers for the first seconds.
	metaPatience = 2 * time.Second
	// metaMemory is for how long it is then taken to be away. After that it is looked for again, while nobody waits.
	metaMemory = 5 * time.Second
	// directBytes bounds a batch, so that it fits well into what a connection may have pending.
	directBytes = 4 << 20
	// markToken is the last token of a message that marks a place in a stream. It has no scope, so nobody listens to it.
	markToken = "mark"

	numPendingHeader = "Nats-Num-Pending"
)

// metaLost notes that the meta leader is away, and why that is thought.
func (b *Bus) metaLost(err error) {
	if b.metaAway.Swap(time.Now().Add(metaMemory).UnixNano()) == 0 {
		b.log.Warn("JetStream has no meta leader; streams are read directly", "error", err)
	}
}

// metaIsAway reports whether the meta leader did not answer, and has not been found since.
func (b *Bus) metaIsAway() bool {
	until, now := b.metaAway.Load(), time.Now()
	if until == 0 {
		return false
	}
	if now.UnixNano() >= until && b.metaAway.CompareAndSwap(until, now.Add(metaMemory).UnixNano()) {
		b.own(b.lookForMeta)
	}
	return true
}

// lookForMeta finds out whether there is a meta leader again: only with one is a consumer made.
func (b *Bus) lookForMeta() {
	ctx, cancel := context.WithTimeout(b.ctx, metaPatience)
	defer cancel()
	region := b.opts.Region
	if region == "" { // a guest of none: one leader is there for all
		var err error
		if region, err = b.home(""); err != nil {
			return
		}
	}
	stream, err := b.js.Stream(ctx, streamName(region, 0))
	if err != nil {
		return
	}
	cons, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverNewPolicy, AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: replayTimeout,
	})
	if noMeta(err) {
		return
	}
	if err == nil {
		discard(stream, cons)
	}
	b.metaFound()
}

// metaFound notes that the meta leader is there.
func (b *Bus) metaFound() {
	if b.metaAway.Swap(0) != 0 {
		b.log.Info("JetStream has a meta leader again")
	}
}

// noMeta tells whether a request failed because JetStream has no meta leader, or may have: then nobody answers.
func noMeta(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) || errors.As(err, &api) && unled(api)
}

func unled(api *jetstream.APIError) bool {
	const clusterNotAvailable = 10008
	return api.ErrorCode == clusterNotAvailable
}

// mark stores a message at the end of a stream and returns its sequence. Everything acked before stands before it, and a stream that is cut off
// from most of its copies, whose leader may not know that yet, does not take it.
func (b *Bus) mark(ctx context.Context, key streamKey) (seq uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, metaPatience)
	defer cancel()
	msg := nats.NewMsg(markSubject(key))
	answer, err := b.nc.RequestMsgWithContext(ctx, msg)
	if err == nil {
		seq, err = parseAck(answer)
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %s takes no message: %w", ErrUnavailable, streamName(key.region, key.shard), err)
	}
	return seq, nil
}

func markSubject(key streamKey) string {
	return "cm." + string(key.region) + "." + strconv.Itoa(key.shard) + "." + markToken
}

// directRequest is the body of a direct get. Start or Seq says where to begin.
type directRequest struct {
	Seq      uint64     `json:"seq,omitempty"`
	Start    *time.Time `json:"start_time,omitempty"`
	NextFor  string     `json:"next_by_subj,omitempty"`
	Batch    int        `json:"batch,omitempty"`
	MaxBytes int        `json:"max_bytes,omitempty"`
	LastFor  string     `json:"last_by_subj,omitempty"`
}

// direct is a message as a copy of its stream has it.
type direct struct {
	subject string
	seq     uint64
	at      time.Time
	header  nats.Header
	data    []byte
}

// readDirect reads what the filter matches from the time since, or all of it if that is zero, up to the end that one of the copies has, and at least up to
// the sequence until, which the filter must match.
func (b *Bus) readDirect(ctx context.Context, stream, filter string, since time.Time, until uint64, each func(*direct)) error {
	req := directRequest{Start: &since, NextFor: filter, Batch: fetchBatch, MaxBytes: directBytes}
	if since.IsZero() {
		req.Start, req.Seq = nil, 1
	}
	for {
		last, more, err := b.directBatch(ctx, stream, &req, each)
		switch {
		case err != nil:
			return err
		case last > 0:
			req.Start, req.Seq = nil, last+1
		}
		if more {
			continue
		}
		if max(last, req.Seq-min(req.Seq, 1)) >= until {
			return nil
		}
		if pause(ctx); ctx.Err() != nil { // that copy lags
			return fmt.Errorf("%w: %s: %w", ErrUnavailable, stream, ctx.Err())
		}
	}
}

// directBatch does one request. last is the sequence of the last message that came, 0 if none did; more tells that the copy has others.
func (b *Bus) directBatch(ctx context.Context, stream string, req *directRequest, each func(*direct)) (last uint64, more bool, err error) {
	fail := func(err error) (uint64, bool, error) {
		return 0, false, fmt.Errorf("%w: %s: %w", ErrUnavailable, stream, err)
	}
	body, err := json.Marshal(req)
	if err != nil {
		return fail(err)
	}
	inbox := b.nc.NewInbox()
	sub, err := b.nc.SubscribeSync(inbox)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only with the connection, and the interest goes with it
	if err := b.nc.PublishRequest("$JS.API.DIRECT.GET."+stream, inbox, body); err != nil {
		return fail(err)
	}
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return fail(err)
		}
		switch status := msg.Header.Get("Status"); status {
		case "":
		case "204": // the end of the batch
			return last, msg.Header.Get(numPendingHeader) != "0", nil
		case "404":
			return last, false, nil
		default:
			return fail(errors.New("a direct get was answered " + status + " " + msg.Header.Get("Description")))
		}
		m, err := parseDirect(msg)
		if err != nil {
			return fail(err)
		}
		last = m.seq
		each(m)
		if req.Batch == 0 {
			return last, false, nil
		}
	}
}

func parseDirect(msg *nats.Msg) (*direct, error) {
	m := &direct{subject: msg.Header.Get(jetstream.SubjectHeader), header: msg.Header, data: msg.Data}
	var err error
	if m.seq, err = strconv.ParseUint(msg.Header.Get(jetstream.SequenceHeader), 10, 64); err != nil {
		return nil, fmt.Errorf("a direct get's sequence: %w", err)
	}
	if m.at, err = time.Parse(time.RFC3339Nano, msg.Header.Get(jetstream.TimeStampHeaer)); err != nil {
		return nil, fmt.Errorf("a direct get's time: %w", err)
	}
	return m, nil
}

// lastDirect is [Bus.lastOf] without the stream's leader. The copy that answers may lag, so it takes a few of them to say that there is nothing.
func (b *Bus) lastDirect(ctx context.Context, stream, subject string) (last stored, err error) {
	for range 10 {
		_, _, err = b.directBatch(ctx, stream, &directRequest{LastFor: subject}, func(m *direct) {
			last = stored{Seq: m.seq, Data: m.data, Time: m.at}
		})
		if err != nil || last.Seq > 0 || b.opts.Replicas == 1 {
			break
		}
		pause(ctx)
	}
	return last, err
}

// readMarked fills the batch's reads while there is no meta leader: from all that the shard has, as only then the mark at its end proves that the copy
// which answers has all that was acked before.
func (b *Bus) readMarked(ctx context.Context, key streamKey, since time.Time, take func(subject string, at time.Time, data []byte)) error {
	until, err := b.mark(ctx, key)
	if err != nil {
		return err
	}
	return b.readDirect(ctx, streamName(key.region, key.shard), shardFilter(key.region, key.shard), since, until, func(m *direct) {
		take(m.subject, m.at, m.data)
		b.metrics.replayed.Inc()
	})
}

// shardFilter matches all that a replay stream captures.
func shardFilter(region wire.Region, shard int) string {
	return "cm." + string(region) + "." + strconv.Itoa(shard) + ".>"
}
