package audit

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"callmesh/turnctl/verdict"
)

// family tries the peers of one family, on an allocation of that family; of the mapped ones, on both.
func (a *attacking) family(family byte) {
	group := "IPv4"
	if family == family6 {
		group = "IPv6"
	}
	c, err := a.open(a.Secret, family)
	var no refusal
	switch {
	case err == nil:
	case family == family6 && errors.As(err, &no) && no.code == 440:
		a.add("peer.ipv6", verdict.OK, "", "", no.Error(), "the relay has no IPv6 address, so no peer of that form can be reached")
		return
	case errors.As(err, &no) && no.code == 401:
		a.add("live.peers", verdict.Unknown, "", "give the secret of this relay: secret-file", no.Error(), "peers could not be tried: the relay refused the credentials")
		return
	default:
		a.add("live.peers", verdict.Unknown, "", "", err.Error(), "peers could not be tried: no %s allocation", group)
		return
	}
	defer func() { a.drop(c) }()
	open, channel := 0, uint16(0x4000)
	for _, p := range peers() {
		if p.addr.Is4() != (family == family4) && !p.addr.Is4In6() {
			continue
		}
		ways, err := a.reach(c, p.addr, channel)
		channel++
		switch {
		case len(ways) > 0 && p.addr == a.ownAddress():
			a.add(p.name, verdict.Warn, verdict.Low, "", fmt.Sprintf("%v to %s on an %s allocation", ways, p.addr, group), "%s may be a peer, as the relay's own address", p.addr)
		case len(ways) > 0:
			open++
			a.add(p.name, verdict.Fail, p.severity, p.line(), fmt.Sprintf("%v to %s on an %s allocation: success", ways, p.addr, group), "a user can reach %s (%s)", p.what, p.addr)
		case err != nil:
			a.add(p.name, verdict.Unknown, "", "", err.Error(), "%s could not be tried on an %s allocation", p.addr, group)
			return
		}
	}
	if open == 0 {
		a.add("peer."+map[byte]string{family4: "ipv4", family6: "ipv6"}[family], verdict.OK, "", "", "CreatePermission and ChannelBind refused",
			"no inner peer can be reached from an %s allocation", group)
	}
}

// reach asks for a permission and for a channel: a relay could check the one and forget the other.
func (a *attacking) reach(c *client, peer netip.Addr, channel uint16) (ways []string, err error) {
	for _, way := range []struct {
		name string
		try  func() error
	}{
		{"CreatePermission", func() error { return c.permit(a.ctx, peer) }},
		{"ChannelBind", func() error { return c.bind(a.ctx, channel, peer) }},
	} {
		var no refusal
		switch e := way.try(); {
		case e == nil:
			ways = append(ways, way.name)
		case !errors.As(e, &no) || no.code == 401 || no.code == 437 || no.code == 438:
			return ways, fmt.Errorf("%s: %w", way.name, e) // that says nothing about the peer
		}
	}
	return ways, nil
}

// ownAddress is where the relay is asked, which is where it relays from too in a plain set-up.
func (a *attacking) ownAddress() netip.Addr {
	host, _, err := net.SplitHostPort(a.Target.Addr)
	if err != nil {
		return netip.Addr{}
	}
	addr, _ := netip.ParseAddr(host) // a name is none
	return addr
}
