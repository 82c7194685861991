package edgetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"callmesh/bus/wire"
)

// peerPatience is how long an edge may not know a peer that is in the room: longer than the grace, in which a session resumes whose edge died or stands
// still. To those who have come to another edge meanwhile it is announced when it has.
const peerPatience = 45 * time.Second

// SteadyOptions say who a [Steady] is and what it does. Name, URLs and Rooms are required.
type SteadyOptions struct {
	Name   string   // of the client and of its user
	URLs   []string // of edges, ws://…; it connects to any of them
	Rooms  []wire.RoomID
	Ledger *Ledger // what it sends and gets; nil: it only keeps its rosters

	// Every is the mean time between two messages to one room. 0 sends nothing.
	Every time.Duration
	// Bytes is about how long a message is.
	Bytes int
	// Patience is for how long an edge may say nothing at all, not even to pings, until the client takes the connection for dead. 0 means 3 s.
	Patience time.Duration
	// Seed makes its choices repeatable, together with Name.
	Seed uint64
}

// Steady is a client that never gives up. It is told nothing but the contract: it connects to any edge, joins its rooms, sends messages to
// all and to single peers, and after any loss resumes on any edge with what it has seen.
//
// Each room has a window of one: a message is repeated, with its key, until it is answered by ok, and only then comes the next. So the order
// in which messages were sent is the order in which each was accepted, whatever was tried how often in between; a client with more in flight
// could not hold that, as the second of two may be stored while the first one's fate is unknown.
type Steady struct {
	opts SteadyOptions
	t    testing.TB

	ctx     context.Context
	cancel  context.CancelFunc
	owned   sync.WaitGroup
	pause   chan struct{} // closed when no new message is to be sent
	senders sync.WaitGroup

	mu       sync.Mutex // guards the following
	rnd      *rand.Rand
	url      string        // of the edge that it tried last
	line     *line         // the connection that is in use; nil while there is none
	changed  chan struct{} // closed and made anew when line, rosters or calls change
	hello    wire.HelloOK  // the last one
	key      string
	seen     map[wire.Source]uint64
	rosters  map[wire.RoomID]map[wire.PeerID]wire.UserID // the others, by the client's own account
	calls    []wire.CallEvent
	rings    []wire.RingEvent
	sessions int // how many it has had
	resumes  int // how often one of them went on
	tries    int // to connect, since the last that succeeded
}

// NewSteady starts the client and returns once it is in its rooms. The test's end stops it.
func NewSteady(t testing.TB, o SteadyOptions) *Steady {
	t.Helper()
	if o.Patience == 0 {
		o.Patience = 3 * time.Second
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(o.Name))
	s := &Steady{
		opts: o, t: t, pause: make(chan struct{}), rnd: rand.New(rand.NewPCG(o.Seed, h.Sum64())), changed: make(chan struct{}),
		seen: make(map[wire.Source]uint64), rosters: make(map[wire.RoomID]map[wire.PeerID]wire.UserID),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	token := Token(t, o.Name, time.Hour)
	s.owned.Go(func() { s.keep(token) })
	t.Cleanup(s.Stop)
	for _, room := range o.Rooms {
		must(t, s.join(room))
	}
	return s
}

// Start begins to send, to every room at once.
func (s *Steady) Start() {
	for _, room := range s.opts.Rooms {
		s.senders.Go(func() { s.send(room) })
	}
}

// Pause sends no more and returns when all that was sent has its answer.
func (s *Steady) Pause() {
	s.mu.Lock()
	if !closedNow(s.pause) {
		close(s.pause)
	}
	s.mu.Unlock()
	s.senders.Wait()
}

// Stop ends the client as a lost network does, without a goodbye.
func (s *Steady) Stop() {
	s.cancel()
	s.owned.Wait()
	s.senders.Wait()
}

// Close ends the session as its user does, if it has a connection now, and the client with it.
func (s *Steady) Close() {
	s.mu.Lock()
	l := s.line
	s.mu.Unlock()
	if l != nil {
		l.goodbye()
	}
	s.Stop()
}

// Ask sends a request until it is answered, however often that takes, and returns the answer. A request that failed with unavailable or
// internal is asked again, and so is one of which the edge does not know the peer that it is for.
func (s *Steady) Ask(op wire.Op, args any) (Answer, error) { return s.ask(op, args, nil) }

func (s *Steady) ask(op wire.Op, args any, taken func(json.RawMessage)) (Answer, error) {
	raw := arguments(s.t, op, args)
	began := time.Now()
	for try := 0; ; try++ {
		l, err := s.live()
		if err != nil {
			return Answer{}, err
		}
		a, err := l.request(s.ctx, raw, taken)
		switch {
		case errors.Is(err, errLineLost):
			continue
		case err != nil:
			return Answer{}, err
		case a.Error == nil:
			return a, nil
		case a.Error.Code == wire.CodeUnavailable || a.Error.Code == wire.CodeInternal || a.Error.Code == wire.CodeRateLimited,
			a.Error.Code == wire.CodeNoSuchPeer && time.Since(began) < peerPatience:
			if err := s.wait(s.jitter(20*time.Millisecond, try, time.Second)); err != nil {
				return Answer{}, err
			}
		default:
			return a, nil
		}
	}
}

func (s *Steady) join(room wire.RoomID) error {
	a, err := s.ask(wire.OpJoin, wire.JoinArgs{Room: room}, func(body json.RawMessage) {
		var ok wire.JoinOK
		if err := json.Unmarshal(body, &ok); err != nil {
			s.note("join's ok can't be read: %v", err)
		}
		s.enterLocked(room, ok.Peers)
	})
	switch {
	case err != nil:
		return err
	case a.Error != nil:
		return fmt.Errorf("%s can't join %s: %w", s.opts.Name, room, a.Error)
	}
	if s.opts.Ledger != nil {
		s.opts.Ledger.Joined(room, s.opts.Name)
	}
	return nil
}

// content is what a message holds.
type content struct {
	From string `json:"from"`
	N    int    `json:"n"`
	Fill string `json:"fill,omitempty"`
}

// send sends to one room, one message after another.
func (s *Steady) send(room wire.RoomID) {
	for s.tick() == nil {
		to, user := s.addressee(room)
		n := s.opts.Ledger.Sent(room, s.opts.Name, user)
		data, err := json.Marshal(content{From: s.opts.Name, N: n, Fill: fill(s.opts.Bytes)})
		must(s.t, err)
		key := fmt.Sprintf("%s.%d", s.opts.Name, n)
		var a Answer
		if to != "" {
			a, err = s.Ask(wire.OpSignal, wire.SignalArgs{Room: room, To: to, Data: data, Key: key})
		} else {
			a, err = s.Ask(wire.OpPost, wire.PostArgs{Room: room, Data: data, Key: key})
		}
		switch {
		case err != nil:
			return // the client was stopped
		case a.Error != nil:
			s.note("#%d to %s (%s) was refused: %v", n, room, user, a.Error)
		default:
			s.opts.Ledger.Accepted(room, s.opts.Name, n)
		}
	}
}

// tick waits until the next message is due.
func (s *Steady) tick() error {
	s.mu.Lock()
	d := time.Duration(s.rnd.Int64N(int64(2*s.opts.Every) + 1))
	s.mu.Unlock()
	select {
	case <-s.pause:
		return context.Canceled
	default:
	}
	select {
	case <-s.pause:
		return context.Canceled
	case <-s.ctx.Done():
		return s.ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// addressee chooses whom a message is for: mostly all, now and then one of those whom the ledger knows to be there to stay.
func (s *Steady) addressee(room wire.RoomID) (wire.PeerID, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rnd.IntN(4) > 0 {
		return "", ""
	}
	var peers []wire.PeerID
	for peer, user := range s.rosters[room] {
		if s.opts.Ledger.Has(room, string(user)) {
			peers = append(peers, peer)
		}
	}
	if len(peers) == 0 {
		return "", ""
	}
	slices.Sort(peers) // a map's order would make the choice another one in each run
	peer := peers[s.rnd.IntN(len(peers))]
	return peer, string(s.rosters[room][peer])
}

// live waits for a connection that has said hello.
func (s *Steady) live() (*line, error) {
	for {
		s.mu.Lock()
		l, changed := s.line, s.changed
		s.mu.Unlock()
		if l != nil {
			return l, nil
		}
		select {
		case <-changed:
		case <-s.ctx.Done():
			return nil, s.ctx.Err()
		}
	}
}

// jitter is a random time up to a bound that doubles with each try, up to most.
func (s *Steady) jitter(first time.Duration, try int, most time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(s.rnd.Int64N(int64(min(most, first<<min(try, 16))) + 1))
}

func (s *Steady) wait(d time.Duration) error {
	select {
	case <-s.ctx.Done():
		return s.ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (s *Steady) note(format string, args ...any) {
	if s.opts.Ledger == nil {
		s.t.Errorf("%s: "+format, append([]any{s.opts.Name}, args...)...)
		return
	}
	s.opts.Ledger.Note("%s: "+format, append([]any{s.opts.Name}, args...)...)
}

// changedLocked wakes whoever waits for something of the client to change.
func (s *Steady) changedLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}
