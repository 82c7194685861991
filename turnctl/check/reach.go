package check

import (
	"context"
	"errors"
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

func explainResolve(i *verdict.Item, host string, err error) {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		fail(i, verdict.Critical, err, "add an A (and AAAA) record for "+host+", or mend the name in the URL", "no name server knows %s", host)
		return
	}
	i.Status, i.Summary, i.Evidence = verdict.Unknown, "this host's resolver does not answer", err.Error()
}

// reach opens the connection, with a handshake and a certificate where the transport has them.
func (l *ladder) reach(others bool) {
	var conn net.Conn
	t := l.url.Transport
	open := func(i *verdict.Item) {
		var err error
		if conn, err = turnclient.Connect(l.ctx, t, l.addr, l.o.Timeout); err != nil {
			l.unreachable(i, err, others)
			return
		}
		i.Summary = fmt.Sprintf("connected to %s", l.addr)
	}
	if t.Stream() {
		l.step("connect", open)
	} else {
		var i verdict.Item
		open(&i)
		if i.Status != "" { // without a socket there is no step to hang it on but this one
			l.step("connect", func(to *verdict.Item) { i.Name, i.Group = to.Name, to.Group; *to = i })
		}
	}
	if t.Secure() {
		l.step("handshake", func(i *verdict.Item) {
			s, p, err := turnclient.Secure(l.ctx, t, conn, l.name(), l.o.Timeout)
			if err != nil {
				_ = conn.Close()
				l.noHandshake(i, err)
				return
			}
			conn, l.presented = s, p
			i.Summary = p.Version
		})
		l.certificate()
	}
	if l.stopped == "" {
		l.client = turnclient.New(conn, t, l.o.Timeout)
	} else if conn != nil {
		_ = conn.Close() // the certificate's step may be the one in which ctx ends
	}
}

// unreachable says why there is no connection. A family that this host does not have is no fault of the relay's.
func (l *ladder) unreachable(i *verdict.Item, err error, others bool) {
	i.Evidence = err.Error()
	switch {
	case turnclient.Here(err) && others:
		skip(i, "this host has no way to %s, and the URL has an address of another family", l.addr.Addr())
		l.stopped = i.Name
		return
	case turnclient.Here(err):
		i.Status, i.Summary = verdict.Unknown, fmt.Sprintf("this host has no way to %s", l.addr.Addr())
		return
	}
	alive := l.alive()
	said := turnclient.Words(err, l.o.Timeout)
	switch {
	case l.url.Transport == turnclient.TLS && alive != "":
		fail(i, verdict.Critical, err, certificateFix("tls"), "nothing serves TLS on %s (%s), and the relay runs: it answers over %s", l.addr, said, alive)
	case alive != "":
		fail(i, verdict.Critical, err, fmt.Sprintf("let TCP port %d through the firewall, or take no-tcp out of turnserver.conf", l.addr.Port()),
			"TCP to %s is blocked or not served (%s), and the relay runs: it answers over %s", l.addr, said, alive)
	default:
		l.down(i, err, said)
	}
}

func (l *ladder) down(i *verdict.Item, err error, said string) {
	fail(i, verdict.Critical, err, "start coturn (systemctl status coturn), and let its ports through the firewall",
		"the relay is down or out of reach: %s, %s", l.addr, said)
}

func certificateFix(kind string) string {
	return "let coturn's user (turnserver) read the files of cert= and pkey= in turnserver.conf, take no-" + kind + " out, and look for \"cannot find\" in coturn's log"
}

func (l *ladder) noHandshake(i *verdict.Item, err error) {
	kind := string(l.url.Transport)
	said := turnclient.Words(err, l.o.Timeout)
	alive := l.alive()
	switch {
	case alive != "":
		fail(i, verdict.Critical, err, certificateFix(kind),
			"no %s handshake on %s (%s), and the relay runs: it answers over %s", strings.ToUpper(kind), l.addr, said, alive)
	case l.url.Transport == turnclient.DTLS:
		l.down(i, err, said)
	default:
		fail(i, verdict.Critical, err, certificateFix(kind), "no TLS handshake on %s (%s)", l.addr, said)
	}
}

// binding asks for this client's address (RFC 8489, section 3).
func (l *ladder) binding(i *verdict.Item) {
	m, err := l.client.Do(l.ctx, stun.MethodBinding)
	if err == nil {
		l.learn(m)
		i.Summary = fmt.Sprintf("the relay sees this host as %s", l.mapped)
		if !l.mapped.IsValid() {
			warn(i, verdict.Medium, "", "the answer lacks XOR-MAPPED-ADDRESS")
		}
		return
	}
	if m != nil {
		l.learn(m)
		warn(i, verdict.Low, "take secure-stun out of turnserver.conf if callers are to learn their address without it", "Binding is refused")
		i.Evidence = err.Error()
		return
	}
	// A relay may be told to do no STUN (no-stun): it shows by answering the next step all the same.
	if !errors.Is(err, turnclient.ErrNoAnswer) || !l.answersAllocate() {
		l.silent(i, err)
		return
	}
	warn(i, verdict.Low, "take no-stun out of turnserver.conf if callers are to learn their address from this relay", "Binding is not answered, though Allocate is")
}

func (l *ladder) answersAllocate() bool {
	short := l.client.Timeout
	l.client.Timeout = min(short, time.Second)
	defer func() { l.client.Timeout = short }()
	m, _ := l.client.Do(l.ctx, stun.MethodAllocate, turnclient.Allocation(turnclient.RelayUDP, l.addr.Addr().Is6())...)
	return m != nil
}

// silent says why there is no answer on a connection that stands, or over UDP.
func (l *ladder) silent(i *verdict.Item, err error) {
	if turnclient.Here(err) {
		i.Status, i.Summary, i.Evidence = verdict.Unknown, "this host cannot send to the relay", err.Error()
		return
	}
	said := turnclient.Words(err, l.o.Timeout)
	if l.url.Transport == turnclient.UDP {
		if alive := l.alive(); alive != "" {
			fail(i, verdict.Critical, err, fmt.Sprintf("let UDP port %d through the firewalls on the way, and take no-udp out of turnserver.conf", l.addr.Port()),
				"UDP to %s is blocked or not served (%s), and the relay runs: it answers over %s", l.addr, said, alive)
			return
		}
		l.down(i, err, said)
		return
	}
	fail(i, verdict.Critical, err, "see whether it is coturn that listens there", "%s takes connections and does not answer STUN (%s)", l.addr, said)
}

// learn keeps what a Binding answer tells.
func (l *ladder) learn(m *stun.Message) {
	if a, ok := turnclient.Address(m, stun.AttrXORMappedAddress); ok {
		l.mapped = a
	}
	if a, ok := turnclient.PlainAddress(m, stun.AttrOtherAddress); ok {
		l.other = a
	}
	var s stun.Software
	if s.GetFrom(m) == nil {
		l.software = string(s[:min(len(s), turnclient.MaxText)])
	}
}

// alive lists the plain doors of the relay's host where a STUN Binding is answered, to tell a relay that is down from one that is
// blocked; "" for none. The URL's own is not among them.
func (l *ladder) alive() string {
	type door struct {
		t    turnclient.Transport
		port uint16
	}
	var doors []door
	for _, port := range []uint16{l.addr.Port(), wire.DefaultRelayPort} {
		for _, t := range []turnclient.Transport{turnclient.UDP, turnclient.TCP} {
			if own := (door{l.url.Transport, l.addr.Port()}); own != (door{t, port}) && !slices.Contains(doors, door{t, port}) {
				doors = append(doors, door{t, port})
			}
		}
	}
	ctx, cancel := context.WithTimeout(l.ctx, l.o.Timeout)
	defer cancel()
	answers := make([]bool, len(doors))
	done := make(chan struct{}, len(doors))
	for n, d := range doors {
		go func() {
			answers[n] = knock(ctx, d.t, netip.AddrPortFrom(l.addr.Addr(), d.port), min(l.o.Timeout, 1500*time.Millisecond))
			done <- struct{}{}
		}()
	}
	for range doors {
		<-done
	}
	var open []string
	for n, d := range doors {
		if answers[n] {
			open = append(open, fmt.Sprintf("%s port %d", strings.ToUpper(string(d.t)), d.port))
		}
	}
	return strings.Join(open, " and ")
}

// knock makes one Binding transaction.
func knock(ctx context.Context, t turnclient.Transport, to netip.AddrPort, wait time.Duration) bool {
	conn, err := turnclient.Connect(ctx, t, to, wait)
	if err != nil {
		return false
	}
	c := turnclient.New(conn, t, wait)
	defer c.Close()
	m, _ := c.Do(ctx, stun.MethodBinding)
	return m != nil
}
