package audit

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// family tries the peers of one family, on an allocation of that family; of the mapped ones, on both.
func (a *attacking) family(six bool) {
	group, name := "IPv4", "peer.ipv4"
	if six {
		group, name = "IPv6", "peer.ipv6"
	}
	c, err := a.open(a.Secret, six)
	switch no := refusal(err); {
	case err == nil:
	case no != nil && no.Code == 440:
		a.add(name, verdict.OK, "", "", no.Error(), "the relay has no %s address, so no peer of that form can be reached", group)
		return
	case no != nil && no.Code == 401:
		a.add("live.peers", verdict.Unknown, "", "give the secret of this relay: secret-file", no.Error(), "peers could not be tried: the relay refused the credentials")
		return
	default:
		a.add("live.peers", verdict.Unknown, "", "", turnclient.Words(err, a.Timeout), "peers could not be tried: no %s allocation", group)
		return
	}
	defer func() { a.drop(c) }()
	a.unpermitted(c, group, six)
	open, channel := 0, uint16(0x4000)
	for _, p := range peersOf(six) {
		ways, err := a.reach(c, p.addr, channel)
		channel++
		switch {
		case len(ways) > 0:
			if a.reached(p, fmt.Sprint(ways), group+" allocation") {
				open++
			}
		case err != nil:
			a.add(p.name, verdict.Unknown, "", "", turnclient.Words(err, a.Timeout), "%s could not be tried on an %s allocation", p.addr, group)
			return
		}
	}
	if open == 0 {
		a.add(name, verdict.OK, "", "", "CreatePermission and ChannelBind refused", "no inner peer can be reached from an %s allocation", group)
	}
}

// peersOf are those that make sense on an allocation of a family.
func peersOf(six bool) []peer {
	var list []peer
	for _, p := range peers() {
		if p.addr.Is4() != six || p.addr.Is4In6() {
			list = append(list, p)
		}
	}
	return list
}

// reached adds a finding, and says whether it is one: the relay's own address may be a peer.
func (a *attacking) reached(p peer, way, on string) bool {
	evidence := fmt.Sprintf("%s to %s on an %s: success", way, p.addr, on)
	if p.addr == a.addr.Addr() { // where the relay is asked, which is where it relays from too in a plain set-up
		a.add(p.name, verdict.Warn, verdict.Low, "", evidence, "%s may be a peer, as the relay's own address", p.addr)
		return false
	}
	a.add(p.name, verdict.Fail, p.severity, p.line(), evidence, "a user can reach %s (%s)", p.what, p.addr)
	return true
}

// discard is the port of peers that nothing is sent to (RFC 863).
const discard = 9

// reach asks for a permission and for a channel: a relay could check the one and forget the other.
func (a *attacking) reach(c allocation, addr netip.Addr, channel uint16) (ways []string, err error) {
	to := turnclient.PeerAddress(netip.AddrPortFrom(addr, discard))
	for _, way := range []struct {
		name       string
		method     stun.Method
		attributes []stun.Setter
	}{
		{"CreatePermission", stun.MethodCreatePermission, []stun.Setter{to}},
		{"ChannelBind", stun.MethodChannelBind, []stun.Setter{turnclient.ChannelNumber(channel), to}},
	} {
		_, e := c.ask(a.ctx, way.method, way.attributes...)
		a.silent = a.silent || errors.Is(e, turnclient.ErrNoAnswer)
		switch code := turnclient.Code(e); {
		case e == nil:
			ways = append(ways, way.name)
		case code == 0 || code == 401 || code == 437 || code == 438:
			return ways, fmt.Errorf("%s: %w", way.name, e) // that says nothing about the peer
		}
	}
	return ways, nil
}
