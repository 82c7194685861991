package edgetest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"callmesh/bus/wire"
)

// Client is one WebSocket to an edge.
type Client struct {
	t     testing.TB
	ws    *websocket.Conn
	Hello wire.HelloOK

	mu      sync.Mutex // guards the following
	nextID  uint64
	answers map[uint64]chan Answer
	events  []Event
	seen    map[wire.Source]uint64
	key     string
	changed chan struct{} // closed and made anew at every event
	closed  error
	done    chan struct{}
}

// Answer is what a request came to.
type Answer struct {
	OK    json.RawMessage
	Error *wire.Error
	After int // how many events came before it
}

// Event is one event as it came.
type Event struct {
	wire.Head
	Raw json.RawMessage
}

// Dial opens a WebSocket and does not say hello.
func Dial(t testing.TB, url string) *Client {
	t.Helper()
	return DialFrom(t, url, nil)
}

// DialFrom is Dial with headers of one's own, as a proxy would send them.
func DialFrom(t testing.TB, url string, header http.Header) *Client {
	t.Helper()
	c, err := dial(t, url, header)
	must(t, err)
	return c
}

func dial(t testing.TB, url string, header http.Header) (*Client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	ws, res, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{wire.Subprotocol}, HTTPHeader: header})
	if err != nil {
		return nil, err
	}
	if res.Body != nil {
		_ = res.Body.Close()
	}
	ws.SetReadLimit(-1)
	c := &Client{
		t: t, ws: ws, answers: make(map[uint64]chan Answer), seen: make(map[wire.Source]uint64),
		changed: make(chan struct{}), done: make(chan struct{}),
	}
	go c.read()
	t.Cleanup(c.Cut)
	return c, nil
}

// Connect opens a WebSocket and says hello as the user.
func Connect(t testing.TB, n *Node, user string) *Client {
	t.Helper()
	return ConnectFrom(t, n, user, nil)
}

// ConnectFrom is Connect with headers of one's own.
func ConnectFrom(t testing.TB, n *Node, user string, header http.Header) *Client {
	t.Helper()
	c := DialFrom(t, n.URL, header)
	c.Greet(user)
	return c
}

// Greet says hello as the user.
func (c *Client) Greet(user string) {
	c.t.Helper()
	c.greet(wire.HelloArgs{Token: Token(c.t, user, time.Hour)})
}

// Resume goes on with the client's session on another socket, perhaps of another edge.
func (c *Client) Resume(n *Node) *Client {
	c.t.Helper()
	next, a := c.TryResume(n)
	if a.Error != nil {
		c.t.Fatalf("resume: %v", a.Error)
	}
	next.take(a.OK)
	return next
}

// Past is the client as it is now, for a resume with a key and with positions that will be old by then. It has no socket.
func (c *Client) Past() *Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &Client{t: c.t, Hello: c.Hello, key: c.key, seen: maps.Clone(c.seen)}
}

// ResumeDeaf is Resume on a connection that ends behind the ok: of the events that follow it the client has none.
func (c *Client) ResumeDeaf(n *Node) *Client {
	c.t.Helper()
	next := c.Resume(n)
	next.Cut()
	c.mu.Lock()
	seen := maps.Clone(c.seen)
	c.mu.Unlock()
	next.mu.Lock()
	next.seen, next.key = seen, next.Hello.Key
	next.mu.Unlock()
	return next
}

// TryResume is Resume for those who expect an error.
func (c *Client) TryResume(n *Node) (*Client, Answer) {
	c.t.Helper()
	return c.TryResumeFrom(n, nil)
}

// TryResumeFrom is TryResume with headers of one's own.
func (c *Client) TryResumeFrom(n *Node, header http.Header) (*Client, Answer) {
	c.t.Helper()
	next := DialFrom(c.t, n.URL, header)
	return next, next.tryHello(c)
}

// StartResume resumes and returns where the answer will come.
func (c *Client) StartResume(n *Node) (*Client, <-chan Answer) {
	c.t.Helper()
	next := Dial(c.t, n.URL)
	return next, next.Start(wire.OpHello, next.goOn(c))
}

// tryHello goes on with another client's session.
func (c *Client) tryHello(last *Client) Answer {
	return c.try(wire.OpHello, c.goOn(last))
}

// goOn makes the client know what the last one had, and returns the hello that says so.
func (c *Client) goOn(last *Client) wire.HelloArgs {
	last.mu.Lock()
	resume := &wire.Resume{Session: last.Hello.Session, Key: last.key, Seen: maps.Clone(last.seen)}
	last.mu.Unlock()
	c.mu.Lock()
	maps.Copy(c.seen, resume.Seen)
	c.mu.Unlock()
	return wire.HelloArgs{Token: Token(c.t, string(last.Hello.User.ID), time.Hour), Resume: resume}
}

func (c *Client) greet(a wire.HelloArgs) {
	c.t.Helper()
	c.take(c.MustRaw(wire.OpHello, a))
}

func (c *Client) take(ok json.RawMessage) {
	c.t.Helper()
	must(c.t, json.Unmarshal(ok, &c.Hello))
	c.mu.Lock()
	c.key = c.Hello.Key
	c.mu.Unlock()
}

// Peer is the session's public id.
func (c *Client) Peer() wire.PeerID { return c.Hello.Peer }

func (c *Client) read() {
	defer close(c.done)
	for {
		_, frame, err := c.ws.Read(context.Background())
		if err != nil {
			c.mu.Lock()
			c.closed = err
			for id, ch := range c.answers {
				ch <- Answer{Error: wire.Errorf(LostSocket, "%v", err)}
				delete(c.answers, id)
			}
			c.mu.Unlock()
			return
		}
		c.receive(frame)
	}
}

func (c *Client) receive(frame []byte) {
	var f struct {
		ID    *uint64         `json:"id"`
		OK    json.RawMessage `json:"ok"`
		Error *wire.Error     `json:"error"`
		wire.Head
	}
	if err := json.Unmarshal(frame, &f); err != nil {
		c.t.Errorf("the edge sent what is not a frame: %v: %s", err, frame)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.ID != nil {
		var keyed struct{ Key string }
		if json.Unmarshal(f.OK, &keyed) == nil && keyed.Key != "" {
			c.key = keyed.Key
		}
		if ch := c.answers[*f.ID]; ch != nil {
			delete(c.answers, *f.ID)
			ch <- Answer{f.OK, f.Error, len(c.events)}
		}
		return
	}
	if !f.Mid.IsZero() {
		if f.Mid.N <= c.seen[f.Mid.Source] {
			c.t.Errorf("event %s came after %d of its source: %s", f.Mid, c.seen[f.Mid.Source], frame)
		}
		c.seen[f.Mid.Source] = f.Mid.N
	}
	c.events = append(c.events, Event{f.Head, frame})
	close(c.changed)
	c.changed = make(chan struct{})
}

// Send writes one frame as it is.
func (c *Client) Send(frame []byte) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	must(c.t, c.ws.Write(ctx, websocket.MessageText, frame))
}

// Start sends a request and returns where its answer will come.
func (c *Client) Start(op wire.Op, args any) <-chan Answer {
	c.t.Helper()
	ch, frame := c.prepare(op, args)
	c.Send(frame)
	return ch
}

// prepare numbers a request and encodes it, and makes the place where its answer will come.
func (c *Client) prepare(op wire.Op, args any) (<-chan Answer, []byte) {
	fields := make(map[string]json.RawMessage)
	raw, err := json.Marshal(args)
	must(c.t, err)
	must(c.t, json.Unmarshal(raw, &fields))
	for name, value := range fields { // an argument that was not given is left out
		if string(value) == "null" {
			delete(fields, name)
		}
	}
	ch := make(chan Answer, 1)
	c.mu.Lock()
	c.nextID++
	fields["id"], _ = json.Marshal(c.nextID)
	fields["op"], _ = json.Marshal(op)
	if c.closed == nil {
		c.answers[c.nextID] = ch
	} else { // nobody reads any more, and what is written may still be taken
		ch <- Answer{Error: wire.Errorf(LostSocket, "%v", c.closed)}
	}
	c.mu.Unlock()
	frame, err := json.Marshal(fields)
	must(c.t, err)
	return ch, frame
}

// Do sends a request and waits for its answer.
func (c *Client) Do(op wire.Op, args any) Answer {
	c.t.Helper()
	return Answered(c.t, op, c.Start(op, args))
}

// Answered waits for the answer to what was started.
func Answered(t testing.TB, op wire.Op, answer <-chan Answer) Answer {
	t.Helper()
	select {
	case a := <-answer:
		return a
	case <-time.After(Patience):
		t.Fatalf("%s was never answered", op)
		return Answer{}
	}
}

// MustRaw is Do for requests that must get ok.
func (c *Client) MustRaw(op wire.Op, args any) json.RawMessage {
	c.t.Helper()
	a := c.Do(op, args)
	if a.Error != nil {
		c.t.Fatalf("%s %+v: %v", op, args, a.Error)
	}
	return a.OK
}

// Must is Do for requests that must get ok, which it decodes.
func Must[T any](c *Client, op wire.Op, args any) T {
	c.t.Helper()
	var ok T
	must(c.t, json.Unmarshal(c.MustRaw(op, args), &ok))
	return ok
}

// Events returns what came so far of one kind; every kind if ev is empty.
func (c *Client) Events(ev wire.Event) []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Event
	for _, e := range c.events {
		if ev == "" || e.Ev == ev {
			list = append(list, e)
		}
	}
	return list
}

// Await waits for an event that fits and returns the first such, decoded.
func Await[T any](c *Client, ev wire.Event, fits func(T) bool) T {
	c.t.Helper()
	timeout := time.After(Patience)
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		for _, e := range c.Events(ev) {
			var v T
			must(c.t, json.Unmarshal(e.Raw, &v))
			if fits == nil || fits(v) {
				return v
			}
		}
		select {
		case <-changed:
		case <-timeout:
			c.t.Fatalf("no such %s event among %s", ev, c.describe())
		}
	}
}

func (c *Client) describe() string {
	text := ""
	for _, e := range c.Events("") {
		text += fmt.Sprintf("\n  %s", e.Raw)
	}
	return text
}

// Flush returns once all that other edges sent before has been handled here: it goes the whole way with a post of its own.
func (c *Client) Flush(room wire.RoomID, from *Client) {
	c.t.Helper()
	mark := fmt.Sprintf(`"mark %d"`, time.Now().UnixNano())
	Must[wire.PostOK](from, wire.OpPost, wire.PostArgs{Room: room, Data: json.RawMessage(mark)})
	Await(c, wire.EvPost, func(e wire.PostEvent) bool { return string(e.Data) == mark })
}

// Cut ends the socket without a close frame, as a lost network does.
func (c *Client) Cut() {
	_ = c.ws.CloseNow()
	<-c.done
}

// Close ends the session.
func (c *Client) Close() {
	_ = c.ws.Close(websocket.StatusNormalClosure, "")
	<-c.done
}

// Open reports whether the socket is still there.
func (c *Client) Open() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// CloseCode waits for the edge to close the socket and returns its code.
func (c *Client) CloseCode() wire.CloseCode {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(2 * Patience):
		c.t.Fatal("the edge never closed the socket")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return wire.CloseCode(websocket.CloseStatus(c.closed))
}
