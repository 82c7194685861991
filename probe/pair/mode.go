package pair

import (
	"fmt"
	"strings"

	"github.com/pion/webrtc/v4"

	"callmesh/bus/wire"
)

// Serves says what a mode lacks among the servers that an attempt would have. A direct one wants one that tells outer addresses.
func Serves(m wire.TraversalMode, from []wire.ICEServer) error {
	servers, err := serversOf(m, from)
	if err == nil && len(servers) == 0 {
		err = fmt.Errorf("no server tells hosts their outer addresses: want a URL like stun:HOST:3478 or %s", like(m))
	}
	return err
}

// serversOf are those that a mode uses of what an edge hands out. It is an error if there is none for it.
func serversOf(m wire.TraversalMode, from []wire.ICEServer) ([]webrtc.ICEServer, error) {
	var servers []webrtc.ICEServer
	for _, s := range from {
		var urls []string
		for _, u := range s.URLs {
			urls = append(urls, use(m, u)...)
		}
		if len(urls) == 0 {
			continue
		}
		out := webrtc.ICEServer{URLs: urls}
		if m != wire.ModeDirect {
			out.Username, out.Credential = s.Username, s.Credential
		}
		servers = append(servers, out)
	}
	if len(servers) == 0 && m.Relayed() {
		return nil, fmt.Errorf("there is no relay for %s: it needs a URL like %s", m, like(m))
	}
	return servers, nil
}

// use is what a mode makes of one URL (RFC 7064, RFC 7065), in which nothing is told apart by case.
func use(m wire.TraversalMode, u string) []string {
	u = strings.ToLower(u)
	scheme, rest, _ := strings.Cut(u, ":")
	host, query, _ := strings.Cut(rest, "?")
	tcp := strings.Contains(query, "transport=tcp")
	is := scheme == "turn" && !tcp && m == wire.ModeRelayUDP || scheme == "turn" && tcp && m == wire.ModeRelayTCP || scheme == "turns" && m == wire.ModeRelayTLS
	switch {
	case m == wire.ModeAll || is:
		return []string{u}
	case m == wire.ModeDirect && scheme == "stun":
		return []string{u}
	case m == wire.ModeDirect && scheme == "turn" && !tcp:
		// A relay answers STUN too, and a relay's URL may be the only one that there is.
		return []string{"stun:" + host}
	}
	return nil
}

func like(m wire.TraversalMode) string {
	switch m {
	case wire.ModeRelayTCP:
		return "turn:HOST:3478?transport=tcp"
	case wire.ModeRelayTLS:
		return "turns:HOST:443?transport=tcp"
	case wire.ModeDirect, wire.ModeRelayUDP, wire.ModeAll:
	}
	return "turn:HOST:3478?transport=udp"
}
