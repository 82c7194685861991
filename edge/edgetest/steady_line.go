package edgetest

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"callmesh/bus/wire"
)

const (
	// helloPatience is how long a hello may take: a resume waits for the streams.
	helloPatience = 10 * time.Second
	// answerPatience is how long a live edge may leave a request without an answer; what takes longer is a defect.
	answerPatience = 20 * time.Second
	// pingEvery finds a silent connection soon. A real client need not be so eager.
	pingEvery = 500 * time.Millisecond
)

var errLineLost = errors.New("the connection was lost before the answer")

// line is one connection of a [Steady], from its hello's ok to its end.
type line struct {
	s      *Steady
	ws     *websocket.Conn
	heard  atomic.Int64  // Unix ns of the last frame
	leave  chan struct{} // closed when the edge asks the client to go elsewhere
	leaves sync.Once
	over   chan struct{} // closed when it has ended
	failed chan struct{} // closed when it is no longer in use

	mu     sync.Mutex // guards the following
	nextID uint64
	asked  map[uint64]question // nil once it has ended
}

// question is a request in flight.
type question struct {
	answer chan Answer
	// taken is called with an ok's body before anything that came after it is dealt with. It may be nil.
	taken func(ok json.RawMessage)
}

// keep connects, again and again, until the client is stopped.
func (s *Steady) keep(token string) {
	for s.ctx.Err() == nil {
		l, err := s.connect(s.elsewhere(), token)
		if err != nil {
			s.mu.Lock()
			s.tries++
			tries := s.tries
			s.mu.Unlock()
			if s.wait(s.jitter(50*time.Millisecond, tries, 2*time.Second)) != nil {
				return
			}
			continue
		}
		s.serve(l)
	}
}

// elsewhere is any edge but the last, if there is more than one.
func (s *Steady) elsewhere() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		url := s.opts.URLs[s.rnd.IntN(len(s.opts.URLs))]
		if url != s.url || len(s.opts.URLs) == 1 {
			s.url = url
			return url
		}
	}
}

// serve reads the connection until it is lost, silent, or to be left. When it is to be left it stays open, and unread, while the next one is
// made: the edge closes it once the session has moved.
func (s *Steady) serve(l *line) {
	s.owned.Go(l.read)
	s.owned.Go(l.watch)
	select {
	case <-l.over:
	case <-l.leave:
	case <-s.ctx.Done():
		_ = l.ws.CloseNow()
		<-l.over
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line == l {
		s.line = nil // from here on nothing of it counts, so seen and what was dealt with stay the same
		s.changedLocked()
	}
	l.fail()
}

// connect opens a connection and says hello on it, with the session if there is one.
func (s *Steady) connect(url, token string) (*line, error) {
	ctx, cancel := context.WithTimeout(s.ctx, helloPatience)
	defer cancel()
	dial, stop := context.WithTimeout(ctx, s.opts.Patience)
	defer stop()
	ws, res, err := websocket.Dial(dial, url, &websocket.DialOptions{
		Subprotocols: []string{wire.Subprotocol},
		HTTPClient:   &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
	if err != nil {
		return nil, err
	}
	if res.Body != nil {
		_ = res.Body.Close()
	}
	ws.SetReadLimit(-1)
	l := &line{s: s, ws: ws, leave: make(chan struct{}), over: make(chan struct{}), failed: make(chan struct{}), asked: make(map[uint64]question), nextID: 1}
	args := wire.HelloArgs{Token: token}
	s.mu.Lock()
	if s.key != "" {
		args.Resume = &wire.Resume{Session: s.hello.Session, Key: s.key, Seen: maps.Clone(s.seen)}
	}
	s.mu.Unlock()
	if err := l.greet(ctx, args); err != nil {
		_ = ws.CloseNow()
		return nil, err
	}
	return l, nil
}

// greet says hello and takes the answer, which is the first frame to come.
func (l *line) greet(ctx context.Context, args wire.HelloArgs) error {
	fields := arguments(l.s.t, wire.OpHello, args)
	fields["id"] = json.RawMessage("0")
	if err := l.write(ctx, fields); err != nil {
		return err
	}
	_, frame, err := l.ws.Read(ctx)
	if err != nil {
		return err
	}
	l.heard.Store(time.Now().UnixNano())
	var f struct {
		ID    *uint64
		OK    *wire.HelloOK
		Error *wire.Error
	}
	if err := json.Unmarshal(frame, &f); err != nil || f.ID == nil || *f.ID != 0 || (f.OK == nil) == (f.Error == nil) {
		l.s.note("hello was not answered first: %v: %.200s", err, frame)
		return errLineLost
	}
	if f.Error != nil {
		l.s.refused(f.Error)
		return f.Error
	}
	l.s.greeted(l, args.Resume != nil, f.OK)
	return nil
}

// goodbye ends the session.
func (l *line) goodbye() {
	_ = l.ws.Close(websocket.StatusNormalClosure, "")
	<-l.over
}

func (l *line) read() {
	defer close(l.over)
	for {
		_, frame, err := l.ws.Read(context.Background())
		if err != nil {
			l.ended(err)
			return
		}
		l.heard.Store(time.Now().UnixNano())
		l.s.take(l, frame)
	}
}

// ended is told how the connection ended.
func (l *line) ended(err error) {
	code := wire.CloseCode(websocket.CloseStatus(err))
	l.s.mu.Lock()
	current := l.s.line == l
	l.s.mu.Unlock()
	// One that was left may well be told that the session was resumed elsewhere.
	if current && code >= 4100 && code < 4500 {
		l.s.note("the edge closed the connection: %v", err)
	}
	_ = l.ws.CloseNow()
}

// watch pings, and cuts the connection when nothing has come for long.
func (l *line) watch() {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	ping := arguments(l.s.t, wire.OpPing, wire.PingArgs{})
	for {
		select {
		case <-l.over:
			return
		case <-l.s.ctx.Done():
			_ = l.ws.CloseNow()
			return
		case now := <-tick.C:
			if now.Sub(time.Unix(0, l.heard.Load())) > l.s.opts.Patience {
				_ = l.ws.CloseNow()
				return
			}
			_, _ = l.ask(ping, nil)
		}
	}
}

// ask sends a request and returns where the answer will come; it is closed without one when the connection is lost.
func (l *line) ask(fields map[string]json.RawMessage, taken func(json.RawMessage)) (<-chan Answer, error) {
	answer := make(chan Answer, 1)
	l.mu.Lock()
	if l.asked == nil {
		l.mu.Unlock()
		return nil, errLineLost
	}
	id := l.nextID
	l.nextID++
	l.asked[id] = question{answer, taken}
	l.mu.Unlock()
	numbered := maps.Clone(fields)
	numbered["id"], _ = json.Marshal(id)
	ctx, cancel := context.WithTimeout(l.s.ctx, l.s.opts.Patience)
	defer cancel()
	if err := l.write(ctx, numbered); err != nil {
		return nil, errLineLost // the reader learns of it too
	}
	return answer, nil
}

// request asks and waits for the answer.
func (l *line) request(ctx context.Context, fields map[string]json.RawMessage, taken func(json.RawMessage)) (Answer, error) {
	answer, err := l.ask(fields, taken)
	if err != nil {
		<-l.failed // a write that failed has broken the connection
		return Answer{}, err
	}
	late := time.NewTimer(answerPatience)
	defer late.Stop()
	select {
	case a, ok := <-answer:
		if !ok {
			return a, errLineLost
		}
		return a, nil
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	case <-late.C:
		l.s.note("a live edge has not answered for %s: %s", answerPatience, fields["op"])
		_ = l.ws.CloseNow()
		return Answer{}, errLineLost
	}
}

func (l *line) write(ctx context.Context, fields map[string]json.RawMessage) error {
	frame, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return l.ws.Write(ctx, websocket.MessageText, frame)
}

// answered hands an answer to whoever asked.
func (l *line) answered(id uint64, a Answer) {
	l.mu.Lock()
	q := l.asked[id]
	delete(l.asked, id)
	l.mu.Unlock()
	if q.answer == nil {
		return
	}
	if q.taken != nil && a.Error == nil {
		q.taken(a.OK)
	}
	q.answer <- a
}

// fail leaves every request without its answer.
func (l *line) fail() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range l.asked {
		close(q.answer)
	}
	l.asked = nil
	close(l.failed)
}

// arguments are the members of a request, without its id.
func arguments(t testing.TB, op wire.Op, args any) map[string]json.RawMessage {
	fields := make(map[string]json.RawMessage)
	raw, err := json.Marshal(args)
	must(t, err)
	must(t, json.Unmarshal(raw, &fields))
	for name, value := range fields { // an argument that was not given is left out
		if string(value) == "null" {
			delete(fields, name)
		}
	}
	fields["op"], err = json.Marshal(op)
	must(t, err)
	return fields
}
