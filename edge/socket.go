package edge

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"callmesh/bus/wire"
)

// closePatience is how long what waits may take to be written before a close.
const closePatience = 5 * time.Second

// socket is one WebSocket. A session has at most one at a time.
type socket struct {
	edge  *Edge
	ws    *websocket.Conn
	conn  *conn // under ws
	queue queue
	place *place
	addr  *entry[netip.Addr]  // whose connection it is; nil has no limits
	user  *entry[wire.UserID] // once hello has said so; the reader's alone

	lastRead atomic.Int64 // Unix ns
	writing  atomic.Int64 // since when a frame is being written, in Unix ns; 0 if none is
	ending   sync.Once
	ended    chan struct{}
	last     atomic.Pointer[ending] // the close that follows once the queue is written
	// proven is called when the client has got all that went before a proof in the queue.
	proven func(ctx context.Context)
}

type ending struct {
	code   wire.CloseCode
	reason string
}

func newSocket(e *Edge, ws *websocket.Conn, c *conn, p *place) *socket {
	s := &socket{edge: e, ws: ws, conn: c, place: p, addr: p.addr, ended: make(chan struct{})}
	s.queue.limit = e.limits.QueueBytes
	s.lastRead.Store(time.Now().UnixNano())
	return s
}

var (
	errBinary   = errors.New("a binary frame")
	errTooLarge = errors.New("a frame over the limit")
)

// settle gives back what the socket was counted for. Its reader does so at its end.
func (s *socket) settle() {
	s.place.free()
	s.edge.users.leave(s.user)
}

// frameBuffers are buffers that frames were read into, and that nothing refers to any more.
var frameBuffers = sync.Pool{New: func() any { return new([frameBytes]byte) }}

// frameBytes is what nearly every frame fits into.
const frameBytes = 4 << 10

// recycle gives back the buffer of a frame that was read, of which nothing may be in use any more.
func recycle(frame []byte) {
	if cap(frame) == frameBytes {
		frameBuffers.Put((*[frameBytes]byte)(frame[:frameBytes]))
	}
}

// read returns the next text frame. Its bytes are the caller's own.
func (s *socket) read() ([]byte, error) {
	// Not a context per read: it would cost a timer each. The edge's sweep cuts a silent socket, which ends the read.
	kind, r, err := s.ws.Reader(context.Background())
	if err != nil {
		return nil, err
	}
	if kind != websocket.MessageText {
		return nil, errBinary
	}
	buf := frameBuffers.Get().(*[frameBytes]byte)[:0]
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > wire.MaxFrameBytes:
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			s.lastRead.Store(time.Now().UnixNano())
			return buf, nil
		case err != nil:
			return nil, err
		case len(buf) == cap(buf):
			buf = append(make([]byte, 0, min(4*cap(buf), wire.MaxFrameBytes+1)), buf...)
		}
	}
}

func (s *socket) send(frame []byte)                         { s.act(s.queue.push(frame)) }
func (s *socket) sendEvent(mid wire.Mid, frame []byte)      { s.act(s.queue.pushEvent(mid, frame)) }
func (s *socket) sendOK(id uint64, ok []byte)               { s.send(wire.AppendOK(nil, id, ok)) }
func (s *socket) sendError(id uint64, err *wire.Error)      { s.send(wire.AppendError(nil, id, err)) }
func (s *socket) release(f [][]byte, k func(wire.Mid) bool) { s.act(s.queue.release(f, k)) }

func (s *socket) act(v verdict) {
	switch v {
	case startWriter:
		s.edge.writers.start(s)
	case overflow:
		s.edge.metrics.slow.Inc()
		s.close(wire.CloseSlow, "too slow: resume to go on")
	}
}

// write runs while there is something to write. An error is the reader's to see.
func (s *socket) write() {
	for frames := s.queue.take(0); len(frames) > 0; {
		done, proofs := 0, 0
		for _, frame := range frames {
			done += len(frame)
			if len(frame) == 0 {
				proofs++
			}
		}
		s.writing.Store(time.Now().UnixNano())
		err := s.conn.writeText(frames)
		s.writing.Store(0)
		if err != nil {
			s.queue.close()
			s.queue.take(0)
			_ = s.ws.CloseNow() // ends the reader too
			return
		}
		s.edge.metrics.framesOut.Add(float64(len(frames) - proofs))
		if proofs > 0 {
			s.edge.own(s.prove)
		}
		frames = s.queue.take(done)
	}
	if end := s.last.Load(); end != nil {
		s.close(end.code, end.reason)
	}
}

// proof in the queue stands for a ping frame (RFC 6455, section 5.5.2): its pong comes from who has got all that was written before.
var proof = []byte{}

func (s *socket) prove(ctx context.Context) {
	pong, cancel := context.WithTimeout(ctx, s.edge.limits.Heartbeat)
	defer cancel()
	if s.ws.Ping(pong) == nil {
		s.proven(ctx)
	}
}

// closeAfter closes once what waits is written.
func (s *socket) closeAfter(code wire.CloseCode, reason string) {
	s.last.Store(&ending{code, reason})
	// A reader that has stopped must not keep the socket for ever.
	time.AfterFunc(closePatience, func() { s.close(code, reason) })
	s.queue.mu.Lock()
	idle := !s.queue.writing
	s.queue.mu.Unlock()
	if idle {
		s.close(code, reason)
	}
}

// close sends a close frame, for up to closeTimeout, and ends the socket. It returns at once; only the first call counts.
func (s *socket) close(code wire.CloseCode, reason string) {
	s.ending.Do(func() {
		s.edge.metrics.closes.WithLabelValues(closeName(code)).Inc()
		s.queue.close()
		s.conn.lift()
		owned := s.edge.own(func(context.Context) {
			defer s.gone()
			_ = s.ws.Close(websocket.StatusCode(code), reason) // bounded by the library to 5 s; then the socket is cut
			_ = s.ws.CloseNow()
		})
		if !owned {
			_ = s.ws.CloseNow()
			s.gone()
		}
	})
}

// cut ends the socket without a close frame. Edge.mu must not be held.
func (s *socket) cut() {
	mine := false
	s.ending.Do(func() {
		mine = true
		s.queue.close()
	})
	// Not within Do: close waits for that, and may be called with locks that come after Edge.mu, which gone takes.
	if mine {
		_ = s.ws.CloseNow()
		s.gone()
	}
}

// gone is the socket's end: until then the edge knows of it, and can cut it.
func (s *socket) gone() {
	s.edge.forgetSocket(s)
	close(s.ended)
}

func closeName(code wire.CloseCode) string {
	for _, c := range wire.CloseCodes {
		if c.Code == code {
			return c.Name
		}
	}
	return "normal"
}
