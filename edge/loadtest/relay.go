package loadtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats.go"
)

// What a socket of a bare relay is for: the query's "do".
const (
	doRelay = "relay" // be in a room; greeted when the nats-server knows of it
	doPlain = "plain" // be in a room; greeted at once
	doJoin  = "join"  // be in a room; greeted when the other relays have been asked who is there
	doEcho  = "echo"  // get one's own frames back
	doIdle  = "idle"  // be connected
)

// relay is the bound: as little as a relay can do with the same WebSocket library and the same nats-server. It has no sessions, no
// identities, no acks, no replay, no limits, and trusts everybody; where a peer is slow, all wait.
type relay struct {
	nc    *nats.Conn // nil if it stands alone
	mu    sync.Mutex // guards the following
	rooms map[string]*relayRoom
}

type relayRoom struct {
	sub   *nats.Subscription
	mu    sync.Mutex // guards the following
	conns []*websocket.Conn
}

const whoSubject = "bare.who"

// Relay runs one bare relay as args say, until ctx ends. Once it takes connections it prints its address to stdout.
func Relay(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("relay", flag.ContinueOnError)
	url := flags.String("nats-url", "", "the nats-server that joins it to others; without one it stands alone")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r := &relay{rooms: make(map[string]*relayRoom)}
	if *url != "" {
		var err error
		if r.nc, err = nats.Connect(*url, nats.NoEcho()); err != nil {
			return err
		}
		defer r.nc.Close()
		if _, err := r.nc.Subscribe(whoSubject, r.who); err != nil {
			return err
		}
		if err := r.nc.Flush(); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(listener) }()
	go func() { // with the parent at the latest: it is never left behind
		_, _ = io.Copy(io.Discard, stdin)
		ended <- nil
	}()
	_, _ = fmt.Fprintf(stdout, "relay ready at %s\n", listener.Addr())
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	return errors.Join(err, server.Close())
}

// ServeHTTP takes a socket and keeps it until it ends.
func (r *relay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	do, name := req.URL.Query().Get("do"), req.URL.Query().Get("room")
	ws, err := websocket.Accept(w, req, nil)
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = ws.CloseNow() }()
	ctx := context.Background() // the request's would cost a goroutine that watches it
	var room *relayRoom
	switch do {
	case doIdle, doEcho:
	default:
		if room, err = r.enter(name, ws); err != nil {
			_ = ws.Close(websocket.StatusInternalError, err.Error())
			return
		}
		defer r.leave(name, room, ws)
	}
	switch {
	case r.nc == nil:
	case do == doRelay:
		err = r.nc.Flush()
	case do == doJoin:
		_, err = r.nc.Request(whoSubject, []byte(name), patience)
	}
	if err == nil {
		err = ws.Write(ctx, websocket.MessageText, []byte("ok"))
	}
	for err == nil {
		var frame []byte
		if _, frame, err = ws.Read(ctx); err != nil {
			return
		}
		switch {
		case do == doEcho:
			err = ws.Write(ctx, websocket.MessageText, frame)
		case room != nil:
			room.deliver(frame, ws)
			if r.nc != nil {
				err = r.nc.Publish(subject(name), frame)
			}
		}
	}
	_ = ws.Close(websocket.StatusInternalError, err.Error())
}

func subject(room string) string { return "bare.room." + room }

// enter adds a socket to a room, for which one subscription serves all.
func (r *relay) enter(name string, ws *websocket.Conn) (*relayRoom, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	room := r.rooms[name]
	if room == nil {
		room = new(relayRoom)
		if r.nc != nil {
			var err error
			if room.sub, err = r.nc.Subscribe(subject(name), func(m *nats.Msg) { room.deliver(m.Data, nil) }); err != nil {
				return nil, err
			}
		}
		r.rooms[name] = room
	}
	room.mu.Lock()
	defer room.mu.Unlock()
	room.conns = append(room.conns, ws)
	return room, nil
}

func (r *relay) leave(name string, room *relayRoom, ws *websocket.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	room.mu.Lock()
	defer room.mu.Unlock()
	room.conns = slices.DeleteFunc(slices.Clone(room.conns), func(c *websocket.Conn) bool { return c == ws })
	if len(room.conns) == 0 {
		delete(r.rooms, name)
		if room.sub != nil {
			_ = room.sub.Unsubscribe()
		}
	}
}

// deliver writes a frame to all in the room but its sender.
func (room *relayRoom) deliver(frame []byte, except *websocket.Conn) {
	room.mu.Lock()
	conns := room.conns
	room.mu.Unlock()
	for _, ws := range conns {
		if ws != except {
			_ = ws.Write(context.Background(), websocket.MessageText, frame) // who is gone is found by its reader
		}
	}
}

// who answers another relay's question who is in a room.
func (r *relay) who(m *nats.Msg) {
	r.mu.Lock()
	room := r.rooms[string(m.Data)]
	r.mu.Unlock()
	if room == nil {
		_ = m.Respond([]byte("[]"))
		return
	}
	_ = m.Respond([]byte(`["peer"]`))
}
