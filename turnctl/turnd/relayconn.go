package turnd

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// relayConn is one relayed address. All that the relay sends to peers and gets from them passes
// here, and is checked here once more: TURN permissions are by address alone, while the relay's own
// address is open at certain ports only.
type relayConn struct {
	udp   *net.UDPConn
	ports *ports
	port  uint16
	user  string
	old   *time.Timer // closes it at its greatest age

	reading atomic.Bool
	once    sync.Once // Close
	ended   sync.Once // running.Done
}

var errAddr = errors.New("turnd: peer address is not a UDP address")

// WriteTo sends to a peer. What must not be sent is dropped and said to be sent, as if the network
// had lost it: that is how UDP would fail too.
func (c *relayConn) WriteTo(b []byte, to net.Addr) (int, error) {
	ua, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, errAddr
	}
	dst := ua.AddrPort()
	dst = netip.AddrPortFrom(dst.Addr().Unmap(), dst.Port())
	p := c.ports
	switch {
	case dst.Addr() == p.relay && p.isLive(dst.Port()):
		dst = netip.AddrPortFrom(p.local, dst.Port())
	case dst.Addr() == p.relay && p.policy.relayOpen:
	case dst.Addr() == p.relay || dst.Port() == 0 || !p.policy.allows(dst.Addr()):
		p.metrics.dropped.Inc()
		return len(b), nil
	}
	n, err := c.udp.WriteToUDPAddrPort(b, dst)
	p.metrics.toPeers.Add(float64(n))
	return n, err
}

// ReadFrom gets from a peer. Packets from this machine's other sockets do not pass for the
// relay's: a permission for the relay's address lets only relayed ports in.
func (c *relayConn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.reading.Store(true)
	p := c.ports
	for {
		n, src, err := c.udp.ReadFromUDPAddrPort(b)
		if err != nil {
			c.ended.Do(p.running.Done)
			return 0, nil, err
		}
		src = netip.AddrPortFrom(src.Addr().Unmap(), src.Port())
		if src.Addr() == p.relay || src.Addr() == p.local {
			if !p.isLive(src.Port()) && !p.policy.relayOpen {
				p.metrics.dropped.Inc()
				continue
			}
			src = netip.AddrPortFrom(p.relay, src.Port())
		}
		p.metrics.fromPeers.Add(float64(n))
		return n, net.UDPAddrFromAddrPort(src), nil
	}
}

// Close gives the port back. It never fails: the server would leave its other allocations open.
func (c *relayConn) Close() error {
	c.once.Do(func() {
		c.ports.remove(c)
		c.old.Stop()
		_ = c.udp.Close()
		if !c.reading.Load() {
			c.ended.Do(c.ports.running.Done)
		}
	})
	return nil
}

// LocalAddr is the address that the socket is bound to.
func (c *relayConn) LocalAddr() net.Addr { return c.udp.LocalAddr() }

// SetDeadline is that of the socket, as are the next two.
func (c *relayConn) SetDeadline(t time.Time) error { return c.udp.SetDeadline(t) }

// SetReadDeadline is that of the socket.
func (c *relayConn) SetReadDeadline(t time.Time) error { return c.udp.SetReadDeadline(t) }

// SetWriteDeadline is that of the socket.
func (c *relayConn) SetWriteDeadline(t time.Time) error { return c.udp.SetWriteDeadline(t) }
