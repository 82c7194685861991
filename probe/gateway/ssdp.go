package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// ssdpGroup is where UPnP devices of a link hear (UPnP Device Architecture 1.1, section 1.3.2).
var ssdpGroup = netip.MustParseAddrPort("239.255.255.250:1900")

// search asks for gateways. Those of version 2 answer to this too. goupnp's own search is not used: it keeps whatever anybody answers, fetches from wherever they say, and writes to the global log.
const search = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"

// errElsewhere means that what was named is not at the gateway.
var errElsewhere = errors.New("not at the gateway's own address")

// locate is where the gateway's description is. Only the gateway's own answer is taken; strangers is how many others answered.
func (a asker) locate(ctx context.Context) (at *url.URL, strangers int, err error) {
	// Bound to the address, which also says by which link a multicast leaves.
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.local, 0)))
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	buf := make([]byte, 2048)
	others := map[netip.Addr]bool{}
	// Devices take up to MX, a second, to answer; and UDP may lose either.
	for range 3 {
		if _, err := c.WriteToUDPAddrPort([]byte(search), a.group); err != nil {
			return nil, 0, errors.Join(ctx.Err(), err)
		}
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				break
			}
			if err != nil {
				return nil, 0, errors.Join(ctx.Err(), err)
			}
			if from.Addr().Unmap() != a.gateway {
				if len(others) < 100 {
					others[from.Addr()] = true
				}
				continue
			}
			if at, err := a.location(buf[:n]); !errors.Is(err, errNotOurs) {
				return at, 0, err
			}
		}
	}
	return nil, len(others), errSilent
}

// location reads an answer to a search.
func (a asker) location(b []byte) (*url.URL, error) {
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
	if err != nil || r.StatusCode != http.StatusOK {
		return nil, errNotOurs
	}
	defer func() { _ = r.Body.Close() }()
	at, err := url.Parse(r.Header.Get("Location"))
	if err != nil || at.Scheme != "http" || at.Host == "" {
		return nil, fmt.Errorf("it says that its description is at %.100q", r.Header.Get("Location"))
	}
	if err := a.own(at.Hostname()); err != nil {
		return nil, fmt.Errorf("it says that its description is at %.100q: %w", at.Redacted(), err)
	}
	return at, nil
}

// own says whether a host is the gateway, by its address: a name would have to be asked for.
func (a asker) own(host string) error {
	if ip, err := netip.ParseAddr(host); err != nil || ip.Unmap() != a.gateway {
		return errElsewhere
	}
	return nil
}
