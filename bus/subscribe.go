package bus

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// dispatchDepth bounds the messages that wait between the connection's reader and a dispatcher. Past it nats.go drops, [Bus.OnDropped] is
// called, and the hole is filled from the stream.
const dispatchDepth = 16 << 10

// Message is what another process sent.
type Message struct {
	Payload []byte // the receiver's own
	Asked   bool   // it came through [Bus.Ask]: [Bus.Answer] answers it
	reply   string
	header  nats.Header
}

// Handler takes one message from another process. It runs on a dispatcher: messages of one scope come one after another in the order
// published, and it must not block.
type Handler func(Message)

// subscriptions share a few channels, and with them a few goroutines, so that an idle scope costs its subject and a map entry.
type subscriptions struct {
	channels []chan *nats.Msg

	mu       sync.RWMutex // guards the following; held while subscribing, so that the first message finds its handler
	handlers map[*nats.Subscription]Handler
}

func (s *subscriptions) init() {
	s.channels = make([]chan *nats.Msg, max(2, runtime.GOMAXPROCS(0)))
	for i := range s.channels {
		s.channels[i] = make(chan *nats.Msg, dispatchDepth)
	}
	s.handlers = make(map[*nats.Subscription]Handler)
}

// Subscription is interest in a scope. End it with Close.
type Subscription struct {
	bus *Bus
	sub *nats.Subscription
}

// Subscribe listens to a scope, in every region: to what a stream has stored, this process's own included, and to what is live only. So what is heard can
// be replayed, save the latter. Interest spreads through the mesh asynchronously: a message published
// just after Subscribe returns may still miss it, so callers read the stream back or ask.
func (b *Bus) Subscribe(s Scope, h Handler) (*Subscription, error) {
	return b.subscribe(heard(s), s.shard(), h)
}

// Inbox listens to what [Bus.Tell] sends to this process.
func (b *Bus) Inbox(h Handler) (*Subscription, error) {
	return b.subscribe(edgeSubject+string(b.opts.Edge), 0, h)
}

func (b *Bus) subscribe(subject string, lane int, h Handler) (*Subscription, error) {
	b.subs.mu.Lock()
	defer b.subs.mu.Unlock()
	sub, err := b.nc.ChanSubscribe(subject, b.subs.channels[lane%len(b.subs.channels)])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	b.subs.handlers[sub] = h
	return &Subscription{b, sub}, nil
}

// Close ends the interest. A message that is under way in the dispatcher may still be handled.
func (s *Subscription) Close() {
	s.bus.subs.mu.Lock()
	delete(s.bus.subs.handlers, s.sub)
	s.bus.subs.mu.Unlock()
	_ = s.sub.Unsubscribe() // fails only when the connection is closed, and the interest with it
}

func (b *Bus) dispatch(ctx context.Context, ch <-chan *nats.Msg) {
	for {
		select {
		case <-ctx.Done():
			return
		case msg := <-ch:
			b.subs.mu.RLock()
			h := b.subs.handlers[msg.Sub]
			b.subs.mu.RUnlock()
			if h != nil && meant(msg) {
				b.metrics.received.Inc()
				h(Message{msg.Data, msg.Reply != "", msg.Reply, msg.Header}) // what a stream tells has no reply
			}
		}
	}
}

// meant reports whether a message was published to what it came to. A consumer has its stream's messages delivered to whatever subject it names, be its maker allowed to publish
// there or not; they keep their own subject, which begins otherwise, as no stream keeps what is listened to here.
func meant(m *nats.Msg) bool {
	head, _, _ := strings.Cut(m.Sub.Subject, ".")
	return strings.HasPrefix(m.Subject, head+".")
}

// Answer replies to a message that was asked with [Bus.Ask].
func (b *Bus) Answer(m Message, payload []byte) error {
	if !m.Asked {
		return nil
	}
	return b.send(m.reply, payload)
}
