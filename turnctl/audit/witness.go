package audit

import (
	"crypto/rand"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
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

// openWitnesses opens one for each peer that is an address of this host. There are none where the relay's address is not this host's.
func openWitnesses(relay netip.Addr, peers []peer) *witnesses {
	w := &witnesses{token: "callmesh turnctl audit " + rand.Text()}
	here, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(relay, 0)))
	if err != nil {
		return w
	}
	_ = here.Close()
	for _, p := range peers {
		local := p.addr.Unmap()
		if local.IsMulticast() || local == broadcast || local.IsUnspecified() {
			continue // such a socket would not be at one address of this host
		}
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
		if err != nil {
			continue // not an address of this host
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

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// arrivalTime is how long what is on its way may take to arrive.
const arrivalTime = 300 * time.Millisecond
