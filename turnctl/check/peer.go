package check

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/turnclient"
)

// What the ladder sends through the relay begins with one of these bytes.
const (
	probeByte = 'p' // taken note of
	echoByte  = 'e' // sent back
)

// peer stands at the other end of the relayed path, and sends back what asks for it.
type peer interface {
	// Address is where the relay is to send to.
	Address() netip.AddrPort
	// Send sends to the relayed address of the ladder.
	Send(to netip.AddrPort, payload []byte) error
	// Probes are the senders of the probes that came.
	Probes() <-chan netip.AddrPort
	// Close ends it.
	Close()
}

// socket is a peer outside the relay: a UDP socket of this host, as a caller who needs no relay has one.
type socket struct {
	conn    *net.UDPConn
	address netip.AddrPort
	// proven says that UDP passes between this host and the relay: its STUN answered this very socket.
	proven bool
	probes chan netip.AddrPort
	done   chan struct{}
}

// newSocket opens one on the address that the client's connection has, for only that one is let in. seen is this host's address as the relay sees it, and doors are where the relay may answer STUN over UDP.
func newSocket(ctx context.Context, local net.Addr, seen netip.Addr, doors []netip.AddrPort, wait time.Duration) (*socket, error) {
	network := "udp4"
	if seen.Is6() {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, &net.UDPAddr{IP: hostOf(local)})
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, probes: make(chan netip.AddrPort, 16), done: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	mapped, ok := s.mapped(doors, wait)
	stop()
	if s.proven = ok; !ok {
		// Without a NAT its port is its own; behind one, the first probe that arrives tells.
		mapped = netip.AddrPortFrom(seen, conn.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	}
	s.address = mapped
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		_ = conn.Close()
		return nil, err
	}
	go s.serve()
	return s, nil
}

// mapped asks all doors for the socket's address, three times.
func (s *socket) mapped(doors []netip.AddrPort, wait time.Duration) (netip.AddrPort, bool) {
	request, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.Fingerprint)
	if err != nil {
		return netip.AddrPort{}, false
	}
	b := make([]byte, 1500)
	const tries = 3
	for range tries {
		for _, d := range doors {
			_, _ = s.conn.WriteToUDPAddrPort(request.Raw, d)
		}
		if s.conn.SetReadDeadline(time.Now().Add(wait/tries)) != nil {
			return netip.AddrPort{}, false
		}
		for {
			n, err := s.conn.Read(b)
			if err != nil {
				break
			}
			f, err := turnclient.ParseFrame(slices.Clone(b[:n]))
			if err == nil && f.Message != nil && f.Message.TransactionID == request.TransactionID {
				if a, ok := turnclient.Address(f.Message, stun.AttrXORMappedAddress); ok {
					return a, true
				}
			}
		}
	}
	return netip.AddrPort{}, false
}

func (s *socket) serve() {
	defer close(s.done)
	b := make([]byte, turnclient.MaxFrame)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		switch {
		case n > 0 && b[0] == echoByte:
			_, _ = s.conn.WriteToUDPAddrPort(b[:n], from)
		case n > 0 && b[0] == probeByte:
			select {
			case s.probes <- from:
			default:
			}
		}
	}
}

func (s *socket) Address() netip.AddrPort       { return s.address }
func (s *socket) Probes() <-chan netip.AddrPort { return s.probes }

func (s *socket) Send(to netip.AddrPort, payload []byte) error {
	_, err := s.conn.WriteToUDPAddrPort(payload, to)
	return err
}

func (s *socket) Close() {
	_ = s.conn.Close()
	<-s.done
}

// neighbour is a peer inside the relay: a second allocation of its own, as another caller's who needs the relay too.
type neighbour struct {
	client  *turnclient.Client
	relayed netip.AddrPort
	probes  chan netip.AddrPort
	done    chan struct{}
	end     chan struct{}
	once    sync.Once
}

// newNeighbour makes an allocation beside the ladder's, and permits the ladder's address.
func (l *ladder) newNeighbour() (*neighbour, error) {
	var c *turnclient.Client
	var m *stun.Message
	var err error
	for n := 0; n < sockets && (n == 0 || turnclient.Remembered(err)); n++ {
		if c != nil {
			l.before = append(l.before, c)
		}
		if c, err = l.another(); err != nil {
			return nil, err
		}
		m, err = l.enter(c, l.user+"-peer", turnclient.RelayUDP)
	}
	n := &neighbour{client: c, probes: make(chan netip.AddrPort, 16), done: make(chan struct{}), end: make(chan struct{})}
	if err == nil {
		n.relayed, _ = turnclient.Address(m, stun.AttrXORRelayedAddress)
		_, err = c.Authed(l.ctx, stun.MethodCreatePermission, turnclient.PeerAddress(l.relayed))
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	go n.serve()
	return n, nil
}

// enter makes an allocation on a fresh connection: the challenge, then the credential.
func (l *ladder) enter(c *turnclient.Client, user string, protocol byte) (*stun.Message, error) {
	ask := turnclient.Allocation(protocol, l.addr.Addr().Is6())
	m, err := c.Do(l.ctx, stun.MethodAllocate, ask...)
	if turnclient.Code(err) != 401 || !c.Challenged(m) {
		return m, err
	}
	if c.Credential, err = l.mint(l.o.Secret, user, ttl); err != nil {
		return nil, err
	}
	return c.Authed(l.ctx, stun.MethodAllocate, ask...)
}

func (n *neighbour) serve() {
	defer close(n.done)
	for {
		select {
		case <-n.end:
			return
		case <-n.client.Ended():
			return
		case p := <-n.client.Packets():
			switch {
			case len(p.Payload) > 0 && p.Payload[0] == echoByte:
				_ = n.client.Send(p.From, p.Payload)
			case len(p.Payload) > 0 && p.Payload[0] == probeByte:
				select {
				case n.probes <- p.From:
				default:
				}
			}
		}
	}
}

func (n *neighbour) Address() netip.AddrPort                      { return n.relayed }
func (n *neighbour) Probes() <-chan netip.AddrPort                { return n.probes }
func (n *neighbour) Send(to netip.AddrPort, payload []byte) error { return n.client.Send(to, payload) }

// Close gives the allocation back; its connection's end would do the same, later, over UDP.
func (n *neighbour) Close() {
	n.once.Do(func() { close(n.end) })
	<-n.done
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = n.client.Authed(ctx, stun.MethodRefresh, turnclient.Lifetime(0))
	n.client.Close()
}

// hostOf is the address of a socket, without its port; nil for other kinds.
func hostOf(a net.Addr) net.IP {
	switch a := a.(type) {
	case *net.UDPAddr:
		return a.IP
	case *net.TCPAddr:
		return a.IP
	}
	return nil
}
