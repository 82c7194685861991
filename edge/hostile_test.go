package edge_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
)

// rawSocket is a WebSocket whose frames the test writes byte by byte, as no library would.
type rawSocket struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

const (
	opContinue, opText, opPing, opPong = 0x0, 0x1, 0x9, 0xa
	fin                                = 0x80
)

func dialRaw(t *testing.T, n *edgetest.Node, headers ...string) *rawSocket {
	t.Helper()
	host := strings.TrimPrefix(n.HTTP, "http://")
	conn, err := net.DialTimeout("tcp", host, edgetest.Patience)
	noError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	noError(t, conn.SetDeadline(time.Now().Add(2*edgetest.Patience)))
	lines := append([]string{
		"GET /v1/ws HTTP/1.1", "Host: " + host, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol: callmesh.v1",
	}, headers...)
	_, err = io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n")
	noError(t, err)
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	noError(t, err)
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %s", res.Status)
	}
	return &rawSocket{t: t, conn: conn, in: in}
}

// frame appends a masked frame; the mask is zero, which is one.
func frame(dst []byte, head byte, payload string) []byte {
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, head, 0x80|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, head, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, head, 0x80|127), uint64(n))
	}
	return append(append(dst, 0, 0, 0, 0), payload...)
}

func (s *rawSocket) send(frames []byte) error {
	_, err := s.conn.Write(frames)
	return err
}

// next reads one frame of the edge's: none is fragmented or longer than 64 KiB.
func (s *rawSocket) next() (op byte, payload []byte, err error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(s.in, head); err != nil {
		return 0, nil, err
	}
	n := int(head[1])
	if n == 126 {
		long := make([]byte, 2)
		if _, err := io.ReadFull(s.in, long); err != nil {
			return 0, nil, err
		}
		n = int(binary.BigEndian.Uint16(long))
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(s.in, payload)
	return head[0] & 0xf, payload, err
}

func (s *rawSocket) hello(user string) {
	s.t.Helper()
	noError(s.t, s.send(frame(nil, fin|opText, fmt.Sprintf(`{"id":1,"op":"hello","token":%q}`, token(s.t, user)))))
	if _, p, err := s.next(); err != nil || !strings.Contains(string(p), `"ok"`) {
		s.t.Fatalf("hello: %s, %v", p, err)
	}
}

// closed reads to the end and returns the code of the close frame; 0 if none came.
func (s *rawSocket) closed() (code int) {
	s.t.Helper()
	for {
		op, p, err := s.next()
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			s.t.Fatal("the edge never closed the socket")
		}
		if err != nil {
			return code
		}
		if op == 0x8 && len(p) >= 2 {
			code = int(binary.BigEndian.Uint16(p))
			_ = s.send(frame(nil, fin|0x8, string(p[:2]))) // the handshake's other half
		}
	}
}

// flood sends frames until the connection is closed or limit times, whichever comes first, and returns how many went out.
func (s *rawSocket) flood(one []byte, limit int) *atomic.Int64 {
	sent := new(atomic.Int64)
	batch := make([]byte, 0, 1000*len(one))
	for range 1000 {
		batch = append(batch, one...)
	}
	go func() {
		for range limit / 1000 {
			if s.send(batch) != nil {
				return
			}
			sent.Add(1000)
		}
	}()
	return sent
}

func TestFragments(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.ByteRate, l.ByteBurst = 1, 300<<10 }))
	n := m.Edges[0]
	for name, one := range map[string][]byte{
		"empty":           frame(nil, opContinue, ""),
		"of one byte":     frame(nil, opContinue, " "),
		"of two and none": frame(frame(nil, opContinue, "  "), opContinue, ""),
	} {
		for _, greeted := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", greeted ", greeted), func(t *testing.T) {
				s := dialRaw(t, n)
				if greeted {
					s.hello("ann")
				}
				noError(t, s.send(frame(nil, opText, `{"id":2,"op":"ping"`)))
				sent := s.flood(one, 10_000_000)
				if code := s.closed(); code != int(wire.CloseFlooding) && code != 0 { // the close frame may be lost in the flood
					t.Errorf("closed with %d after %d fragments", code, sent.Load())
				}
			})
		}
	}
	if got := value(t, n, "refused_total", `what="frame",why="fragments"`); got != 6 {
		t.Errorf("%v floods of fragments were counted, want 6", got)
	}
}

// TestAFrameInPieces is what a proxy between may make of a frame, with its own pings among the pieces.
func TestAFrameInPieces(t *testing.T) {
	m := oneNode(t, 1)
	n := m.Edges[0]
	ben := edgetest.Connect(t, n, "ben")
	join(ben, "r")
	s := dialRaw(t, n)
	s.hello("ann")
	noError(t, s.send(frame(nil, fin|opText, `{"id":2,"op":"join","room":"r"}`)))
	if _, p, err := s.next(); err != nil || !strings.Contains(string(p), `"ok"`) {
		t.Fatalf("join: %s, %v", p, err)
	}
	text := `{"id":3,"op":"post","room":"r","data":"` + strings.Repeat("x", 65400) + `"}`
	var frames []byte
	for at := 0; at < len(text); at += 16 { // 6 bytes of head for each 16
		head := byte(opContinue)
		if at == 0 {
			head = opText
		}
		frames = frame(frames, head, text[at:min(at+16, len(text))])
	}
	frames = frame(frames, fin|opPing, "are you there")
	frames = frame(frames, fin|opContinue, "")
	noError(t, s.send(frames))
	edgetest.Await(ben, wire.EvPost, func(e wire.PostEvent) bool { return len(e.Data) == 65402 })
	op, p, err := s.next()
	if op != opPong || string(p) != "are you there" || err != nil {
		t.Errorf("the ping got %x %s, %v", op, p, err)
	}
}

// TestManyFragmentsCostWhatTheyTake: a frame of a few bytes that took many is charged for all of them.
func TestManyFragmentsCostWhatTheyTake(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.ByteRate, l.ByteBurst = 1, 200<<10 }))
	s := dialRaw(t, m.Edges[0])
	s.hello("ann")
	var frames []byte
	frames = frame(frames, opText, `{"id":2,"op":"ping"}`)
	for range 15_000 { // 90 KB
		frames = frame(frames, opContinue, "")
	}
	frames = frame(frames, fin|opContinue, "")
	var got []string
	for range 3 {
		noError(t, s.send(frames))
		_, p, err := s.next()
		noError(t, err)
		got = append(got, string(p))
	}
	if !strings.Contains(got[0], `"ok"`) || !strings.Contains(got[1], `"ok"`) || !strings.Contains(got[2], "more than 1 bytes a second: slow down") {
		t.Errorf("got %s", got)
	}
}

func TestControlFrames(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.PingRate, l.PingBurst = 0.01, 20 }))
	n := m.Edges[0]
	for name, one := range map[string][]byte{"pings": frame(nil, fin|opPing, "x"), "pongs that nobody asked for": frame(nil, fin|opPong, "x")} {
		for _, greeted := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", greeted ", greeted), func(t *testing.T) {
				s := dialRaw(t, n)
				if greeted {
					s.hello("ann")
				}
				for range 20 { // a client that keeps its connection open with them
					noError(t, s.send(one))
				}
				noError(t, s.send(one))
				if code := s.closed(); code != int(wire.CloseFlooding) {
					t.Errorf("closed with %d", code)
				}
			})
		}
	}
	if got := value(t, n, "refused_total", `what="frame",why="control"`); got < 4 {
		t.Errorf("%v refusals were counted", got)
	}
}

// TestATricklingFrame is bounded by the heartbeat, however lively the socket looks.
func TestATricklingFrame(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.Heartbeat, l.Grace = 500*time.Millisecond, time.Second }))
	n := m.Edges[0]
	s := dialRaw(t, n)
	s.hello("ann")
	noError(t, s.send(frame(nil, opText, `{"id":2,"op":"ping"`)))
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				if s.send(frame(frame(nil, opContinue, " "), fin|opPing, "")) != nil {
					return
				}
			}
		}
	}()
	s.closed()
	close(stop)
	<-ended
	edgetest.Eventually(t, "its session is over", func() bool { return value(t, n, "sessions", "") == 0 })
}

// TestATricklingHello has no heartbeat yet, but the time in which to say hello.
func TestATricklingHello(t *testing.T) {
	m := oneNode(t, 1, limited(func(l *edge.Limits) { l.HelloTimeout = time.Second }))
	n := m.Edges[0]
	s := dialRaw(t, n)
	noError(t, s.send(frame(nil, opText, `{"id":2,`)))
	if code := s.closed(); code != int(wire.CloseNoHello) {
		t.Errorf("closed with %d", code)
	}
	edgetest.Eventually(t, "its place is free", func() bool { return value(t, n, "sockets_waiting", "") == 0 })
}
