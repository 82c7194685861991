package bustest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// patience bounds each wait of these tests: an election takes up to ten
// seconds, and this machine may be busy.
const patience = 40 * time.Second

func connect(t *testing.T, url string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond),
		nats.IgnoreDiscoveredServers())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func streams(t *testing.T, nc *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func subscribe(t *testing.T, nc *nats.Conn, subject string) *nats.Subscription {
	t.Helper()
	sub, err := nc.SubscribeSync(subject)
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return sub
}

// reach publishes until something arrives at sub: interest spreads between
// nodes a moment after a subscribe, so a first message may find nobody.
func reach(t *testing.T, from *nats.Conn, sub *nats.Subscription) {
	t.Helper()
	eventually(t, "a message from the publisher reaches the subscriber", func() error {
		if err := from.Publish(sub.Subject, nil); err != nil {
			return err
		}
		_, err := sub.NextMsg(50 * time.Millisecond)
		return err
	})
}

// put publishes to a stream until it is accepted.
func put(t *testing.T, js jetstream.JetStream, subject, data string) {
	t.Helper()
	eventually(t, "the stream accepts "+data, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := js.Publish(ctx, subject, []byte(data), jetstream.WithMsgID(data))
		return err
	})
}

func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("not within %v: %s: %v", patience, what, err)
		case <-again.C:
		}
	}
}

// silent says that nothing has come, after everything published before on from
// went through its server.
func silent(t *testing.T, from *nats.Conn, sub *nats.Subscription) error {
	t.Helper()
	if err := from.Publish(sub.Subject, nil); err != nil {
		t.Fatal(err)
	}
	if err := from.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := sub.NextMsg(100 * time.Millisecond); !errors.Is(err, nats.ErrTimeout) {
		return errors.New("a message crossed")
	}
	return nil
}
