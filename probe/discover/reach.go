package discover

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/pion/stun/v2"
)

// tlsPort is where relays serve TLS, as firewalls that let out little let that out.
const tlsPort = 443

// dialed is what came of one try to connect.
type dialed int

const (
	silent    dialed = iota // nothing came back
	refused                 // something answered that nothing listens there
	connected               // TCP connected, and that was all that was asked, or no TLS came of it
	secured                 // TLS did
)

// reach is what can be reached of the server beside UDP.
type reach struct{ tcp, tls dialed }

// look tries TCP to the server's port and TLS to 443, both at once.
func (t *tests) look(ctx context.Context) reach {
	var r reach
	var wg sync.WaitGroup
	wg.Go(func() { r.tcp = t.dial(ctx, t.server.Port(), false) })
	wg.Go(func() { r.tls = t.dial(ctx, tlsPort, true) })
	wg.Wait()
	return r
}

func (t *tests) dial(ctx context.Context, port uint16, secure bool) dialed {
	ctx, stop := context.WithTimeout(ctx, t.o.FirstWait*4)
	defer stop()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", netip.AddrPortFrom(t.server.Addr(), port).String())
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return refused
	case err != nil:
		return silent
	}
	defer func() { _ = c.Close() }()
	if !secure {
		return connected
	}
	// Whether it gets through is asked, and not who answers: nothing secret is sent.
	if tls.Client(c, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) != nil {
		return connected
	}
	return secured
}

// take enters what was reached. That nothing came back says that it is blocked only if the server is known to be there.
func (t *tests) take(r reach) {
	there := t.r.UDP == UDPOpen || r.tcp != silent || r.tls != silent
	enter := func(what string, got, want dialed, field **bool) {
		switch {
		case got >= want:
			*field = ptr(true)
		case got == refused:
			t.cannot(what, "the server does not listen there")
		case got == silent && !there:
			t.cannot(what, "nothing came back, as with UDP")
		case got == silent:
			*field = ptr(false)
			t.cannot(what, "nothing came back: it is blocked, or the server drops what it does not serve")
		default:
			*field = ptr(false)
			t.cannot(what, "TCP connects, but no TLS comes of it")
		}
	}
	enter("tcp", r.tcp, connected, &t.r.TCP)
	enter("tls443", r.tls, secured, &t.r.TLS443)
}

// silence says what it may mean that UDP brings nothing back.
func (t *tests) silence(ctx context.Context, r reach) {
	switch {
	case t.refused(ctx):
		t.r.UDP = UDPUnknown
		t.cannot("udp", "%s answers that the port is closed, so no STUN server runs there", t.server)
	case r.tcp >= connected:
		t.r.Measured = true
		t.cannot("udp", "nothing came back in %d tries, while TCP to port %d of the server connects", t.o.Tries, t.server.Port())
	case r.tls >= connected:
		t.r.Measured = true
		t.cannot("udp", "nothing came back in %d tries, while TCP to port %d of the server connects", t.o.Tries, tlsPort)
	default:
		t.cannot("udp", "nothing came back in %d tries, and TCP to the server does not connect either: it may be down", t.o.Tries)
	}
}

// refused says whether an ICMP message comes back that the port is closed, which only a connected socket hears of.
func (t *tests) refused(ctx context.Context) bool {
	var d net.Dialer
	c, err := d.DialContext(ctx, "udp", t.server.String())
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(t.o.FirstWait))
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return false
	}
	_, _ = c.Write(m.Raw)
	_, err = c.Read(make([]byte, 1500))
	return errors.Is(err, syscall.ECONNREFUSED)
}
