// Package meet is a session on an edge, as much as two probers need to meet in a room and signal: the wire contract of PROTOCOL.md without resume. A probe that loses its edge has lost its signalling, which is a result.
package meet

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coder/websocket"

	"callmesh/bus/wire"
)

// maxSignals is how many signals wait for their reader, before the session is given up: the other side sends some dozens for each attempt.
const maxSignals = 256

// errSilent ends a session whose edge is there and says nothing.
var errSilent = errors.New("the edge does not answer")

// askAgain is after how long an edge is asked again for what it did not have.
const askAgain = time.Second

// Options say where to meet.
type Options struct {
	// URL of an edge: wss://HOST; the path is /v1/ws unless it has one.
	URL   string
	Token string
	Room  wire.RoomID
	// TLS is for edges whose certificate no public authority has signed. May be nil.
	TLS *tls.Config
	// Enough says whether what an edge hands out will do; while it does not, the edge is asked again before the room is joined, for Wait at most: a relay that
	// has just been started is known some seconds later than its edge. May be nil.
	Enough func([]wire.ICEServer) bool
	Wait   time.Duration
	// Answer is how long the edge may take to answer each request, and the first connection to open. Default: 30 s.
	Answer time.Duration
}

// Signal is what another peer sent.
type Signal struct {
	From wire.PeerID
	Data json.RawMessage
}

// Session is one session in one room.
type Session struct {
	// Hello is what the edge greeted with.
	Hello wire.HelloOK

	room     wire.RoomID
	ws       *websocket.Conn
	patience time.Duration // for each answer
	signals  chan Signal
	changed  chan struct{} // has a value when the roster has changed since it was read
	ended    chan struct{}
	stop     context.CancelFunc
	wg       sync.WaitGroup

	// mu guards the following.
	mu      sync.Mutex
	lastID  uint64
	answers map[uint64]chan<- frame
	others  map[wire.PeerID]bool
	err     error
}

// frame is an answer or an event.
type frame struct {
	ID    *uint64         `json:"id"`
	OK    json.RawMessage `json:"ok"`
	Error *wire.Error     `json:"error"`
	Ev    wire.Event      `json:"ev"`
	Room  wire.RoomID     `json:"room"`
	Peer  wire.PeerID     `json:"peer"`
	From  wire.PeerID     `json:"from"`
	Data  json.RawMessage `json:"data"`
}

// Join connects, says hello and joins the room.
func Join(ctx context.Context, o Options) (*Session, error) {
	address, err := socketURL(o.URL)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: o.TLS, Proxy: http.ProxyFromEnvironment}}
	patience := cmp.Or(o.Answer, 30*time.Second)
	dialing, dialed := context.WithTimeoutCause(ctx, patience, errSilent)
	defer dialed()
	ws, res, err := websocket.Dial(dialing, address, &websocket.DialOptions{Subprotocols: []string{wire.Subprotocol}, HTTPClient: client})
	if res != nil && res.Body != nil {
		_ = res.Body.Close()
	}
	if err != nil {
		if res != nil && res.StatusCode != http.StatusSwitchingProtocols {
			return nil, fmt.Errorf("%s answers with %s, where a WebSocket was expected", address, res.Status)
		}
		if dialing.Err() != nil {
			err = context.Cause(dialing)
		}
		return nil, fmt.Errorf("no way to the edge: %w", err)
	}
	ws.SetReadLimit(4 * wire.MaxFrameBytes)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Session{
		room: o.Room, ws: ws, patience: patience, signals: make(chan Signal, maxSignals), changed: make(chan struct{}, 1), ended: make(chan struct{}), stop: stop,
		answers: map[uint64]chan<- frame{}, others: map[wire.PeerID]bool{},
	}
	s.wg.Go(func() { s.read(running) })
	if err := s.enter(ctx, o); err != nil {
		s.Close()
		return nil, err
	}
	s.wg.Go(func() { s.beat(running) })
	return s, nil
}

func socketURL(edge string) (string, error) {
	u, err := url.Parse(edge)
	if err != nil || u.Host == "" || u.Scheme != "ws" && u.Scheme != "wss" {
		return "", fmt.Errorf("%q is not an edge's URL; write it like wss://calls.example.org", edge)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/ws"
	}
	return u.String(), nil
}

func (s *Session) enter(ctx context.Context, o Options) error {
	ok, err := s.request(ctx, wire.OpHello, wire.HelloArgs{Token: o.Token})
	if err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	if err := json.Unmarshal(ok, &s.Hello); err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	if o.Enough != nil {
		if err := s.awaitServers(ctx, o); err != nil {
			return fmt.Errorf("ice: %w", err)
		}
	}
	ok, err = s.request(ctx, wire.OpJoin, wire.JoinArgs{Room: s.room})
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	var joined wire.JoinOK
	if err := json.Unmarshal(ok, &joined); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	for _, p := range joined.Peers {
		s.roster(p.Peer, true)
	}
	return nil
}

// awaitServers asks the edge what it hands out until that is enough, or the time is over.
func (s *Session) awaitServers(ctx context.Context, o Options) error {
	over := time.After(o.Wait)
	for !o.Enough(s.Hello.ICEServers) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over:
			return nil // whoever needs them says what is missing
		case <-time.After(askAgain):
		}
		ok, err := s.request(ctx, wire.OpICE, wire.ICEArgs{})
		if err != nil {
			return err
		}
		var now wire.ICEOK
		if err := json.Unmarshal(ok, &now); err != nil {
			return err
		}
		s.Hello.ICEServers = now.ICEServers
	}
	return nil
}

// Self is this session's peer id.
func (s *Session) Self() wire.PeerID { return s.Hello.Peer }

// ICEServers are what the edge hands out.
func (s *Session) ICEServers() []wire.ICEServer { return s.Hello.ICEServers }

// Others are the other peers in the room.
func (s *Session) Others() []wire.PeerID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []wire.PeerID
	for p := range s.others {
		all = append(all, p)
	}
	return all
}

// Changed has a value whenever the roster may have changed.
func (s *Session) Changed() <-chan struct{} { return s.changed }

// Signals are what others send to this session, in the order of each.
func (s *Session) Signals() <-chan Signal { return s.signals }

// Ended is closed when the session is over; Err says why.
func (s *Session) Ended() <-chan struct{} { return s.ended }

// Err is why the session has ended; nil if it was closed here, or goes on.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Send signals to another peer. What it says is accepted once this returns.
func (s *Session) Send(ctx context.Context, to wire.PeerID, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return err
	}
	_, err = s.request(ctx, wire.OpSignal, wire.SignalArgs{Room: s.room, To: to, Data: raw})
	return err
}

// Report tells the edge what an attempt to connect came to, as pages do.
func (s *Session) Report(ctx context.Context, peer wire.PeerID, o wire.Outcome) error {
	_, err := s.request(ctx, wire.OpReport, wire.ReportArgs{Room: s.room, Peer: peer, Outcome: o})
	return err
}

// Close leaves, and returns when nothing of the session runs any more.
func (s *Session) Close() {
	_ = s.ws.Close(websocket.StatusNormalClosure, "done")
	s.stop()
	s.wg.Wait()
}

func (s *Session) request(ctx context.Context, op wire.Op, args any) (json.RawMessage, error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.patience, errSilent)
	defer cancel()
	answer := make(chan frame, 1)
	s.mu.Lock()
	s.lastID++
	id := s.lastID
	s.answers[id] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.answers, id)
		s.mu.Unlock()
	}()
	if fields == nil {
		fields = map[string]json.RawMessage{}
	}
	fields["id"], _ = json.Marshal(id)
	fields["op"], _ = json.Marshal(op)
	if raw, err = json.Marshal(fields); err != nil {
		return nil, err
	}
	if err := s.ws.Write(ctx, websocket.MessageText, raw); err != nil {
		return nil, s.lost(err)
	}
	select {
	case f := <-answer:
		if f.Error != nil {
			return nil, f.Error
		}
		return f.OK, nil
	case <-s.ended:
		return nil, s.lost(errors.New("the session has ended"))
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// lost prefers what the session ended of.
func (s *Session) lost(err error) error {
	if e := s.Err(); e != nil {
		return e
	}
	return err
}

func (s *Session) read(ctx context.Context) {
	defer close(s.ended)
	for {
		kind, raw, err := s.ws.Read(ctx)
		var f frame
		if err == nil && (kind != websocket.MessageText || json.Unmarshal(raw, &f) != nil) {
			err = errors.New("the edge sent what is no frame of callmesh.v1")
		}
		if err == nil {
			err = s.take(f)
		}
		if err != nil {
			if ctx.Err() == nil {
				s.fail(err)
			}
			_ = s.ws.CloseNow()
			return
		}
	}
}

// fail notes what the session ended of; the first is what counts.
func (s *Session) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = fmt.Errorf("the session was lost: %w", err)
	}
}

func (s *Session) take(f frame) error {
	if f.ID != nil {
		s.mu.Lock()
		c := s.answers[*f.ID]
		s.mu.Unlock()
		if c != nil {
			select {
			case c <- f:
			default: // a second answer
			}
		}
		return nil
	}
	if f.Room != s.room {
		return nil
	}
	switch f.Ev {
	case wire.EvJoined:
		s.roster(f.Peer, true)
	case wire.EvLeft:
		s.roster(f.Peer, false)
	case wire.EvSignal:
		select {
		case s.signals <- Signal{f.From, f.Data}:
		default:
			return fmt.Errorf("more than %d signals wait", maxSignals)
		}
	}
	return nil
}

func (s *Session) roster(p wire.PeerID, there bool) {
	s.mu.Lock()
	if there {
		s.others[p] = true
	} else {
		delete(s.others, p)
	}
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// beat pings as often as the edge wants.
func (s *Session) beat(ctx context.Context) {
	tick := time.NewTicker(max(time.Second, time.Duration(s.Hello.Heartbeat)*time.Millisecond*7/10))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, err := s.request(ctx, wire.OpPing, wire.PingArgs{}); err != nil {
				if errors.Is(err, errSilent) {
					s.fail(err)
					_ = s.ws.CloseNow()
				}
				return
			}
		case <-s.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}
