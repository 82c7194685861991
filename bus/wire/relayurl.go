package wire

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// RelayTransport is how a client's packets reach the relay.
type RelayTransport string

// The transports, in the order in which a client had best try them. A URL of scheme turns means TLS over TCP, or DTLS over UDP (RFC 7065, section 3.1).
const (
	RelayUDP  RelayTransport = "udp"
	RelayTCP  RelayTransport = "tcp"
	RelayTLS  RelayTransport = "tls"
	RelayDTLS RelayTransport = "dtls"
)

// Stream says whether messages run one after the other through a byte stream, without loss.
func (t RelayTransport) Stream() bool { return t == RelayTCP || t == RelayTLS }

// Secure says whether there is a certificate.
func (t RelayTransport) Secure() bool { return t == RelayTLS || t == RelayDTLS }

// RelayURL is a TURN URI (RFC 7065), taken apart.
type RelayURL struct {
	Host      string // a name, or an address without brackets
	Port      uint16
	Transport RelayTransport
}

// String is the URI, with its port and transport written out.
func (u RelayURL) String() string {
	scheme, transport := "turn", "udp"
	if u.Transport.Secure() {
		scheme = "turns"
	}
	if u.Transport.Stream() {
		transport = "tcp"
	}
	return fmt.Sprintf("%s:%s?transport=%s", scheme, net.JoinHostPort(u.Host, strconv.Itoa(int(u.Port))), transport)
}

// Ports where a URI names none (RFC 8656, section 3).
const (
	// DefaultRelayPort is that of turn: URIs.
	DefaultRelayPort = 3478
	// DefaultRelayTLSPort is that of turns: URIs.
	DefaultRelayTLSPort = 5349
)

// ParseRelayURL reads a TURN URI: turn:HOST[:PORT][?transport=udp|tcp], or turns:. Its errors say what was wrong and what would be right.
func ParseRelayURL(s string) (RelayURL, error) {
	wrong := func(format string, args ...any) (RelayURL, error) {
		return RelayURL{}, fmt.Errorf("%q %s; write it like turn:turn.example.com:3478?transport=udp", shorten(s), fmt.Sprintf(format, args...))
	}
	if len(s) > MaxURLBytes {
		return wrong("is longer than %d bytes", MaxURLBytes)
	}
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok {
		return wrong("has no scheme")
	}
	u := RelayURL{Transport: RelayUDP, Port: DefaultRelayPort}
	switch strings.ToLower(scheme) {
	case "turn":
	case "turns":
		u.Transport, u.Port = RelayTLS, DefaultRelayTLSPort
	case "stun", "stuns":
		return wrong("is for STUN alone, and a relay is a TURN server")
	default:
		return wrong("has the scheme %q, which is neither turn nor turns", scheme)
	}
	if strings.HasPrefix(rest, "//") {
		return wrong("has // after its scheme, where TURN has none")
	}
	host, query, asked := strings.Cut(rest, "?")
	if strings.ContainsAny(host, "@/#") {
		return wrong("has a user, a path or a fragment, where TURN has none")
	}
	if asked {
		value, ok := strings.CutPrefix(query, "transport=")
		if !ok {
			return wrong("asks for %q, and only transport= can be asked for", query)
		}
		if u.Transport, ok = transportOf(value, u.Transport.Secure()); !ok {
			return wrong("has the transport %q, which is neither udp nor tcp", value)
		}
	}
	host, port, err := splitPort(host)
	if err != nil {
		return wrong("%s", err)
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || port[0] == '+' {
			return wrong("has the port %q, which is not a number from 1 to 65535", port)
		}
		u.Port = uint16(n)
	}
	if err := checkHost(host); err != nil {
		return wrong("%s", err)
	}
	u.Host = strings.ToLower(host)
	return u, nil
}

func transportOf(value string, secure bool) (RelayTransport, bool) {
	switch strings.ToLower(value) {
	case "udp":
		if secure {
			return RelayDTLS, true
		}
		return RelayUDP, true
	case "tcp":
		if secure {
			return RelayTLS, true
		}
		return RelayTCP, true
	}
	return "", false
}

// splitPort takes host and port apart; the brackets of an IPv6 address are taken away.
func splitPort(s string) (host, port string, err error) {
	if strings.HasPrefix(s, "[") {
		inside, after, ok := strings.Cut(s[1:], "]")
		if !ok {
			return "", "", fmt.Errorf("lacks the ] of its IPv6 address")
		}
		if a, err := netip.ParseAddr(inside); err != nil || !a.Is6() || a.Zone() != "" {
			return "", "", fmt.Errorf("has %q in brackets, which is no IPv6 address (or has a zone, which no other host would know)", inside)
		}
		if after == "" {
			return inside, "", nil
		}
		port, ok := strings.CutPrefix(after, ":")
		if !ok || port == "" {
			return "", "", fmt.Errorf("has %q after its address, where a port would stand", after)
		}
		return inside, port, nil
	}
	host, port, colon := strings.Cut(s, ":")
	if strings.Contains(port, ":") {
		return "", "", fmt.Errorf("has an IPv6 address without brackets, as in turn:[2001:db8::1]:3478")
	}
	if colon && port == "" {
		return "", "", fmt.Errorf("has a colon and no port after it")
	}
	return host, port, nil
}

func checkHost(host string) error {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if host == "" {
		return fmt.Errorf("has no host")
	}
	if len(host) > 253 {
		return fmt.Errorf("has a host name of more than 253 bytes")
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if part == "" || len(part) > 63 {
			return fmt.Errorf("has the host %q, in which a label is empty or longer than 63 bytes", host)
		}
		for _, c := range []byte(part) {
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				return fmt.Errorf("has the host %q, which holds more than letters, digits, dots and hyphens", host)
			}
		}
	}
	return nil
}

func shorten(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}
