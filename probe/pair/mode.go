package pair

import (
	"fmt"
	"strings"

	"github.com/pion/webrtc/v4"

	"callmesh/bus/wire"
)

// Mode is which paths an attempt may take.
type Mode string

// The modes.
const (
	Direct   Mode = "direct"    // no relay
	RelayUDP Mode = "relay-udp" // only by a relay that both reach over UDP
	RelayTCP Mode = "relay-tcp" // over TCP
	RelayTLS Mode = "relay-tls" // over TLS
	All      Mode = "all"       // whatever ICE chooses, as in a call
)

// Modes are all of them.
func Modes() []Mode { return []Mode{Direct, RelayUDP, RelayTCP, RelayTLS, All} }

// relayed says whether only relays are used.
func (m Mode) relayed() bool { return m != Direct && m != All }

// servers are those that a mode uses of what an edge hands out. It is an error if there is none for it.
func (m Mode) servers(from []wire.ICEServer) ([]webrtc.ICEServer, error) {
	var servers []webrtc.ICEServer
	for _, s := range from {
		var urls []string
		for _, u := range s.URLs {
			urls = append(urls, m.use(u)...)
		}
		if len(urls) == 0 {
			continue
		}
		out := webrtc.ICEServer{URLs: urls}
		if m != Direct {
			out.Username, out.Credential = s.Username, s.Credential
		}
		servers = append(servers, out)
	}
	if len(servers) == 0 && m.relayed() {
		return nil, fmt.Errorf("the edge hands out no relay for %s: it needs a URL like %s", m, m.like())
	}
	return servers, nil
}

// use is what a mode makes of one URL (RFC 7064, RFC 7065).
func (m Mode) use(u string) []string {
	scheme, rest, _ := strings.Cut(u, ":")
	host, query, _ := strings.Cut(rest, "?")
	tcp := strings.Contains(query, "transport=tcp")
	is := scheme == "turn" && !tcp && m == RelayUDP || scheme == "turn" && tcp && m == RelayTCP || scheme == "turns" && m == RelayTLS
	switch {
	case m == All || is:
		return []string{u}
	case m == Direct && scheme == "stun":
		return []string{u}
	case m == Direct && scheme == "turn" && !tcp:
		// A relay answers STUN too, and a relay's URL may be the only one that there is.
		return []string{"stun:" + host}
	}
	return nil
}

func (m Mode) like() string {
	switch m {
	case RelayTCP:
		return "turn:HOST:3478?transport=tcp"
	case RelayTLS:
		return "turns:HOST:443?transport=tcp"
	case Direct, RelayUDP, All:
	}
	return "turn:HOST:3478?transport=udp"
}
