package check

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/pion/stun/v4"

	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// tcpRelay relays a TCP connection (RFC 6062), where the relay offers it; only over TCP and TLS does the RFC allow it.
func (l *ladder) tcpRelay() {
	if !l.url.Transport.Stream() {
		return
	}
	l.step("tcp-relay", func(i *verdict.Item) {
		if l.o.Quick {
			skip(i, "not tried in the quick way")
			return
		}
		l.relayTCP(i)
	})
}

func (l *ladder) relayTCP(i *verdict.Item) {
	c, err := l.another()
	if err != nil {
		i.Status, i.Summary, i.Evidence = verdict.Unknown, "no second connection to the relay", turnclient.Words(err, l.o.Timeout)
		return
	}
	defer c.Close()
	m, err := l.enter(c, l.user+"-tcp", turnclient.RelayTCP)
	switch {
	case turnclient.Code(err) == 442 || turnclient.Code(err) == 403:
		skip(i, "not offered (%s)", err)
		return
	case err != nil:
		l.refused(i, err)
		return
	}
	defer func() { _, _ = c.Authed(l.ctx, stun.MethodRefresh, turnclient.Lifetime(0)) }()
	relayed, ok := turnclient.Address(m, stun.AttrXORRelayedAddress)
	if !ok || !l.mapped.IsValid() {
		i.Status, i.Summary = verdict.Unknown, "the relay tells no addresses"
		return
	}
	if _, err := c.Authed(l.ctx, stun.MethodCreatePermission, turnclient.PeerAddress(l.mapped)); err != nil {
		if turnclient.Code(err) == 403 {
			skip(i, "the relay's deny list holds %s, which is this host, so nothing can be relayed to it", l.mapped.Addr())
			return
		}
		l.refused(i, err)
		return
	}
	// The peer calls in, as it could from behind a NAT.
	d := net.Dialer{Timeout: l.o.Timeout, LocalAddr: &net.TCPAddr{IP: hostOf(c.LocalAddr())}}
	peer, err := d.DialContext(l.ctx, "tcp", relayed.String())
	if err != nil {
		warn(i, verdict.Medium, "let TCP to min-port - max-port of turnserver.conf through the firewall, or set no-tcp-relay: browsers use only UDP there",
			"offered, and the relayed address %s takes no TCP connection (%s)", relayed, turnclient.Words(err, l.o.Timeout))
		return
	}
	defer func() { _ = peer.Close() }()
	select {
	case id := <-c.Attempts():
		err = l.bindConnection(c, id, peer)
	case <-time.After(l.o.Timeout):
		err = turnclient.ErrNoAnswer
	case <-l.ctx.Done():
		err = l.ctx.Err()
	}
	if err != nil {
		warn(i, verdict.Medium, "set no-tcp-relay in turnserver.conf: browsers do not use it", "offered, and does not relay (%s)", turnclient.Words(err, l.o.Timeout))
		return
	}
	i.Summary = fmt.Sprintf("%s relays TCP both ways", relayed)
}

// bindConnection makes the data connection of an attempt, and sends a line through it both ways (RFC 6062, section 5.4).
func (l *ladder) bindConnection(c *turnclient.Client, id []byte, peer net.Conn) error {
	conn, err := turnclient.Dial(l.ctx, l.url.Transport, l.addr, l.name(), l.o.Timeout)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(l.ctx, func() { _ = conn.Close() })
	defer stop()
	for _, s := range []net.Conn{conn, peer} {
		if err := s.SetDeadline(time.Now().Add(l.o.Timeout)); err != nil {
			return err
		}
	}
	request, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodConnectionBind, stun.ClassRequest), turnclient.ConnectionID(id),
		stun.NewUsername(c.Credential.Username), c.Realm, c.Nonce,
		stun.NewLongTermIntegrity(c.Credential.Username, string(c.Realm), c.Credential.Password), stun.Fingerprint)
	if err != nil {
		return err
	}
	if _, err := conn.Write(request.Raw); err != nil {
		return err
	}
	b, err := turnclient.ReadFrame(conn) // reads no byte too many: after the answer the stream is the peer's
	if err != nil {
		return err
	}
	f, err := turnclient.ParseFrame(b)
	if err != nil {
		return err
	}
	if f.Message == nil || f.Message.TransactionID != request.TransactionID {
		return turnclient.ErrFrame
	}
	if r := turnclient.RefusalOf(f.Message); r != nil {
		return r
	}
	return errors.Join(line(conn, peer), line(peer, conn))
}

// line sends one from a to b.
func line(a io.Writer, b io.Reader) error {
	const text = "callmesh turnctl check\n"
	if _, err := io.WriteString(a, text); err != nil {
		return err
	}
	got, err := bufio.NewReader(b).ReadString('\n')
	if err == nil && got != text {
		err = errors.New("what came out is not what went in")
	}
	return err
}
