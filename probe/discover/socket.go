package discover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/pion/stun/v2"
)

var errNoAnswer = errors.New("no answer")

// answer is a Binding success response, and where it came from.
type answer struct {
	mapped, other, from netip.AddrPort
	took                time.Duration // from the try that it answers
}

// socket is one UDP socket, and so one inner endpoint of the NAT.
type socket struct {
	conn *net.UDPConn
	done chan struct{}

	// mu guards the following.
	mu      sync.Mutex
	waiting map[[stun.TransactionIDSize]byte]chan<- packet
}

// packet is what came in for a transaction.
type packet struct {
	message *stun.Message
	from    netip.AddrPort
	at      time.Time
}

func (t *tests) open() (*socket, error) {
	// Bound to the address, as a socket for all addresses can't be compared with what the server sees.
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(t.local, 0)))
	if err != nil {
		return nil, err
	}
	s := &socket{conn: c, done: make(chan struct{}), waiting: map[[stun.TransactionIDSize]byte]chan<- packet{}}
	go s.read()
	t.sockets = append(t.sockets, s)
	return s, nil
}

func (s *socket) port() uint16 { return s.conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

func (s *socket) close() {
	_ = s.conn.Close()
	<-s.done
}

// read hands on what comes in, until the socket is closed.
func (s *socket) read() {
	defer close(s.done)
	buf := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || !stun.IsMessage(buf[:n]) {
			continue
		}
		m := &stun.Message{Raw: append([]byte(nil), buf[:n]...)}
		if m.Decode() != nil {
			continue
		}
		s.mu.Lock()
		c := s.waiting[m.TransactionID]
		s.mu.Unlock()
		select {
		case c <- packet{m, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), time.Now()}:
		default: // nobody asked, or it is a repeat
		}
	}
}

// expect gives what comes in for a transaction, until the returned function is called.
func (s *socket) expect(id [stun.TransactionIDSize]byte) (<-chan packet, func()) {
	c := make(chan packet, 1)
	s.mu.Lock()
	s.waiting[id] = c
	s.mu.Unlock()
	return c, func() {
		s.mu.Lock()
		delete(s.waiting, id)
		s.mu.Unlock()
	}
}

// ask sends a Binding request until it is answered, and fails with errNoAnswer if it is not.
func (t *tests) ask(ctx context.Context, s *socket, to netip.AddrPort, attrs ...stun.Setter) (answer, error) {
	m, err := stun.Build(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, attrs...)...)
	if err != nil {
		return answer{}, err
	}
	p, sent, err := t.send(ctx, s, s, m, to)
	if err != nil {
		return answer{}, err
	}
	return read(p, sent)
}

// send sends m from one socket until another, or the same, has got something for its transaction.
func (t *tests) send(ctx context.Context, s, at *socket, m *stun.Message, to netip.AddrPort) (packet, time.Time, error) {
	got, forget := at.expect(m.TransactionID)
	defer forget()
	wait := t.o.FirstWait
	for range t.o.Tries {
		sent := time.Now()
		// EPERM is this host's own packet filter, which drops as others do.
		if _, err := s.conn.WriteToUDPAddrPort(m.Raw, to); err != nil && !errors.Is(err, syscall.EPERM) {
			return packet{}, sent, fmt.Errorf("sending to %s: %w", to, err)
		}
		timer := time.NewTimer(wait)
		select {
		case p := <-got:
			timer.Stop()
			return p, sent, nil
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return packet{}, sent, ctx.Err()
		}
		wait *= 2
	}
	return packet{}, time.Time{}, errNoAnswer
}

func read(p packet, sent time.Time) (answer, error) {
	m := p.message
	if m.Type != stun.BindingSuccess {
		var code stun.ErrorCodeAttribute
		if code.GetFrom(m) == nil {
			return answer{}, fmt.Errorf("the server refuses: %d %.100q", code.Code, code.Reason)
		}
		return answer{}, fmt.Errorf("the server answers with %s", m.Type)
	}
	a := answer{from: p.from, took: p.at.Sub(sent)}
	var x stun.XORMappedAddress
	if err := x.GetFrom(m); err != nil {
		return answer{}, fmt.Errorf("the server's answer has no XOR-MAPPED-ADDRESS: %w", err)
	}
	a.mapped = addrPort(x.IP, x.Port)
	var o stun.OtherAddress
	if o.GetFrom(m) == nil {
		a.other = addrPort(o.IP, o.Port)
	}
	return a, nil
}

func addrPort(ip net.IP, port int) netip.AddrPort {
	a, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(a.Unmap(), uint16(port))
}

// changeRequest is CHANGE-REQUEST (RFC 5780, section 7.2).
type changeRequest byte

const (
	changePort    changeRequest = 1 << 1
	changeAddress changeRequest = 1 << 2
)

// AddTo implements stun.Setter.
func (c changeRequest) AddTo(m *stun.Message) error {
	m.Add(stun.AttrChangeRequest, []byte{0, 0, 0, byte(c)})
	return nil
}

// responsePort is RESPONSE-PORT (section 7.5).
type responsePort uint16

// AddTo implements stun.Setter.
func (p responsePort) AddTo(m *stun.Message) error {
	m.Add(stun.AttrResponsePort, []byte{byte(p >> 8), byte(p), 0, 0})
	return nil
}
