package check

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pion/stun/v4"

	"callmesh/bus/wire"
	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// permission lets a peer in (RFC 8656, section 10). The peer is a socket of this host where the relay permits that, for it shows
// whether packets come in from outside, and else a second allocation on the relay.
func (l *ladder) permission(i *verdict.Item) {
	seen := l.mapped
	if !seen.IsValid() {
		seen = l.addr // a relay that tells no addresses; only on its own host would this be right
	}
	if l.behindOneNAT(seen.Addr()) {
		l.peerWhy = fmt.Sprintf("this host stands behind the NAT that has %s, as the relay does", l.relayed.Addr())
		l.letNeighbourIn(i)
		return
	}
	doors := []netip.AddrPort{l.addr}
	if l.addr.Port() != wire.DefaultRelayPort {
		doors = append(doors, netip.AddrPortFrom(l.addr.Addr(), wire.DefaultRelayPort))
	}
	s, err := newSocket(l.ctx, l.client.LocalAddr(), seen.Addr(), doors, min(l.o.Timeout, 1500*time.Millisecond))
	if err != nil {
		i.Status, i.Summary, i.Evidence = verdict.Unknown, "this host gives no UDP socket", err.Error()
		return
	}
	start := time.Now()
	_, err = l.client.Authed(l.ctx, stun.MethodCreatePermission, turnclient.PeerAddress(s.address))
	i.Took = time.Since(start)
	if err == nil {
		l.peer = s
		i.Summary = fmt.Sprintf("peer %s is let in", s.address.Addr())
		return
	}
	s.Close()
	if turnclient.Code(err) != 403 {
		l.refused(i, err)
		return
	}
	l.peerWhy = fmt.Sprintf("the relay's deny list holds %s, which is this host", s.address.Addr())
	l.letNeighbourIn(i)
}

// behindOneNAT says whether this host, which the relay sees there, is the relay's own or one beside it, behind a NAT that has its public address. What is sent
// from there to the relayed address comes back, if at all, from where no permission can be given: coturn takes its public address for its private one.
func (l *ladder) behindOneNAT(seen netip.Addr) bool {
	here, err := net.InterfaceAddrs()
	if err != nil || slices.ContainsFunc(here, func(a net.Addr) bool { return strings.HasPrefix(a.String(), l.relayed.Addr().String()+"/") }) {
		return false // there is no NAT
	}
	return seen == l.relayed.Addr() || seen == l.addr.Addr() && l.relayed.Addr() != l.addr.Addr()
}

// letNeighbourIn makes the second allocation the peer.
func (l *ladder) letNeighbourIn(i *verdict.Item) {
	n, err := l.newNeighbour()
	if err != nil {
		if turnclient.Code(err) == 403 {
			l.denied(i, err)
			return
		}
		fail(i, verdict.High, err, "raise total-quota, or widen min-port to max-port in turnserver.conf",
			"no second allocation is to be had to try the first against (%s)", turnclient.Words(err, l.o.Timeout))
		return
	}
	start := time.Now()
	_, err = l.client.Authed(l.ctx, stun.MethodCreatePermission, turnclient.PeerAddress(n.relayed))
	i.Took = time.Since(start)
	if err != nil {
		n.Close()
		l.denied(i, err)
		return
	}
	l.peer = n
	i.Summary = fmt.Sprintf("peer %s, on the relay itself, is let in; %s", n.relayed.Addr(), l.peerWhy)
}

func (l *ladder) denied(i *verdict.Item, err error) {
	if turnclient.Code(err) != 403 {
		l.refused(i, err)
		return
	}
	fail(i, verdict.Critical, err, fmt.Sprintf("put allowed-peer-ip=%s into turnserver.conf; with external-ip, the relay-ip that it stands for", l.relayed.Addr()),
		"the relay's deny list holds its own relayed addresses, so two callers who both need it cannot meet")
}

// passage is what came through the relay, each way.
type passage struct {
	in   netip.AddrPort // whom the relay says the peer's probe came from; not valid: none came
	out  netip.AddrPort // whom the peer saw the ladder's probe come from; not valid: none came
	want netip.AddrPort // the relayed address
}

// relayPorts sends both ways through the relayed address, and tells by what arrives what stands in the way.
func (l *ladder) relayPorts(i *verdict.Item) {
	p := l.probe()
	if s, ok := l.peer.(*socket); ok && !p.in.IsValid() && !p.out.IsValid() && !s.proven {
		// Nothing says that this host can use UDP at all, so the relay is tried against itself.
		l.peerWhy = "UDP does not pass between this host and the relay"
		l.peer.Close()
		l.peer = nil
		if l.letNeighbourIn(i); i.Status == verdict.Fail || l.peer == nil {
			return
		}
		i.Took = 0
		p = l.probe()
	}
	l.explain(i, p)
	if s, ok := l.peer.(*socket); ok && p.in.IsValid() {
		s.address = p.in // as a NAT between has it
	}
}

// probe repeats a probe each way until both arrived, or the time is over.
func (l *ladder) probe() passage {
	p := passage{want: l.relayed}
	over := time.NewTimer(min(l.o.Timeout, 2*time.Second))
	defer over.Stop()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	payload := []byte{probeByte}
	send := func() {
		_ = l.peer.Send(l.relayed, payload)
		_ = l.client.Send(l.peer.Address(), payload)
	}
	send()
	for !p.in.IsValid() || !p.out.IsValid() {
		select {
		case got := <-l.client.Packets():
			if len(got.Payload) > 0 && got.Payload[0] == probeByte {
				first := !p.in.IsValid()
				p.in = got.From
				if s, ok := l.peer.(*socket); ok {
					s.address = got.From
				}
				if first {
					send() // now that it has the right address
				}
			}
		case p.out = <-l.peer.Probes():
		case <-again.C:
			send()
		case <-over.C:
			return p
		case <-l.client.Ended():
			return p
		case <-l.ctx.Done():
			return p
		}
	}
	return p
}

// explain judges a passage.
func (l *ladder) explain(i *verdict.Item, p passage) {
	ports := "let UDP to min-port - max-port of turnserver.conf through the firewall of the relay"
	external := fmt.Sprintf("put external-ip=%s right in turnserver.conf (PUBLIC/PRIVATE behind a 1:1 NAT), or take it out", p.want.Addr())
	_, outside := l.peer.(*socket)
	switch {
	case p.in.IsValid() && p.out.IsValid():
		from := "from outside"
		if !outside {
			from = "from the relay itself"
		}
		i.Summary = fmt.Sprintf("%s takes packets %s and sends them", p.want, from)
		if l.peerWhy != "" {
			i.Summary += "; " + l.peerWhy
		}
	case p.out.IsValid() && p.out.Addr() != p.want.Addr():
		fail(i, verdict.Critical, nil, external, "external-ip is wrong: callers are told %s, and the relay sends from %s", p.want.Addr(), p.out.Addr())
		i.Evidence = fmt.Sprintf("a packet from relayed address %s came from %s, and none sent to it arrived", p.want, p.out)
	case p.out.IsValid():
		fail(i, verdict.Critical, nil, ports, "packets to the relayed port %s are lost: a firewall drops relay ports", p.want)
		i.Evidence = "a packet out of it arrived, and none into it"
	case p.in.IsValid():
		fail(i, verdict.Critical, nil, "let UDP from the relay's ports out through its firewall", "packets out of the relayed port %s are lost", p.want)
		i.Evidence = "a packet into it arrived, and none out of it"
	case p.want.Addr() != l.addr.Addr():
		fail(i, verdict.Critical, nil, external+"; or "+ports,
			"nothing passes the relayed address %s: external-ip is wrong, or a firewall drops relay ports", p.want)
		i.Evidence = fmt.Sprintf("the relay itself answers on %s", l.addr)
	default:
		fail(i, verdict.Critical, nil, ports, "nothing passes the relayed port %s: a firewall drops relay ports", p.want)
	}
}

// channelBind binds a channel to the peer (RFC 8656, section 12).
func (l *ladder) channelBind(i *verdict.Item) {
	if _, err := l.client.Authed(l.ctx, stun.MethodChannelBind, turnclient.ChannelNumber(channel), turnclient.PeerAddress(l.peer.Address())); err != nil {
		l.refused(i, err)
		return
	}
	l.channelled = true
	i.Summary = fmt.Sprintf("channel 0x%x to %s", channel, l.peer.Address())
}
