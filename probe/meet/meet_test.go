package meet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"go.uber.org/goleak"

	"callmesh/bus/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// edge answers what each operation is to be answered, and nothing where that is empty.
func edge(t *testing.T, answer func(op wire.Op) string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.Subprotocol}})
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		for {
			var request struct {
				ID uint64  `json:"id"`
				Op wire.Op `json:"op"`
			}
			if wsjson.Read(r.Context(), c, &request) != nil {
				return
			}
			if ok := answer(request.Op); ok != "" {
				_ = c.Write(r.Context(), websocket.MessageText, fmt.Appendf(nil, `{"id":%d,"ok":%s}`, request.ID, ok))
			}
		}
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

// An edge that is there and says nothing, be it from the beginning or later, is not waited for without end.
func TestASilentEdgeIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	const hello, servers = `{"heartbeat":1000}`, `{"iceServers":[]}`
	l, err := net.Listen("tcp", "127.0.0.1:0") // which takes connections, and never reads from them
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for name, c := range map[string]struct {
		url, hello, ice, says string
	}{
		"no WebSocket": {"ws://" + l.Addr().String(), "", "", "no way to the edge: the edge does not answer"},
		"no hello":     {"", "", "", "hello: the edge does not answer"},
		"no servers":   {"", hello, "", "ice: the edge does not answer"},
		"no join":      {"", hello, servers, "join: the edge does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.url == "" {
				c.url = edge(t, func(op wire.Op) string { return map[wire.Op]string{wire.OpHello: c.hello, wire.OpICE: c.ice}[op] })
			}
			asked := 0
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			s, err := Join(ctx, Options{
				URL: c.url, Room: "r", Answer: 2 * time.Second, Wait: time.Hour,
				Enough: func([]wire.ICEServer) bool { asked++; return c.ice != "" && asked > 1 },
			})
			if err == nil {
				s.Close()
			}
			if err == nil || err.Error() != c.says {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}

// One that falls silent ends the session.
func TestASessionEndsWithItsEdge(t *testing.T) {
	t.Parallel()
	s, err := Join(t.Context(), Options{
		URL: edge(t, func(op wire.Op) string {
			return map[wire.Op]string{wire.OpHello: `{"heartbeat":1000}`, wire.OpJoin: `{"peers":[]}`}[op] // and no ping
		}),
		Room: "r", Answer: 2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	select {
	case <-s.Ended():
		if !errors.Is(s.Err(), errSilent) {
			t.Errorf("it ends of %v", s.Err())
		}
	case <-time.After(time.Minute):
		t.Error("it goes on")
	}
}

// A relay that the edge does not know of yet is waited for.
func TestARelayIsWaitedFor(t *testing.T) {
	t.Parallel()
	asked := 0
	url := edge(t, func(op wire.Op) string {
		switch op {
		case wire.OpHello:
			return `{"heartbeat":20000,"iceServers":[]}`
		case wire.OpICE:
			if asked++; asked > 1 {
				return `{"iceServers":[{"urls":["turn:a"]}]}`
			}
			return `{"iceServers":[]}`
		default:
			return `{"peers":[]}`
		}
	})
	s, err := Join(t.Context(), Options{URL: url, Room: "r", Wait: time.Minute, Enough: func(from []wire.ICEServer) bool { return len(from) > 0 }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if len(s.ICEServers()) != 1 {
		t.Errorf("%+v", s.ICEServers())
	}
}
