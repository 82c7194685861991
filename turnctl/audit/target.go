package audit

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/coturn"
)

// ParseTarget reads a TURN URI (RFC 7065), as turn:relay.example.org:3478?transport=udp.
func ParseTarget(url string) (Target, error) {
	u, err := stun.ParseURI(url)
	if err != nil || u.Scheme != stun.SchemeTypeTURN && u.Scheme != stun.SchemeTypeTURNS {
		return Target{}, fmt.Errorf("%.100q is no TURN URL; write it like turn:relay.example.org:3478?transport=udp", url)
	}
	t := Target{Network: "udp", Addr: net.JoinHostPort(u.Host, strconv.Itoa(u.Port)), URL: url}
	switch {
	case u.Scheme == stun.SchemeTypeTURNS && u.Proto == stun.ProtoTypeUDP && strings.Contains(url, "transport=udp"):
		return Target{}, fmt.Errorf("%.100q is DTLS, which the audit does not speak; give the turn: URL of the same relay", url)
	case u.Scheme == stun.SchemeTypeTURNS:
		t.Network, t.TLSAddr = "tls", t.Addr
	case u.Proto == stun.ProtoTypeTCP:
		t.Network = "tcp"
	}
	return t, nil
}

// TargetOf is where a coturn with this configuration listens, if that is one of the machine's own addresses: an audit of a file reaches no other host.
func TargetOf(c coturn.Config, own []netip.Addr) (Target, error) {
	port := func(key string, otherwise int) string {
		if n, err := strconv.Atoi(c.Get(key)); err == nil && n > 0 {
			return strconv.Itoa(n)
		}
		return strconv.Itoa(otherwise)
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
	if !host.IsLoopback() && !contains(own, host) {
		return Target{}, fmt.Errorf("its listening-ip %s is not an address of this machine", host)
	}
	t := Target{Network: "udp", Addr: net.JoinHostPort(host.String(), port("listening-port", 3478))}
	if c.On("no-udp") {
		t.Network = "tcp"
	}
	t.URL = "turn:" + t.Addr + "?transport=" + t.Network
	if c.Get("cert") != "" && !c.On("no-tls") {
		t.TLSAddr = net.JoinHostPort(host.String(), port("tls-listening-port", 5349))
	}
	if n, err := strconv.ParseUint(c.Get("cli-port"), 10, 16); err == nil {
		t.CLIPort = uint16(n)
	}
	return t, nil
}

func contains(list []netip.Addr, a netip.Addr) bool {
	for _, o := range list {
		if o == a {
			return true
		}
	}
	return false
}
