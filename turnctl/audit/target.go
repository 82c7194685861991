package audit

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/pion/stun/v4"

	"callmesh/bus/wire"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnclient"
)

// Target is a relay that runs.
type Target struct {
	// URL is where clients reach it.
	URL turnclient.URL
	// TLSPort and DTLSPort are where it has those, for the versions that they take; 0 means that it has none.
	TLSPort, DTLSPort uint16
	// CLIPort is where the telnet interface would be; 0 means 5766.
	CLIPort uint16
}

// TargetAt is the relay of a URL. Of TLS and DTLS, only what the URL names is tried.
func TargetAt(u turnclient.URL) Target {
	t := Target{URL: u}
	switch u.Transport {
	case turnclient.TLS:
		t.TLSPort = u.Port
	case turnclient.DTLS:
		t.DTLSPort = u.Port
	case turnclient.UDP, turnclient.TCP:
	}
	return t
}

// TargetOf is where a coturn with this configuration listens, if that is one of the machine's own addresses: an audit of a file reaches no other host.
func TargetOf(c coturn.Config, v coturn.Version, own []netip.Addr) (Target, error) {
	port := func(key string, otherwise uint16) uint16 {
		if n, err := strconv.ParseUint(c.Get(key), 10, 16); err == nil && n > 0 {
			return uint16(n)
		}
		return otherwise
	}
	host := netip.MustParseAddr("127.0.0.1")
	if s := c.Values("listening-ip"); len(s) > 0 {
		a, err := netip.ParseAddr(s[0])
		if err != nil {
			return Target{}, fmt.Errorf("its listening-ip %.60q is no address", s[0])
		}
		if host = a; a.IsUnspecified() {
			host = netip.MustParseAddr("127.0.0.1")
		}
	}
	if !host.IsLoopback() && !slices.Contains(own, host) {
		return Target{}, fmt.Errorf("its listening-ip %s is not an address of this machine", host)
	}
	t := Target{URL: turnclient.URL{Host: host.String(), Port: port("listening-port", wire.DefaultRelayPort), Transport: turnclient.UDP}}
	if c.On("no-udp") {
		t.URL.Transport = turnclient.TCP
	}
	if c.Get("cert") != "" {
		if !c.On("no-tls") {
			t.TLSPort = port("tls-listening-port", wire.DefaultRelayTLSPort)
		}
		if v.DTLSOptIn() && c.On("dtls") || !v.DTLSOptIn() && !c.On("no-dtls") {
			t.DTLSPort = port("tls-listening-port", wire.DefaultRelayTLSPort)
		}
	}
	t.CLIPort = port("cli-port", 0)
	return t, nil
}

// resolve is the first address of the target.
func (t Target) resolve(ctx context.Context) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(t.URL.Host); err == nil {
		return netip.AddrPortFrom(a.Unmap(), t.URL.Port), nil
	}
	ctx, cancel := context.WithTimeout(ctx, transactionTime)
	defer cancel()
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", t.URL.Host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.AddrPortFrom(all[0].Unmap(), t.URL.Port), nil // LookupNetIP gives one at the least, or an error
}

// Answers says whether something that speaks STUN answers there.
func Answers(ctx context.Context, t Target) bool {
	addr, err := t.resolve(ctx)
	if err != nil {
		return false
	}
	conn, err := turnclient.Dial(ctx, t.URL.Transport, addr, t.URL.Host, transactionTime)
	if err != nil {
		return false
	}
	c := turnclient.New(conn, t.URL.Transport, transactionTime)
	defer c.Close()
	m, _ := c.Do(ctx, stun.MethodBinding)
	return m != nil
}
