package gather

import (
	"fmt"
	"strconv"
	"strings"

	"callmesh/bus/wire"
)

// parse takes a server's URL apart.
func parse(u string) (host, port string, transport wire.RelayTransport, relay bool, err error) {
	if err := wire.ValidICEURL(u); err != nil {
		return "", "", "", false, err
	}
	at, stun := strings.CutPrefix(u, "stun:")
	if stun {
		u = "turn:" + at
	}
	r, err := wire.ParseRelayURL(u)
	if err == nil && r.Transport == wire.RelayDTLS {
		err = fmt.Errorf("%s is over DTLS, which browsers do not speak to relays", u)
	}
	return r.Host, strconv.Itoa(int(r.Port)), r.Transport, !stun, err
}
