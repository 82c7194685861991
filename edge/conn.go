package edge

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
)

// conn is the network connection under one WebSocket. The library reads and writes frames through it, and it makes two things cheap that a node
// with thousands of sockets does all the time:
//
//   - Waiting: a connection that nothing comes through holds no buffer, and its reader waits in a shallow frame, so that the stack can shrink.
//   - Writing: what waits for a socket goes out in as few system calls as it fits. The library would make one for each frame.
type conn struct {
	net.Conn
	meter
	raw syscall.RawConn // nil where readiness can't be asked for: TLS has data of its own

	rmu   sync.Mutex // guards the following; held while waiting
	rbuf  *[readBufferBytes]byte
	rest  []byte // of rbuf, or of what came with the handshake
	ready func(fd uintptr) bool
	n     int   // what ready read
	err   error // what ready met

	wmu    sync.Mutex // makes what is written under it one piece; guards the following
	closed bool       // a close frame has been written: nothing may follow it (RFC 6455, section 5.5.1)
}

const (
	readBufferBytes  = 8 << 10
	writeBufferBytes = 16 << 10
	// The library reads headers through a buffer of its own; payloads go past it.
	headerBufferBytes = 16
	// controlBufferBytes holds a control frame, so that it is written in one piece.
	controlBufferBytes = 2 + 125 + 1
)

var (
	readBuffers  = sync.Pool{New: func() any { return new([readBufferBytes]byte) }}
	writeBuffers = sync.Pool{New: func() any { return new([writeBufferBytes]byte) }}
)

func newConn(c net.Conn, rest []byte) *conn {
	w := &conn{Conn: c, rest: rest}
	if tcp, ok := c.(*net.TCPConn); ok {
		w.raw, _ = tcp.SyscallConn() // fails for a closed one only, which Read tells
	}
	w.ready = w.readReady
	return w
}

// await returns once there is something to read, or nothing ever will be. It holds no buffer meanwhile.
func (c *conn) await() error {
	c.rmu.Lock()
	defer c.rmu.Unlock()
	return c.fillLocked()
}

func (c *conn) fillLocked() error {
	if len(c.rest) > 0 || c.raw == nil {
		return nil
	}
	c.n, c.err = 0, nil
	if err := c.raw.Read(c.ready); err != nil {
		return err
	}
	if c.n == 0 {
		return c.err
	}
	c.rest = c.rbuf[:c.n]
	return nil
}

// Read implements [net.Conn]. Data first comes into a shared buffer, from which a frame's header and payload are taken without another system
// call. The library's own small buffer gets a byte at a time: it reads headers through it, and must not take a part of the next frame, which await could not see there.
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == headerBufferBytes {
		p = p[:1]
	}
	c.rmu.Lock()
	defer c.rmu.Unlock()
	if err := c.fillLocked(); err != nil {
		return 0, err
	}
	if len(c.rest) == 0 {
		n, err := c.Conn.Read(p)
		return n, cmp.Or(err, c.took(n))
	}
	n := copy(p, c.rest)
	if c.rest = c.rest[n:]; len(c.rest) == 0 {
		c.rest = nil
		if c.rbuf != nil {
			readBuffers.Put(c.rbuf)
			c.rbuf = nil
		}
	}
	return n, c.took(n)
}

// Write implements [net.Conn]. The library writes control frames through it, each in one piece.
func (c *conn) Write(p []byte) (int, error) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	const opcodeMask, opcodeClose = 0x0f, 0x08
	c.closed = len(p) > 0 && p[0]&opcodeMask == opcodeClose
	return c.Conn.Write(p)
}

// writeText writes frames as text messages, one each.
func (c *conn) writeText(frames [][]byte) error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	buf := writeBuffers.Get().(*[writeBufferBytes]byte)
	defer writeBuffers.Put(buf)
	out := buf[:0]
	for _, frame := range frames {
		if len(frame) == 0 {
			continue // a proof: see socket.prove
		}
		if len(out)+maxHeader+len(frame) > len(buf) && len(out) > 0 {
			if _, err := c.Conn.Write(out); err != nil {
				return err
			}
			out = buf[:0]
		}
		out = appendTextHeader(out, len(frame))
		if len(frame) > cap(out)-len(out) {
			pieces := net.Buffers{out, frame}
			if _, err := pieces.WriteTo(c.Conn); err != nil {
				return err
			}
			out = buf[:0]
			continue
		}
		out = append(out, frame...)
	}
	if len(out) == 0 {
		return nil
	}
	_, err := c.Conn.Write(out)
	return err
}

// maxHeader is the longest header of a server's frame.
const maxHeader = 10

// appendTextHeader begins an unfragmented text frame of a server (RFC 6455, section 5.2).
func appendTextHeader(dst []byte, n int) []byte {
	const finText = 0x81
	switch {
	case n < 126:
		return append(dst, finText, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, finText, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, finText, 127), uint64(n))
	}
}

// takeover gives the library a connection of ours when it takes over from net/http, whose own buffers can then go.
type takeover struct {
	http.ResponseWriter
	conn *conn
}

// Hijack implements [http.Hijacker].
func (t *takeover) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("taking over the connection: %w", err)
	}
	early, _ := rw.Peek(rw.Reader.Buffered()) // what came after the handshake, which is all there: it can't fail
	t.conn = newConn(c, append([]byte(nil), early...))
	return t.conn, bufio.NewReadWriter(bufio.NewReaderSize(t.conn, headerBufferBytes), bufio.NewWriterSize(t.conn, controlBufferBytes)), nil
}
