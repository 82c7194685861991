package pair

import (
	"crypto/tls"
	"net"
	"time"
)

// dialLimit is how long connecting to a relay may take.
const dialLimit = 5 * time.Second

// relayDialer connects to relays over TCP or TLS by whichever family there is: ICE's own way asks for IPv4 alone, and a host that has only IPv6 would reach no relay.
type relayDialer struct{ secure bool }

// Dial implements proxy.Dialer.
func (d relayDialer) Dial(_, address string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: dialLimit}
	if !d.secure {
		c, err := dialer.Dial("tcp", address)
		if err != nil {
			return nil, err
		}
		return relayConn{c}, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	// The same checks as of any other relay: the system's authorities, and its name.
	c, err := tls.DialWithDialer(dialer, "tcp", address, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
	if err != nil {
		return nil, err
	}
	return relayConn{c}, nil
}

// relayConn is a connection to a relay that says of itself that it is one of IPv4: the relay client asks for a relayed address of the family that it finds there (RFC 8656, section 7.1), and one of
// IPv4 is what the other side can reach.
type relayConn struct{ net.Conn }

// LocalAddr implements net.Conn.
func (c relayConn) LocalAddr() net.Addr {
	if a, is := c.Conn.LocalAddr().(*net.TCPAddr); is && a.IP.To4() == nil {
		return &net.TCPAddr{IP: net.IPv4zero, Port: a.Port}
	}
	return c.Conn.LocalAddr()
}
