package turnd

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pion/turn/v5"
)

var (
	errFamily = errors.New("turnd: relayed addresses of this family are not offered")
	errFull   = errors.New("turnd: no relayed port is free")
	errQuota  = errors.New("turnd: allocation quota reached")
	errTCP    = errors.New("turnd: TCP allocations are not offered")
	errClosed = errors.New("turnd: relay is closed")
)

// ports hands out relayed addresses and knows which are live. It is the server's address generator.
type ports struct {
	relay    netip.Addr // as peers see it
	bind     netip.Addr // what sockets are bound to
	local    netip.Addr // where packets to the relay's own address go on this machine
	min, max uint16
	perUser  int
	total    int
	age      time.Duration
	policy   policy
	metrics  *metrics
	clients  *clients

	running sync.WaitGroup // readers of sockets

	// mu guards the following.
	mu     sync.RWMutex
	live   map[uint16]*relayConn
	users  map[string]int
	closed bool
}

func newPorts(o Options, p policy, m *metrics) (*ports, error) {
	ps := &ports{
		relay: o.RelayIP, bind: o.RelayIP, local: o.RelayIP, min: o.MinPort, max: o.MaxPort,
		clients: newClients(o.MaxPerClient), perUser: o.MaxPerUser, total: o.MaxTotal, age: o.MaxLifetime, policy: p, metrics: m,
		live: make(map[uint16]*relayConn), users: make(map[string]int),
	}
	probe, err := net.ListenUDP(ps.network(), net.UDPAddrFromAddrPort(netip.AddrPortFrom(ps.bind, 0)))
	switch {
	case err == nil:
		_ = probe.Close()
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		// The address belongs to a NAT in front. Packets to it from here need not come back
		// by way of that NAT, which may not turn them around: they go over loopback.
		ps.bind, ps.local = netip.IPv4Unspecified(), netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if o.RelayIP.Is6() {
			ps.bind, ps.local = netip.IPv6Unspecified(), netip.IPv6Loopback()
		}
	default:
		return nil, fmt.Errorf("turnd: relay IP: %w", err)
	}
	return ps, nil
}

func (p *ports) network() string {
	if p.relay.Is4() {
		return "udp4"
	}
	return "udp6"
}

// mayAllocate is the server's quota handler, whose refusal the client sees as 486. What it lets
// through can still fail in AllocatePacketConn, when two ask at once.
func (p *ports) mayAllocate(user, _ string, client net.Addr) bool {
	if p.clients.full(client) {
		p.metrics.refused.WithLabelValues(refusedClient).Inc()
		return false
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if len(p.live) < p.total && p.users[user] < p.perUser {
		return true
	}
	p.metrics.refused.WithLabelValues(refusedQuota).Inc()
	return false
}

// allocated counts an allocation for its client. Of several that ask at once over TCP all may have been
// let through: the last are ended at once.
func (p *ports) allocated(client, relayed net.Addr) {
	if !p.clients.add(client) {
		return
	}
	p.metrics.refused.WithLabelValues(refusedClient).Inc()
	at, ok := relayed.(*net.UDPAddr)
	if !ok {
		return
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if conn := p.live[uint16(at.Port)]; conn != nil {
		conn.old.Reset(0) // as if of its greatest age; not here, where the server holds its locks
	}
}

// Validate is part of the generator's interface.
func (p *ports) Validate() error { return nil }

// AllocatePacketConn opens a relayed address. It is also called without a user, to look for a port
// with its neighbour free (EVEN-PORT), and closed at once.
func (p *ports) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	if c.Network != p.network() {
		p.metrics.refused.WithLabelValues(refusedCapacity).Inc()
		return nil, nil, errFamily
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, errClosed
	}
	if len(p.live) >= p.total || p.users[c.UserID] >= p.perUser {
		p.metrics.refused.WithLabelValues(refusedQuota).Inc()
		return nil, nil, errQuota
	}
	udp, port, err := p.openLocked(c.RequestedPort)
	if err != nil {
		p.metrics.refused.WithLabelValues(refusedCapacity).Inc()
		return nil, nil, err
	}
	conn := &relayConn{udp: udp, ports: p, port: port, user: strings.Clone(c.UserID)}
	conn.old = time.AfterFunc(p.age, func() { _ = conn.Close() })
	p.live[port] = conn
	p.users[conn.user]++
	p.running.Add(1)
	p.metrics.allocations.Inc()
	return conn, net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.relay, port)), nil
}

// openLocked binds the wanted port, or with want 0 any that is free, looking from a random one on.
func (p *ports) openLocked(want int) (*net.UDPConn, uint16, error) {
	n := int(p.max) - int(p.min) + 1
	first := rand.IntN(n)
	if want != 0 {
		if want < int(p.min) || want > int(p.max) {
			return nil, 0, errFull
		}
		first, n = want-int(p.min), 1
	}
	for i := range n {
		port := p.min + uint16((first+i)%(int(p.max)-int(p.min)+1))
		if p.live[port] != nil {
			continue
		}
		udp, err := net.ListenUDP(p.network(), net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.bind, port)))
		if err == nil {
			return udp, port, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, 0, err
		}
	}
	return nil, 0, errFull
}

// AllocateListener refuses RFC 6062.
func (p *ports) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	p.metrics.refused.WithLabelValues(refusedCapacity).Inc()
	return nil, nil, errTCP
}

// AllocateConn refuses RFC 6062.
func (p *ports) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, errTCP }

func (p *ports) isLive(port uint16) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.live[port] != nil
}

func (p *ports) count() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.live)
}

// remove takes a socket off the books before it is closed, so that nobody is sent to a port that
// may already be somebody else's.
func (p *ports) remove(c *relayConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.live, c.port)
	if p.users[c.user]--; p.users[c.user] <= 0 {
		delete(p.users, c.user)
	}
	p.metrics.allocations.Dec()
}

// track makes close wait for one more reader.
func (p *ports) track(ended <-chan struct{}) { p.running.Go(func() { <-ended }) }

func (p *ports) close() {
	p.mu.Lock()
	p.closed = true
	conns := make([]*relayConn, 0, len(p.live))
	for _, c := range p.live {
		conns = append(conns, c)
	}
	p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
	p.running.Wait()
}
