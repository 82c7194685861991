package audit

import (
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// unpermitted sends both ways without a permission: by Send indications to peers that no caller is to reach, and from a stranger to the
// relayed address. A relay drops both (RFC 8656, sections 11.2 and 11.3).
func (a *attacking) unpermitted(c allocation, group string, six bool) {
	w := openWitnesses(a.addr.Addr(), peersOf(six))
	defer w.Close()
	for range 3 { // any may be lost
		for _, one := range w.list {
			if err := c.Send(one.at, []byte(w.token)); err != nil {
				break // that the connection has ended shows at the next request
			}
		}
		a.stranger(c.relayed, w.token)
	}
	// Behind its answer, all that was sent before is on its way.
	_, _ = c.ask(a.ctx, stun.MethodRefresh, turnclient.Lifetime(userTTL))
	in := a.awaitStranger(c, w.token)
	var reached []netip.AddrPort
	for _, one := range w.list {
		if w.Heard(one.at) {
			reached = append(reached, one.at)
			a.add(one.peer.name, verdict.Fail, one.peer.severity, "remove server-relay",
				"Send to "+one.at.String()+" on an "+group+" allocation arrived, and no permission was asked for", "a user can reach %s (%s)", one.peer.what, one.peer.addr)
		}
	}
	switch {
	case len(w.list) == 0:
		a.add("relay.send", verdict.Skipped, "", "", "", "whether Send needs a permission shows only on the relay's own host")
	case len(reached) == 0:
		a.add("relay.send", verdict.OK, "", "", "", "Send from an %s allocation reaches no peer without a permission, of %d tried", group, len(w.list))
	}
	if in {
		a.add("relay.server-relay", verdict.Fail, verdict.Critical, "remove server-relay", "a packet to "+c.relayed.String()+" came through",
			"packets from anybody reach a caller's relay address, permission or not")
	}
}

// stranger sends to the relayed address from a socket that it knows nothing of.
func (a *attacking) stranger(to netip.AddrPort, token string) {
	if !to.IsValid() {
		return
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return
	}
	_, _ = conn.Write([]byte(token))
	_ = conn.Close()
}

// awaitStranger waits until all that was sent has arrived, if it does; it says whether the stranger's packet did.
func (a *attacking) awaitStranger(c allocation, token string) bool {
	over := time.NewTimer(arrivalTime)
	defer over.Stop()
	came := false
	for {
		select {
		case p := <-c.Packets():
			came = came || string(p.Payload) == token
		case <-over.C:
			return came
		case <-c.Ended():
			return came
		case <-a.ctx.Done():
			return came
		}
	}
}
