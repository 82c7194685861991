package audit

import (
	"fmt"
	"net/netip"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// connects tries peers by Connect (RFC 6062, section 4.3), which makes the relay open a TCP connection: to addresses of this host where the
// relay is on it too, and otherwise to the relay's own loopback, so nothing but the relay's host is touched.
func (a *attacking) connects() {
	t := a.Target.URL.Transport
	switch t {
	case turnclient.UDP:
		t = turnclient.TCP
	case turnclient.DTLS:
		a.add("relay.tcp", verdict.Skipped, "", "", "", "TCP is relayed for clients on TCP and TLS alone; give such a URL to try it")
		return
	case turnclient.TCP, turnclient.TLS:
	}
	tried, open := 0, 0
	for _, six := range []bool{false, true} {
		group := "IPv4"
		if six {
			group = "IPv6"
		}
		c, err := a.allocate(t, a.Secret, turnclient.Allocation(turnclient.RelayTCP, six))
		no := refusal(err)
		switch {
		case err == nil:
		case no != nil && no.Code == 440:
			continue
		case no != nil && (no.Code == 442 || no.Code == 403):
			a.add("relay.tcp", verdict.OK, "", "", no.Error(), "it does not relay TCP")
			return
		case no == nil && a.Target.URL.Transport == turnclient.UDP:
			a.add("relay.tcp", verdict.OK, "", "", turnclient.Words(err, transactionTime), "it takes no clients over TCP, for whom alone TCP is relayed")
			return
		default:
			a.add("relay.tcp", verdict.Unknown, "", "", turnclient.Words(err, a.Timeout), "Connect could not be tried on an %s allocation", group)
			return
		}
		c.Timeout = transactionTime // refused or not, on the host itself that is known at once
		for _, p := range a.near(six) {
			_, err := c.ask(a.ctx, stun.MethodConnect, turnclient.PeerAddress(netip.AddrPortFrom(p.addr, discard)))
			switch code := turnclient.Code(err); {
			case err == nil || code == 447: // 447: it tried to (RFC 6062, section 6.3)
				if a.reached(p, "Connect", group+" allocation for TCP") {
					open++
				}
			case code == 0 || code == 401 || code == 437 || code == 438:
				a.add(p.name, verdict.Unknown, "", "", turnclient.Words(err, transactionTime), "Connect to %s could not be tried on an %s allocation", p.addr, group)
				a.drop(c)
				return
			}
			tried++
		}
		a.drop(c)
	}
	if open == 0 {
		a.add("relay.tcp", verdict.OK, "", fmt.Sprintf("%d peers tried", tried), "", "it relays TCP, and Connect reaches no inner peer")
	}
}

// near are the peers of a family that are the relay's own host.
func (a *attacking) near(six bool) []peer {
	w := openWitnesses(a.addr.Addr(), peersOf(six))
	defer w.Close()
	var list []peer
	for _, one := range w.list {
		list = append(list, one.peer)
	}
	if len(list) > 0 {
		return list
	}
	for _, p := range peersOf(six) {
		if p.addr.Unmap().IsLoopback() {
			list = append(list, p)
		}
	}
	return list
}
