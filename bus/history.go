package bus

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus/wire"
)

// midHeader names a kept post, so that a page of history is found without reading what is not on it.
const midHeader = "Callmesh-Mid"

// keyHeader holds the sender and the key of a kept post that has one, so that a post sent again is shown once.
const keyHeader = "Callmesh-Key"

// nameKept writes what the history must know of a post without reading it.
func nameKept(header nats.Header, env *wire.Envelope) {
	header.Set(midHeader, env.Mid().String())
	if key := keyOf(env); key != "" {
		header.Set(keyHeader, key)
	}
}

// sourcingLag is how far the history may be behind the replay streams that it copies from. What is younger is read there.
const sourcingLag = 30 * time.Second

// History returns the latest kept posts of a room before a mid (or the latest of all), at most limit, the oldest of them first, as the
// envelopes that were published; more tells whether there are older ones. An accepted post is there at once.
func (b *Bus) History(ctx context.Context, s Scope, before wire.Mid, limit int) (posts []wire.Envelope, more bool, err error) {
	ctx, cancel := b.bounded(ctx, 2*replayTimeout)
	defer cancel()
	// The replay is read first: a post that moves on between the two reads is then found twice rather than not at all.
	var recent []wire.Envelope
	err = b.Replay(ctx, []Scope{s}, time.Now().Add(-sourcingLag), func(_ Scope, payload []byte) {
		if env, err := wire.ParseEnvelope(payload); err == nil && env.Keep {
			recent = append(recent, env)
		}
	})
	if _, only := Abroad(err); err != nil && !only { // what another region has that is cut off is in nobody's history yet
		return nil, false, err
	}
	stream, err := b.js.Stream(ctx, chatPrefix+string(b.opts.Region))
	if err != nil {
		return nil, false, fmt.Errorf("%w: history: %w", ErrUnavailable, err)
	}
	stored, err := b.listChat(ctx, stream, s)
	if err != nil {
		return nil, false, err
	}
	page, more := pageBefore(stored, recent, before, limit)
	for _, p := range page {
		env := p.recent
		if env == nil {
			raw, err := stream.GetMsg(ctx, p.seq)
			if err != nil {
				return nil, false, fmt.Errorf("%w: history: %w", ErrUnavailable, err)
			}
			parsed, err := wire.ParseEnvelope(raw.Data)
			if err != nil {
				b.log.Error("a kept post can't be read and is passed over", "seq", p.seq, "error", err)
				continue
			}
			env = &parsed
		}
		posts = append(posts, *env)
	}
	return posts, more, nil
}

// chatItem is a kept post: where it is stored, or itself if it is too young for that.
type chatItem struct {
	mid    wire.Mid
	key    string // see [keyHeader]
	seq    uint64
	recent *wire.Envelope
}

// listChat lists the room's kept posts by header alone, in the order stored.
func (b *Bus) listChat(ctx context.Context, stream jetstream.Stream, s Scope) ([]chatItem, error) {
	filter := "cm.*." + string(s) + "." + string(ToKeep)
	var list []chatItem
	add := func(header nats.Header, seq uint64) {
		if mid, err := wire.ParseMid(header.Get(midHeader)); err == nil {
			list = append(list, chatItem{mid: mid, key: header.Get(keyHeader), seq: seq})
		}
	}
	direct := func() ([]chatItem, error) {
		err := b.readDirect(ctx, stream.CachedInfo().Config.Name, filter, time.Time{}, 0, func(m *direct) { add(m.header, m.seq) })
		return list, err
	}
	if b.metaIsAway() {
		return direct()
	}
	making, cancel := context.WithTimeout(ctx, metaPatience)
	defer cancel()
	cons, err := stream.CreateConsumer(making, jetstream.ConsumerConfig{
		FilterSubject: filter, DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckNonePolicy,
		HeadersOnly: true, MemoryStorage: true, Replicas: 1, InactiveThreshold: replayTimeout,
	})
	if noMeta(err) {
		b.metaLost(err)
		return direct()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: history: %w", ErrUnavailable, err)
	}
	defer discard(stream, cons)
	_, err = b.drainConsumer(ctx, cons, 0, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) { add(msg.Headers(), meta.Sequence.Stream) })
	return list, err
}

// keyOf names a post by its sender and the sender's key for it; empty if it has none.
func keyOf(env *wire.Envelope) string {
	if len(env.Key) == 0 {
		return ""
	}
	return string(env.From) + " " + base64.RawURLEncoding.EncodeToString(env.Key)
}

// pageBefore joins what is stored with what is too young for that, drops repetitions, and cuts the page out. The mid need not be a kept post's, as who reads a
// room has others too: then the page may reach on to the next that its source kept. It is empty if nothing
// is there of its source.
func pageBefore(stored []chatItem, recent []wire.Envelope, before wire.Mid, limit int) (page []chatItem, more bool) {
	for i := range recent {
		stored = append(stored, chatItem{mid: recent[i].Mid(), key: keyOf(&recent[i]), recent: &recent[i]})
	}
	mids, keys := make(map[wire.Mid]int, len(stored)), make(map[string]bool)
	all := make([]chatItem, 0, len(stored))
	for _, item := range stored {
		if i, ok := mids[item.mid]; ok {
			all[i].recent = item.recent // it need not be fetched, from a copy of the history that may lag
			continue
		}
		if item.key != "" && keys[item.key] {
			continue
		}
		mids[item.mid], keys[item.key] = len(all), true
		all = append(all, item)
	}
	end := len(all)
	if !before.IsZero() {
		known := false
		for i := range slices.Backward(all) {
			if m := all[i].mid; m.Source == before.Source {
				known = true
				if m.N >= before.N {
					end = i
				}
			}
		}
		if !known {
			return nil, false
		}
	}
	start := max(0, end-limit)
	return all[start:end], start > 0
}
