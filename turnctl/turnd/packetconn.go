package turnd

import (
	"errors"
	"net"
	"sync"
	"time"
)

// packetConn is the UDP socket that clients send to. The server ends for good at any error of it,
// so it gives only the one that means the end.
type packetConn struct {
	*net.UDPConn
	last  lastRequest
	ended chan struct{} // closed when the server has seen the end
	once  sync.Once
}

func newPacketConn(udp *net.UDPConn) *packetConn {
	// All clients share it. The kernel may grant less, which is no reason to stop.
	_ = udp.SetReadBuffer(4 << 20)
	_ = udp.SetWriteBuffer(4 << 20)
	return &packetConn{UDPConn: udp, ended: make(chan struct{})}
}

// ReadFrom gets the next datagram of a client.
func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.UDPConn.ReadFrom(b)
		switch {
		case err == nil:
			c.last.keep(from, b[:n])
			return n, from, nil
		case errors.Is(err, net.ErrClosed):
			c.once.Do(func() { close(c.ended) })
			return 0, nil, err
		}
		time.Sleep(retryPause) // the kernel is short of memory, say
	}
}

const retryPause = 20 * time.Millisecond
