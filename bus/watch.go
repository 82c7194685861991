package bus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus/wire"
)

const (
	// watchPoll is how long one question for news waits, and watchBeat how often the stream says meanwhile that it is there.
	watchPoll = 30 * time.Second
	watchBeat = 2 * time.Second
	// watchAckWait is after how long news that did not arrive comes again.
	watchAckWait = 5 * time.Second
	watchBatch   = 256
	// watchCatchUp is after how long without news, while it still has to catch up, it is asked whether there is anything left to wait for.
	watchCatchUp = 5 * time.Second
)

// watch follows one region's bucket: first all that stands, then what is new. Whenever it can't be sure that nothing was missed, it begins anew, which
// costs a read of the bucket; whoever is told knows some of it already then.
type watch struct {
	of     *watches
	region wire.Region
	poke   chan struct{} // tells run not to wait
	left   string        // the consumer that was used last, until it is deleted; run's own

	// watches.mu guards the following
	upToDate bool      // all that stood before is known, and what comes is heard
	everRead bool      // it was up to date at least once
	trying   time.Time // since when it tries to be; zero while there is no connection
}

func (w *watch) again() {
	select {
	case w.poke <- struct{}{}:
	default:
	}
}

// run follows the bucket until ctx ends or the region is no more.
func (w *watch) run(ctx context.Context) {
	const first, last = 50 * time.Millisecond, 2 * time.Second
	b := w.of.bus
	wait := first
	for {
		began := time.Now()
		err := w.follow(ctx)
		w.of.fellBehind(w)
		if ctx.Err() != nil || w.of.unfollow(w) {
			return
		}
		b.log.Debug("a bucket is not followed for a moment", "bucket", w.of.bucket(w.region), "error", err)
		if time.Since(began) > last {
			wait = first // it worked for a while
		}
		retry := time.NewTimer(wait/2 + rand.N(wait/2))
		wait = min(2*wait, last)
		select {
		case <-ctx.Done():
		case <-w.poke:
			wait = first
		case <-retry.C:
		}
		retry.Stop()
	}
}

// follow reads the bucket and stays with it until something goes wrong.
func (w *watch) follow(ctx context.Context) error {
	b := w.of.bus
	epoch := b.epoch.Load()
	if !b.nc.IsConnected() {
		return ErrUnavailable
	}
	w.of.reads.Inc()
	opening, cancel := b.bounded(ctx, regionPatience)
	defer cancel()
	name := "KV_" + w.of.bucket(w.region)
	prefix := "$KV." + w.of.bucket(w.region) + "."
	stream, err := b.js.Stream(opening, name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	clock, read := stream.CachedInfo().TimeStamp, time.Now()
	w.cleanUp(opening, stream)
	// The consumer may read a copy of the stream that lags: only past what the leader has by now is all known.
	until, err := b.lastOf(opening, name, prefix+">")
	if err != nil {
		return err
	}
	cons, err := stream.CreateConsumer(opening, jetstream.ConsumerConfig{
		// Acks, so that what is lost on its way comes again; it comes with a hole before it, by which the loss is seen.
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: watchAckWait, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
		FilterSubject: prefix + ">", MemoryStorage: true, Replicas: 1, InactiveThreshold: watchPoll,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	w.left = cons.CachedInfo().Name
	defer func() {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		w.cleanUp(cleanup, stream)
	}()
	return w.read(ctx, cons, epoch, prefix, until.Seq, func(at time.Time) time.Duration { return max(0, clock.Sub(at)+time.Since(read)) })
}

// cleanUp deletes the consumer that was used last: the stream would keep it for a while, and a connection that comes and goes would leave many.
func (w *watch) cleanUp(ctx context.Context, stream jetstream.Stream) {
	if w.left == "" || !w.of.bus.nc.IsConnected() {
		return
	}
	if err := stream.DeleteConsumer(ctx, w.left); err == nil || errors.Is(err, jetstream.ErrConsumerNotFound) {
		w.left = ""
	}
}

// read applies what the consumer has, until it ends or something is missing. It is up to date once it has come to the sequence until.
func (w *watch) read(ctx context.Context, cons jetstream.Consumer, epoch uint64, prefix string, until uint64, age func(time.Time) time.Duration) error {
	b := w.of.bus
	began := time.Now()
	if w.of.begin != nil {
		w.of.begin(w.region)
	}
	if until == 0 {
		w.of.caughtUp(w)
	}
	name, reached := "KV_"+w.of.bucket(w.region), uint64(0)
	for delivered := uint64(0); ; {
		patience := watchPoll
		if until > 0 {
			patience = watchCatchUp
		}
		poll, cancel := b.bounded(ctx, patience)
		if b.epoch.Load() != epoch { // the connection was lost when nothing was bounded by it
			cancel()
			return ErrUnavailable
		}
		batch, err := cons.Fetch(watchBatch, jetstream.FetchContext(poll), jetstream.FetchHeartbeat(watchBeat))
		if err != nil {
			cancel()
			return err
		}
		for msg := range batch.Messages() {
			meta, err := msg.Metadata()
			if err == nil {
				err = msg.Ack()
			}
			if delivered++; err == nil && meta.Sequence.Consumer != delivered {
				err = fmt.Errorf("%d was delivered where %d should be", meta.Sequence.Consumer, delivered)
			}
			if err != nil {
				cancel()
				return err
			}
			e := entry{key: strings.TrimPrefix(msg.Subject(), prefix), value: msg.Data(), at: meta.Timestamp}
			if meta.Sequence.Stream <= until {
				e.age = age(meta.Timestamp)
			}
			w.of.take(w.region, e)
			reached = meta.Sequence.Stream
			if meta.Sequence.Stream >= until && until > 0 {
				w.of.caughtUp(w)
				until = 0
			}
		}
		err = batch.Error()
		cancel()
		switch {
		case err == nil && until > 0:
			// What it waits for may have come to the end of its life meanwhile.
			if last, err := b.lastOf(ctx, name, prefix+">"); err == nil && last.Seq <= reached {
				w.of.caughtUp(w)
				until = 0
			}
		case err == nil:
		case errors.Is(err, nats.ErrNoResponders) && ctx.Err() == nil && delivered == 0 && time.Since(began) < regionPatience:
			pause(ctx) // the consumer was just made, and our node does not know of it yet
		default:
			return err
		}
	}
}
