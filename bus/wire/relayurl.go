package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// RelayTransport is how clients reach a relay.
type RelayTransport string

// The transports of relays, in the order in which a client had best try them.
const (
	RelayUDP  RelayTransport = "udp"
	RelayTCP  RelayTransport = "tcp"
	RelayTLS  RelayTransport = "tls"
	RelayDTLS RelayTransport = "dtls"
)

// RelayURL is a turn: or turns: URL (RFC 7065) taken apart.
type RelayURL struct {
	Host      string
	Port      uint16
	Transport RelayTransport
}

// ParseRelayURL reads `turn:host[:port][?transport=udp|tcp]` and the same with turns:. The ports default to 3478 and 5349 (RFC 7065, section 3.2).
func ParseRelayURL(s string) (RelayURL, error) {
	bad := func(why string) (RelayURL, error) {
		return RelayURL{}, fmt.Errorf("%.80q is no relay's URL: %s; want turn: or turns:, then HOST:PORT?transport=udp or tcp", s, why)
	}
	if len(s) > MaxURLBytes {
		return bad("longer than " + strconv.Itoa(MaxURLBytes) + " bytes")
	}
	scheme, rest, _ := strings.Cut(s, ":")
	u := RelayURL{Port: 3478, Transport: RelayUDP}
	switch scheme {
	case "turn":
	case "turns":
		u.Port, u.Transport = 5349, RelayTLS
	default:
		return bad("not a turn: or turns: URL")
	}
	hostport, query, asked := strings.Cut(rest, "?")
	if asked {
		secure := scheme == "turns"
		switch {
		case query == "transport=udp" && secure:
			u.Transport = RelayDTLS
		case query == "transport=tcp" && !secure:
			u.Transport = RelayTCP
		case query != "transport=udp" && query != "transport=tcp":
			return bad("an unknown transport")
		}
	}
	host, port, err := splitHostPort(hostport)
	if err != nil {
		return bad(err.Error())
	}
	if u.Host = host; port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return bad("no such port")
		}
		u.Port = uint16(n)
	}
	return u, nil
}

// splitHostPort takes a host with or without a port apart; IPv6 stands in brackets.
func splitHostPort(s string) (host, port string, err error) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		addr, rest, closed := strings.Cut(inner, "]")
		ip, err := netip.ParseAddr(addr)
		if !closed || err != nil || !ip.Is6() || ip.Zone() != "" || rest != "" && rest[0] != ':' {
			return "", "", errors.New("no such host")
		}
		return addr, strings.TrimPrefix(rest, ":"), nil
	}
	host, port, cut := strings.Cut(s, ":")
	if host == "" || cut && port == "" {
		return "", "", errors.New("no such host")
	}
	for i := range len(host) {
		if c := host[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return "", "", errors.New("no such host")
		}
	}
	return host, port, nil
}
