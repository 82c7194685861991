package loadtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// patience bounds every wait for a single answer.
const patience = 20 * time.Second

// conn is the client's end of a WebSocket (RFC 6455) with only what this package needs: text frames that are not fragmented, many of which one
// read of the socket may bring. A library's client would cost the machine more than what is measured.
type conn struct {
	net.Conn
	buf  []byte
	r, w int // what was read and not yet taken is buf[r:w]
}

// closed is the close frame that ended a connection.
type closed struct {
	code   int
	reason string
}

func (c *closed) Error() string {
	return fmt.Sprintf("the other end closed the WebSocket: %d %s", c.code, c.reason)
}

// dialer connects from many addresses of this machine in turn: one alone has about 28,000 ports, and is bounded as a single stranger would be.
type dialer struct{ next atomic.Uint32 }

const sourceAddresses = 250

func (d *dialer) dial(ctx context.Context, addr, path, header string) (*conn, error) {
	nd := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+d.next.Add(1)%sourceAddresses))}}
	nc, err := nd.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nc, buf: make([]byte, 2048)}
	if err := c.upgrade(addr, path, header); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("upgrade of %s: %w", addr, err)
	}
	return c, nil
}

// upgrade does the handshake (RFC 6455, section 4.1). The key may be the same each time: it only proves that the answer is not a cached one.
func (c *conn) upgrade(host, path, header string) error {
	_ = c.SetDeadline(time.Now().Add(patience))
	defer func() { _ = c.SetDeadline(time.Time{}) }()
	request := "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + header + "\r\n"
	if _, err := c.Write([]byte(request)); err != nil {
		return err
	}
	for {
		if end := bytes.Index(c.buf[:c.w], []byte("\r\n\r\n")); end >= 0 {
			status, _, _ := bytes.Cut(c.buf[:end], []byte("\r\n"))
			if !bytes.HasPrefix(status, []byte("HTTP/1.1 101")) {
				return fmt.Errorf("refused: %s", status)
			}
			c.r = end + 4
			return nil
		}
		if err := c.fill(); err != nil {
			return err
		}
	}
}

// fill reads what there is, after making room for it.
func (c *conn) fill() error {
	if c.r > 0 {
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	}
	if c.w == len(c.buf) {
		c.buf = append(c.buf, make([]byte, len(c.buf))...)
	}
	n, err := c.Read(c.buf[c.w:])
	c.w += n
	if n > 0 {
		return nil
	}
	return err
}

// next returns the next text frame's payload, which is valid until the next call.
func (c *conn) next() ([]byte, error) {
	for {
		op, payload, size, err := parseFrame(c.buf[c.r:c.w])
		if err != nil {
			return nil, err
		}
		if size == 0 {
			if err := c.fill(); err != nil {
				return nil, err
			}
			continue
		}
		c.r += size
		switch op {
		case opText:
			return payload, nil
		case opPing:
			if _, err := c.Write(appendFrame(nil, opPong, payload)); err != nil {
				return nil, err
			}
		case opPong:
		case opClose:
			e := &closed{code: 1005}
			if len(payload) >= 2 {
				e.code, e.reason = int(binary.BigEndian.Uint16(payload)), string(payload[2:])
			}
			return nil, e
		default:
			return nil, fmt.Errorf("a frame of kind %d is none that an edge sends", op)
		}
	}
}

// nextWithin is next with a bound on how long it waits.
func (c *conn) nextWithin(d time.Duration) ([]byte, error) {
	_ = c.SetReadDeadline(time.Now().Add(d))
	defer func() { _ = c.SetReadDeadline(time.Time{}) }()
	return c.next()
}

func (c *conn) send(text []byte) error {
	_, err := c.Write(appendFrame(nil, opText, text))
	return err
}

// leave ends the session in order, without waiting for the answer.
func (c *conn) leave() {
	_, _ = c.Write(appendFrame(nil, opClose, []byte{1000 >> 8, 1000 & 0xff}))
	_ = c.Close()
}

// Opcodes (RFC 6455, section 5.2).
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

var errFrame = errors.New("not a whole unmasked frame, as an edge sends them")

// parseFrame reads one frame at the start of b; size is 0 if b does not hold all of it yet.
func parseFrame(b []byte) (op byte, payload []byte, size int, err error) {
	if len(b) < 2 {
		return 0, nil, 0, nil
	}
	if b[0]&0xf0 != 0x80 || b[1]&0x80 != 0 {
		return 0, nil, 0, errFrame
	}
	head, n := 2, uint64(b[1])
	switch {
	case n == 126 && len(b) >= 4:
		head, n = 4, uint64(binary.BigEndian.Uint16(b[2:]))
	case n == 127 && len(b) >= 10:
		head, n = 10, binary.BigEndian.Uint64(b[2:])
	case n >= 126:
		return 0, nil, 0, nil
	}
	if n > 1<<24 {
		return 0, nil, 0, errFrame
	}
	if size = head + int(n); len(b) < size {
		return 0, nil, 0, nil
	}
	return b[0] & 0x0f, b[head:size], size, nil
}

// appendFrame appends a client's frame. It is masked, as the RFC demands of clients, with the key 0: the payload stays as it is, so that a
// frame made once can be changed in place and sent again.
func appendFrame(dst []byte, op byte, payload []byte) []byte {
	dst = append(dst, 0x80|op)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n <= 0xffff:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	return append(append(dst, 0, 0, 0, 0), payload...)
}
