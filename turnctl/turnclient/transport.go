package turnclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/pion/dtls/v3"
	dtlsnet "github.com/pion/dtls/v3/pkg/net"
)

// Connect opens the socket that the transport runs over. Over UDP nothing is sent by it.
func Connect(ctx context.Context, t Transport, to netip.AddrPort, wait time.Duration) (net.Conn, error) {
	network := "udp"
	if t.Stream() {
		network = "tcp"
	}
	d := net.Dialer{Timeout: wait}
	return d.DialContext(ctx, network, to.String())
}

// Presented is what a relay showed in a handshake.
type Presented struct {
	Chain   []*x509.Certificate
	Version string
}

// Secure makes the TLS or DTLS handshake. Whoever the certificate is of, it goes on: judging it is a step of its own.
func Secure(ctx context.Context, t Transport, conn net.Conn, name string, wait time.Duration) (net.Conn, Presented, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if t == TLS {
		c := tls.Client(conn, &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}) //nolint:gosec // judged apart
		if err := c.HandshakeContext(ctx); err != nil {
			return nil, Presented{}, err
		}
		s := c.ConnectionState()
		return c, Presented{s.PeerCertificates, tls.VersionName(s.Version)}, nil
	}
	c, err := dtls.ClientWithOptions(dtlsnet.PacketConnFromConn(conn), conn.RemoteAddr(),
		dtls.WithInsecureSkipVerify(true), dtls.WithServerName(name), dtls.WithFlightInterval(250*time.Millisecond))
	if err != nil {
		return nil, Presented{}, err
	}
	if err := c.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, Presented{}, err
	}
	p := Presented{Version: "DTLS 1.2"}
	if s, ok := c.ConnectionState(); ok {
		for _, der := range s.PeerCertificates {
			cert, err := x509.ParseCertificate(der)
			if err != nil {
				return c, p, nil // the certificate's step finds none, and says so
			}
			p.Chain = append(p.Chain, cert)
		}
	}
	return c, p, nil
}

// Dial is Connect and Secure in one, for the connections beside the first.
func Dial(ctx context.Context, t Transport, to netip.AddrPort, name string, wait time.Duration) (net.Conn, error) {
	conn, err := Connect(ctx, t, to, wait)
	if err != nil || !t.Secure() {
		return conn, err
	}
	s, _, err := Secure(ctx, t, conn, name, wait)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

// Here says whether an error comes of this host rather than of the relay, so that nothing was measured.
func Here(err error) bool {
	for _, e := range []error{
		syscall.ENETUNREACH, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT, syscall.EPERM, syscall.EACCES, syscall.EMFILE, syscall.ENFILE,
		syscall.ENOBUFS, syscall.ENOMEM, syscall.ENETDOWN,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Words says what a failed wait came to.
func Words(err error, wait time.Duration) string {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused: nothing listens there"
	case errors.Is(err, syscall.EHOSTUNREACH):
		return "the host cannot be reached"
	case errors.Is(err, ErrNoAnswer), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("no answer within %s", wait)
	}
	return err.Error()
}
