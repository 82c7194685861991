package audit

import (
	"crypto/rand"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"callmesh/turnctl/ownaddr"
)

// witness is a socket of this host at an address that no caller is to reach: what it hears came through the relay.
type witness struct {
	peer peer
	at   netip.AddrPort // in the peer's own form, IPv4-mapped ones too
}

// witnesses listen over UDP where the relay's host is this one, and know what was sent to them by its text.
type witnesses struct {
	list  []witness
	token string

	closers []func() error
	serving sync.WaitGroup
	mu      sync.Mutex // guards heard
	heard   []netip.AddrPort
}

// openWitnesses opens one for each peer that is this host's own address. There are none where the relay's address is not this host's.
func openWitnesses(relay netip.Addr, peers []peer) *witnesses {
	w := &witnesses{token: "callmesh turnctl audit " + rand.Text()}
	// That a socket can be bound says nothing where net.ipv4.ip_nonlocal_bind is on.
	own := ownaddr.List()
	here := func(a netip.Addr) bool { return a.IsLoopback() || slices.Contains(own, a) }
	if !here(relay) {
		return w
	}
	for _, p := range peers {
		local := p.addr.Unmap()
		if !here(local) {
			continue
		}
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
		if err != nil {
			continue // without IPv6, say
		}
		at := netip.AddrPortFrom(p.addr, conn.LocalAddr().(*net.UDPAddr).AddrPort().Port())
		w.closers = append(w.closers, conn.Close)
		w.serving.Go(func() { w.listen(conn, at) })
		w.list = append(w.list, witness{p, at})
	}
	return w
}

func (w *witnesses) listen(conn *net.UDPConn, at netip.AddrPort) {
	b := make([]byte, 1500)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return
		}
		if string(b[:n]) == w.token {
			w.mu.Lock()
			w.heard = append(w.heard, at)
			w.mu.Unlock()
		}
	}
}

// Heard says whether a witness heard the token.
func (w *witnesses) Heard(at netip.AddrPort) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.heard, at)
}

func (w *witnesses) Close() {
	for _, c := range w.closers {
		_ = c()
	}
	w.serving.Wait()
}

// arrivalTime is how long what is on its way may take to arrive.
const arrivalTime = time.Second
