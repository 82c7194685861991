package edgetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"callmesh/bus/wire"
)

// Speaker is a client that does what the contract asks of one: it numbers what it says, says it again with its key when delivery is unknown, and
// resumes when its socket is lost. So whatever happens, everybody must hear each of its numbers once and in order.
type Speaker struct {
	t    testing.TB
	user string
	room wire.RoomID
	pick func() *Node // where to resume

	mu       sync.Mutex // guards the following
	sockets  []*Client  // in the order used; the last one is in use
	said     int        // how many numbers were accepted
	notWhole int        // resumes that were not
	refused  int        // answers of unavailable
	slowest  time.Duration
	heeds    bool
}

// said is the data of a post.
type said struct {
	By string `json:"by"`
	N  int    `json:"n"`
}

// NewSpeaker connects the user to the node and joins the room, however long it takes the mesh to accept that: a stream may just be choosing its leader. pick
// says where to go when the socket is lost.
func NewSpeaker(t testing.TB, at *Node, user string, room wire.RoomID, pick func() *Node) *Speaker {
	t.Helper()
	s := &Speaker{t: t, user: user, room: room, pick: pick, sockets: []*Client{Connect(t, at, user)}}
	Eventually(t, user+" joins", func() bool {
		a := s.Client().Do(wire.OpJoin, wire.JoinArgs{Room: room})
		if a.Error != nil && a.Error.Code != wire.CodeUnavailable {
			t.Fatalf("%s joins: %v", user, a.Error)
		}
		return a.Error == nil
	})
	return s
}

// Client is the socket in use.
func (s *Speaker) Client() *Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sockets[len(s.sockets)-1]
}

// Talk says one number after another, with a pause between them, until ctx ends and the last is accepted.
func (s *Speaker) Talk(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.heed()
			s.sayNext()
		}
	}
}

// sayNext says one number until it is accepted.
func (s *Speaker) sayNext() {
	s.mu.Lock()
	n := s.said
	s.mu.Unlock()
	data, _ := json.Marshal(said{s.user, n}) // a string and a number: it can't fail
	post := wire.PostArgs{Room: s.room, Data: data, Key: fmt.Sprint(n)}
	for deadline := time.Now().Add(4 * Patience); ; {
		if time.Now().After(deadline) {
			s.t.Errorf("%s: number %d was never accepted", s.user, n)
			return
		}
		c := s.Client()
		start := time.Now()
		a := c.try(wire.OpPost, post)
		switch {
		case a.Error == nil:
			s.mu.Lock()
			s.said++
			s.mu.Unlock()
			return
		case a.Error.Code == LostSocket:
			s.resume(c)
		case a.Error.Code == wire.CodeUnavailable || a.Error.Code == wire.CodeInternal:
			s.mu.Lock()
			s.refused++
			s.slowest = max(s.slowest, time.Since(start))
			s.mu.Unlock()
			<-time.After(50 * time.Millisecond)
		default:
			s.t.Errorf("%s: number %d: %v", s.user, n, a.Error)
			return
		}
	}
}

// Move cuts the socket and resumes on a node, however long that takes.
func (s *Speaker) Move(to *Node) {
	c := s.Client()
	c.Cut()
	s.resumeAt(c, func() *Node { return to })
}

func (s *Speaker) resume(lost *Client) { s.resumeAt(lost, s.pick) }

func (s *Speaker) resumeAt(lost *Client, pick func() *Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sockets[len(s.sockets)-1] != lost {
		return // somebody else has resumed it
	}
	<-lost.done // all that came is counted
	for deadline := time.Now().Add(4 * Patience); time.Now().Before(deadline); <-time.After(50 * time.Millisecond) {
		next, err := dial(s.t, pick().URL, nil)
		if err != nil {
			continue
		}
		a := next.tryHello(lost)
		switch {
		case a.Error == nil:
			next.take(a.OK)
			if !next.Hello.Resumed {
				s.notWhole++
			}
			s.sockets = append(s.sockets, next)
			return
		case a.Error.Code == wire.CodeGone || a.Error.Code == wire.CodeUnauthorized:
			s.t.Errorf("%s: the session is lost: %v", s.user, a.Error)
			return
		}
	}
	s.t.Errorf("%s could not resume", s.user)
}

// Heard returns the numbers of another speaker, in the order heard, over all sockets.
func (s *Speaker) Heard(from *Speaker) (numbers []int) {
	for _, h := range s.heard(from) {
		numbers = append(numbers, h.n)
	}
	return numbers
}

// hearing is one number as it was heard: through which event, and on which of the sockets.
type hearing struct {
	n      int
	mid    wire.Mid
	at     int64
	socket int
}

// around shows what was heard about one place.
func around(list []hearing, i int) (text string) {
	for _, h := range list[max(0, i-6):min(len(list), i+10)] {
		text += fmt.Sprintf("\n  %d as %s, said at %d, on socket %d", h.n, h.mid, h.at, h.socket)
	}
	return text
}

func (s *Speaker) heard(from *Speaker) (numbers []hearing) {
	s.mu.Lock()
	sockets := slices.Clone(s.sockets)
	s.mu.Unlock()
	for i, c := range sockets {
		for _, e := range c.Events(wire.EvPost) {
			var post wire.PostEvent
			var d said
			if json.Unmarshal(e.Raw, &post) == nil && json.Unmarshal(post.Data, &d) == nil && d.By == from.user {
				numbers = append(numbers, hearing{d.N, post.Mid, post.At, i})
			}
		}
	}
	return numbers
}

// Said is how many numbers were accepted.
func (s *Speaker) Said() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said
}

// Refused is how many posts got unavailable, and how long the slowest of them waited for that.
func (s *Speaker) Refused() (times int, slowest time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused, s.slowest
}

// Left returns who was said to have left the room, over all sockets.
func (s *Speaker) Left() (peers []wire.PeerID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.sockets {
		for _, e := range c.Events(wire.EvLeft) {
			var ev wire.LeftEvent
			must(s.t, json.Unmarshal(e.Raw, &ev))
			peers = append(peers, ev.Peer)
		}
	}
	return peers
}

// Resumes is how often the speaker resumed, and how many of these were not whole.
func (s *Speaker) Resumes() (times, notWhole int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets) - 1, s.notWhole
}

// Peers asks the edge who else is in the room.
func (s *Speaker) Peers() (peers []wire.PeerID) {
	a := s.Client().try(wire.OpJoin, wire.JoinArgs{Room: s.room})
	if a.Error != nil {
		if a.Error.Code == LostSocket {
			s.resume(s.Client())
		}
		return nil
	}
	var ok wire.JoinOK
	must(s.t, json.Unmarshal(a.OK, &ok))
	for _, p := range ok.Peers {
		peers = append(peers, p.Peer)
	}
	return peers
}

// Whole waits until every one of the speakers has every other in its roster, and has heard all that they said; and fails the test if anything was
// heard twice or out of order, or if a resume was not whole.
func Whole(t testing.TB, speakers ...*Speaker) {
	t.Helper()
	for _, s := range speakers {
		for _, o := range speakers {
			if s == o {
				continue
			}
			s.hearOut(o)
			for list, i := s.heard(o), 0; i < len(list); i++ {
				if n := list[i].n; n != i {
					t.Errorf("%s heard number %d of %s where %d was to come:%s", s.user, n, o.user, i, around(list, i))
					break
				}
			}
		}
		Eventually(t, s.user+" has all others in the roster", func() bool {
			peers := s.Peers()
			return len(peers) == len(speakers)-1 && !slices.ContainsFunc(speakers, func(o *Speaker) bool {
				return o != s && !slices.Contains(peers, o.Client().Peer())
			})
		})
		if times, not := s.Resumes(); not > 0 {
			t.Errorf("%d of %d resumes of %s were not whole", not, times, s.user)
		}
	}
}

// hearOut waits until the speaker has heard all that another said. A NATS cluster that was cut apart takes its time to agree on leaders again.
func (s *Speaker) hearOut(o *Speaker) {
	s.t.Helper()
	for deadline := time.Now().Add(4 * Patience); len(s.Heard(o)) < o.Said(); <-time.After(20 * time.Millisecond) {
		select {
		case <-s.Client().done:
			s.resume(s.Client())
		default:
		}
		if time.Now().After(deadline) {
			list := s.heard(o)
			s.t.Fatalf("%s heard %d of %d numbers of %s, the last of them:%s", s.user, len(list), o.Said(), o.user, around(list, len(list)-1))
		}
	}
}

// LostSocket is the code of answers that never came because the socket was lost.
const LostSocket = "closed"

// try is Do for a socket that may be lost.
func (c *Client) try(op wire.Op, args any) Answer {
	ch, frame := c.prepare(op, args)
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, frame); err != nil {
		c.Cut()
		return Answer{Error: wire.Errorf(LostSocket, "%v", err)}
	}
	select {
	case a := <-ch:
		return a
	case <-c.done:
		select {
		case a := <-ch: // it came just before
			return a
		default:
			return Answer{Error: wire.Errorf(LostSocket, "the socket is gone")}
		}
	case <-ctx.Done():
		c.t.Errorf("%s was never answered", op)
		return Answer{Error: wire.Errorf(LostSocket, "no answer")}
	}
}

// HeedGoaway has the speaker resume elsewhere when an edge asks for it, rather than when it is cut off.
func (s *Speaker) HeedGoaway() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heeds = true
}

// heed moves if the edge has asked for it.
func (s *Speaker) heed() {
	c := s.Client()
	s.mu.Lock()
	heeds := s.heeds
	s.mu.Unlock()
	if heeds && len(c.Events(wire.EvGoaway)) > 0 {
		c.Cut()
		s.resume(c)
	}
}
