package turntest

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
)

// Answer is how an impostor answers what it read: by say, as often as it likes, until that fails. from is whom.
type Answer func(request []byte, from netip.AddrPort, say func([]byte) error)

// Impostor listens on a port of 127.0.0.1 until the test ends, over UDP or TCP, and answers as the test would have it: as no relay should.
func Impostor(t testing.TB, network string, answer Answer) netip.AddrPort {
	t.Helper()
	var working sync.WaitGroup
	if network == "udp" {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(); working.Wait() })
		working.Go(func() { impostorUDP(conn, &working, answer) })
		return conn.LocalAddr().(*net.UDPAddr).AddrPort()
	}
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	open := &connections{}
	t.Cleanup(func() { _ = l.Close(); open.close(); working.Wait() })
	working.Go(func() {
		for {
			c, err := l.AcceptTCP()
			if err != nil {
				return
			}
			if !open.keep(c) {
				return
			}
			working.Go(func() { impostorTCP(c, answer) })
		}
	})
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func impostorUDP(conn *net.UDPConn, working *sync.WaitGroup, answer Answer) {
	b := make([]byte, 64<<10)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP message about an answer before
		}
		request := append([]byte(nil), b[:n]...)
		working.Go(func() {
			answer(request, from, func(p []byte) error {
				_, err := conn.WriteToUDPAddrPort(p, from)
				return err
			})
		})
	}
}

func impostorTCP(c *net.TCPConn, answer Answer) {
	defer func() { _ = c.Close() }()
	b := make([]byte, 64<<10)
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		answer(b[:n], c.RemoteAddr().(*net.TCPAddr).AddrPort(), func(p []byte) error {
			_, err := c.Write(p)
			return err
		})
	}
}

// connections are closed together.
type connections struct {
	mu     sync.Mutex // guards the following
	list   []net.Conn
	closed bool
}

func (l *connections) keep(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = c.Close()
		return false
	}
	l.list = append(l.list, c)
	return true
}

func (l *connections) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, c := range l.list {
		_ = c.Close()
	}
}
