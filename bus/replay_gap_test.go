package bus

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"callmesh/bus/bustest"
)

// A consumer without acks gives each message once. What it gave to a request that nobody waits for any more is missing from the read, which must see
// that, and not go on behind it.
func TestDrainSeesWhatAConsumerGaveToNobody(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	b, err := Open(Options{Region: "eu", URLs: []string{c.URL(0)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	if err := b.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	scope, since := RoomScope("lobby"), time.Now()
	for _, text := range []string{"1", "2", "3", "4"} {
		stored := make(chan error, 1)
		b.Publish(scope, ToAll, []byte(text), func(err error) { stored <- err })
		if err := <-stored; err != nil {
			t.Fatal(err)
		}
	}
	key := streamKey{"eu", scope.shard()}
	stream, err := b.js.Stream(t.Context(), streamName(key.region, key.shard))
	if err != nil {
		t.Fatal(err)
	}
	filters := []string{"cm.eu." + string(scope) + ".>"}
	first, err := b.firstSince(t.Context(), key, since, 0)
	if err != nil {
		t.Fatal(err)
	}
	cons, err := b.consume(t.Context(), stream, filters, first)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	take := func(m jetstream.Msg, _ *jetstream.MsgMetadata) { got = append(got, string(m.Data())) }
	var taken uint64
	batch, err := cons.Fetch(1)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := takeBatch(batch, 0, &taken, take); err != nil {
		t.Fatal(err)
	}
	if batch, err = cons.Fetch(1); err != nil { // and this one gets lost
		t.Fatal(err)
	}
	<-batch.Messages()
	if batch, err = cons.Fetch(2); err != nil {
		t.Fatal(err)
	}
	n, _, err := takeBatch(batch, 1, &taken, take)
	if n != 0 || !errors.Is(err, errLags) || !slices.Equal(got, []string{"1"}) {
		t.Errorf("%d taken behind the gap: %q, %v", n, got, err)
	}
	if seq, err := b.drainConsumer(t.Context(), cons, 0, take); seq != 0 || !errors.Is(err, errLags) {
		t.Errorf("a read of that consumer came to %d: %v", seq, err)
	}
}
