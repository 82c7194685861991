package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	natpmp "github.com/jackpal/go-nat-pmp"
)

// natPMP is RFC 6886. The library waits by the clock and knows of no context; each of its questions takes two seconds at most.
func (a asker) natPMP(ctx context.Context) (p Protocol) {
	c := natpmp.NewClientWithLocalAndTimeout(a.gateway.AsSlice(), a.local.AsSlice(), patience)
	r, err := c.GetExternalAddress()
	var net *net.OpError
	switch {
	case err == nil:
		p.answers()
		p.tells(netip.AddrFrom4(r.ExternalIPAddress))
	case errors.Is(err, syscall.ECONNREFUSED):
		p.silent("the gateway says that nothing listens there")
		return p
	case errors.As(err, &net):
		p.because("it could not be asked: %s", said(err))
		return p
	case err.Error() == timedOut:
		p.silent("nothing came back in %s", patience)
		return p
	case strings.HasPrefix(err.Error(), otherVersion):
		// RFC 6887, appendix A: a version that it does not speak is answered in one that it does.
		p.silent("it answers in another version, as a gateway with PCP alone does: %s", said(err))
		return p
	default:
		p.answers()
		p.because("external address: %s", said(err))
	}
	if a.doMap && ctx.Err() == nil {
		p.maps(a.mapByNATPMP(c))
	}
	return p
}

// What the library says, which has no values for its errors.
const (
	timedOut     = "Timed out trying to contact gateway"
	otherVersion = "unknown protocol version"
)

// mapByNATPMP makes a mapping, asks for it again, which must give the same, and deletes it (section 3.4: its lifetime is set to 0).
func (a asker) mapByNATPMP(c *natpmp.Client) (err error) {
	held, port, err := a.hold()
	if err != nil {
		return err
	}
	defer func() { _ = held.Close() }()
	made, err := c.AddPortMapping("udp", int(port), int(port), int(lifetime/time.Second))
	if err != nil {
		if err.Error() == timedOut { // it may have been made, and the answer lost
			_, _ = c.AddPortMapping("udp", int(port), 0, 0)
		}
		return err
	}
	defer func() {
		if _, e := c.AddPortMapping("udp", int(port), 0, 0); e != nil {
			err = errors.Join(err, fmt.Errorf("it could not be deleted, and ends within %s: %w", time.Duration(made.PortMappingLifetimeInSeconds)*time.Second, e))
		}
	}()
	again, err := c.AddPortMapping("udp", int(port), int(made.MappedExternalPort), int(lifetime/time.Second))
	switch {
	case err != nil:
		return fmt.Errorf("renewing it: %w", err)
	case made.InternalPort != port || again.InternalPort != port || made.MappedExternalPort == 0 || again.MappedExternalPort != made.MappedExternalPort || made.PortMappingLifetimeInSeconds == 0:
		return fmt.Errorf("it maps port %d to %d, then %d to %d, where %d was asked for", made.InternalPort, made.MappedExternalPort, again.InternalPort, again.MappedExternalPort, port)
	}
	return nil
}

// hold opens a UDP port, which is nobody else's as long as a mapping to it is tried.
func (a asker) hold() (*net.UDPConn, uint16, error) {
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.local, 0)))
	if err != nil {
		return nil, 0, err
	}
	return c, c.LocalAddr().(*net.UDPAddr).AddrPort().Port(), nil
}
