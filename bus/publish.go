package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"callmesh/bus/wire"
)

const (
	// ackTimeout is how long a publish waits for its ack: a stream of three that lost its leader elects another within it.
	ackTimeout = 5 * time.Second
	// maxPendingAcks bounds the publishes in flight. A bus that is this far behind takes no more.
	maxPendingAcks = 64 << 10
)

// ErrConflict says that a publish that names the message before it found another one there.
var ErrConflict = errors.New("another message came first")

// ErrNobody says that nobody listens, as far as the NATS node knows.
var ErrNobody = errors.New("nobody listens")

// acks are the publishes and questions in flight, by the last token of their reply subject.
type acks struct {
	prefix string // set before anything is asked

	mu   sync.Mutex // guards the following
	next uint64
	wait map[uint64]*pendingAck
}

type pendingAck struct {
	sent time.Time
	ends time.Time

	mu    sync.Mutex // orders an answer and a timeout that come together; guards the following
	ended bool
	// reply takes one answer and reports whether more may come; err is set at the end instead, when no answer came in time.
	reply func(msg *nats.Msg, err error) (more bool)
}

func (p *pendingAck) call(msg *nats.Msg, err error) (more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return false
	}
	more = p.reply(msg, err)
	p.ended = !more
	return more
}

func (a *acks) init() {
	a.wait = make(map[uint64]*pendingAck)
}

func (a *acks) add(timeout time.Duration, reply func(*nats.Msg, error) bool) (subject string, token uint64, err error) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.wait) >= maxPendingAcks {
		return "", 0, fmt.Errorf("%w: %d publishes wait for their ack", ErrUnavailable, len(a.wait))
	}
	a.next++
	a.wait[a.next] = &pendingAck{sent: now, ends: now.Add(timeout), reply: reply}
	return a.prefix + strconv.FormatUint(a.next, 36), a.next, nil
}

// take removes and returns the pending ones for which pick says so.
func (a *acks) take(pick func(*pendingAck) bool) []*pendingAck {
	a.mu.Lock()
	defer a.mu.Unlock()
	var taken []*pendingAck
	for token, p := range a.wait {
		if pick(p) {
			delete(a.wait, token)
			taken = append(taken, p)
		}
	}
	return taken
}

func (a *acks) drop(token uint64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.wait[token]
	delete(a.wait, token)
	return ok
}

func (a *acks) get(token uint64) *pendingAck {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.wait[token]
}

func (a *acks) len() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.wait)
}

// fail ends everything in flight.
func (a *acks) fail(err error) {
	for _, p := range a.take(func(*pendingAck) bool { return true }) {
		p.call(nil, err)
	}
}

// listenForAcks subscribes once for all answers: nats.go's own futures cost a channel and a goroutine each.
func (b *Bus) listenForAcks() error {
	sub, err := b.nc.Subscribe(b.acks.prefix+"*", func(msg *nats.Msg) {
		token, err := strconv.ParseUint(strings.TrimPrefix(msg.Subject, b.acks.prefix), 36, 64)
		if err != nil {
			return
		}
		if p := b.acks.get(token); p != nil && !p.call(msg, nil) {
			b.acks.drop(token)
		}
	})
	if err != nil {
		return fmt.Errorf("bus: %w", err)
	}
	// The server bounds an account's connection; a client-side bound would drop acks of messages that were stored.
	return sub.SetPendingLimits(-1, -1)
}

func (b *Bus) sweepAcks(ctx context.Context) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, p := range b.acks.take(func(p *pendingAck) bool { return now.After(p.ends) }) {
				p.call(nil, fmt.Errorf("%w: no answer in %s", ErrUnavailable, p.ends.Sub(p.sent)))
			}
			b.metrics.pending.Set(float64(b.acks.len()))
		}
	}
}

// Publish sends payload to the scope under the own region, where the replay stream keeps it. done is called exactly once, on a goroutine of
// the bus and possibly before Publish returns, with nil when the stream has stored the message; it must not block. Messages that one
// goroutine publishes arrive in that order. The payload may not be changed afterwards until done.
func (b *Bus) Publish(s Scope, to Audience, payload []byte, done func(error)) {
	b.publish(&nats.Msg{Subject: kept(b.opts.Region, s, to), Data: payload}, func(_ uint64, err error) { done(err) })
}

// PublishKept is Publish for a post that the history keeps: see [Bus.History]. payload is env as encoded.
func (b *Bus) PublishKept(s Scope, env *wire.Envelope, payload []byte, done func(error)) {
	msg := nats.NewMsg(kept(b.opts.Region, s, ToKeep))
	nameKept(msg.Header, env)
	msg.Data = payload
	b.publish(msg, func(_ uint64, err error) { done(err) })
}

func (b *Bus) publish(msg *nats.Msg, done func(seq uint64, err error)) {
	if !b.Ready() {
		b.metrics.failed.WithLabelValues("unavailable").Inc()
		done(0, ErrUnavailable)
		return
	}
	sent := time.Now()
	reply, token, err := b.acks.add(ackTimeout, func(answer *nats.Msg, err error) bool {
		var seq uint64
		if err == nil {
			seq, err = parseAck(answer)
			b.metrics.ackSeconds.Observe(time.Since(sent).Seconds())
		}
		if err != nil {
			b.metrics.failed.WithLabelValues(failure(err)).Inc()
			if errors.Is(err, ErrUnavailable) {
				b.doubt()
			}
		}
		done(seq, err)
		return false
	})
	if err == nil {
		msg.Reply = reply
		if err = b.nc.PublishMsg(msg); err == nil {
			b.metrics.published.WithLabelValues("kept").Inc()
			return
		}
		if !b.acks.drop(token) {
			return // a lost connection has failed it already
		}
	}
	b.metrics.failed.WithLabelValues("unavailable").Inc()
	done(0, fmt.Errorf("%w: %w", ErrUnavailable, err))
}

func failure(err error) string {
	switch {
	case errors.Is(err, ErrConflict):
		return "conflict"
	case errors.Is(err, ErrUnavailable):
		return "unavailable"
	default:
		return "refused"
	}
}

// parseAck reads a stream's answer to a publish.
func parseAck(msg *nats.Msg) (uint64, error) {
	if msg.Header.Get("Status") == "503" {
		return 0, fmt.Errorf("%w: no stream captures %s", ErrUnavailable, msg.Subject)
	}
	var ack struct {
		Seq   uint64 `json:"seq"`
		Error *struct {
			Code        int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	if seq, ok := fastAck(msg.Data); ok {
		return seq, nil
	}
	if err := json.Unmarshal(msg.Data, &ack); err != nil {
		return 0, fmt.Errorf("%w: the stream's ack: %w", ErrUnavailable, err)
	}
	if ack.Error == nil {
		return ack.Seq, nil
	}
	const wrongLastSequence, wrongLastSequenceConst = 10071, 10164
	if ack.Error.Code == wrongLastSequence || ack.Error.Code == wrongLastSequenceConst {
		return 0, ErrConflict
	}
	return 0, fmt.Errorf("%w: the stream refused: %s", ErrUnavailable, ack.Error.Description)
}

// fastAck reads the form that the server writes, `{"stream":"…", "seq":12}` and possibly more after it, without allocating: it is half of the cost of an ack.
func fastAck(b []byte) (uint64, bool) {
	text := string(b[:min(len(b), 128)])
	if strings.Contains(text, `"error"`) {
		return 0, false
	}
	_, rest, ok := strings.Cut(text, `"seq":`)
	if !ok {
		return 0, false
	}
	var n uint64
	i := 0
	for ; i < len(rest) && rest[i] >= '0' && rest[i] <= '9'; i++ {
		n = n*10 + uint64(rest[i]-'0')
	}
	return n, i > 0 && i < len(rest)
}

// PublishLive sends payload to whoever listens to the scope now. No stream keeps it, and no ack comes.
func (b *Bus) PublishLive(s Scope, to Audience, payload []byte) error {
	return b.send(liveOnly(s, to), payload)
}

// Tell sends payload to one edge's inbox, live only.
func (b *Bus) Tell(edge wire.EdgeID, payload []byte) error {
	return b.send(edgeSubject+string(edge), payload)
}

func (b *Bus) send(subject string, payload []byte) error {
	if !b.nc.IsConnected() {
		return ErrUnavailable
	}
	if err := b.nc.Publish(subject, payload); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	b.metrics.published.WithLabelValues("live").Inc()
	return nil
}

// Ask sends a live question to the scope. answer gets every reply; it returns whether to wait for more. It is called a last time with a
// nil payload when the timeout has passed, when the connection is lost, or at once when nobody listens (err is then [ErrNobody]).
// It is called on a goroutine of the bus and must not block.
func (b *Bus) Ask(s Scope, to Audience, payload []byte, timeout time.Duration, answer func(payload []byte, err error) (more bool)) {
	b.ask(liveOnly(s, to), payload, timeout, answer)
}

func (b *Bus) ask(subject string, payload []byte, timeout time.Duration, answer func(payload []byte, err error) (more bool)) {
	reply, token, err := b.acks.add(timeout, func(msg *nats.Msg, err error) bool {
		switch {
		case err != nil:
			answer(nil, err)
			return false
		case msg.Header.Get("Status") == "503":
			answer(nil, ErrNobody)
			return false
		default:
			return answer(msg.Data, nil)
		}
	})
	if err == nil {
		if err = b.nc.PublishRequest(subject, reply, payload); err == nil {
			return
		}
		if !b.acks.drop(token) {
			return
		}
	}
	answer(nil, fmt.Errorf("%w: %w", ErrUnavailable, err))
}
