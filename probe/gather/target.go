package gather

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"callmesh/bus/wire"
)

// Family is a version of IP.
type Family string

// The families.
const (
	IPv4 Family = "ipv4"
	IPv6 Family = "ipv6"
)

// target is one address of a server.
type target struct {
	s         Server
	host      string // as the URL names it
	at        netip.AddrPort
	transport wire.RelayTransport
	relay     bool
	r         Result // with the reason if there is no such address
}

type lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// targets are the server's first address of each family, IPv4 first; or one without an address, which says why there is none.
func targets(ctx context.Context, s Server, wait time.Duration, lookup lookup) []target {
	ctx, cancel := waiting(ctx, wait)
	defer cancel()
	t := target{s: s, r: Result{URL: s.URL}}
	port, err := t.parse()
	if err != nil {
		t.r.Why = "url: " + err.Error()
		return []target{t}
	}
	found, err := lookup(ctx, "ip", t.host)
	switch {
	case err != nil && ctx.Err() != nil:
		t.r.Why = "name: " + context.Cause(ctx).Error()
		return []target{t}
	case err == nil && len(found) == 0:
		err = errors.New("no address of that name")
		fallthrough
	case err != nil:
		t.r.Why = "name: " + wire.PlainText(err.Error(), maxWhy)
		return []target{t}
	}
	var all []target
	for _, f := range []Family{IPv4, IPv6} {
		for _, a := range found {
			a = a.Unmap()
			if a.Is4() != (f == IPv4) {
				continue
			}
			of := t
			of.at = netip.AddrPortFrom(a, port)
			of.r.Family, of.r.Server = f, of.at.String()
			all = append(all, of)
			break
		}
	}
	return all
}

// parse takes the server's URL apart.
func (t *target) parse() (port uint16, err error) {
	u := t.s.URL
	if err := wire.ValidICEURL(u); err != nil {
		return 0, err
	}
	at, stun := strings.CutPrefix(u, "stun:")
	if stun {
		u = "turn:" + at
	}
	r, err := wire.ParseRelayURL(u)
	if err == nil && r.Transport == wire.RelayDTLS {
		err = fmt.Errorf("%s is over DTLS, which browsers do not speak to relays", u)
	}
	t.host, t.transport, t.relay = r.Host, r.Transport, !stun
	return r.Port, err
}
