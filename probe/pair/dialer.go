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
		return dialer.Dial("tcp", address)
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
	return c, nil
}
