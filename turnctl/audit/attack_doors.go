package audit

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"

	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// telnet looks for the telnet interface where clients look for the relay.
func (a *attacking) telnet() {
	host := a.addr.Addr()
	port := a.Target.CLIPort
	if port == 0 {
		port = 5766
	}
	if host.IsLoopback() {
		a.add("cli.reachable", verdict.Skipped, "", "", "", "the relay is on loopback, and so may its telnet interface be")
		return
	}
	d := net.Dialer{Timeout: transactionTime}
	conn, err := d.DialContext(a.ctx, "tcp", netip.AddrPortFrom(host, port).String())
	if err != nil {
		a.add("cli.reachable", verdict.OK, "", "", err.Error(), "no telnet interface at port %d", port)
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(transactionTime))
	banner := make([]byte, 512)
	n, _ := conn.Read(banner)
	if bytes.Contains(banner[:n], []byte("TURN Server")) || bytes.Contains(banner[:n], []byte("Coturn")) {
		a.add("cli.reachable", verdict.Fail, verdict.High, "cli-ip=127.0.0.1", conn.RemoteAddr().String()+" greets as coturn's telnet interface",
			"the telnet interface is open to other machines")
		return
	}
	a.add("cli.reachable", verdict.OK, "", "", "", "what listens at port %d is not coturn's telnet interface", port)
}

// tlsVersions offers the versions that RFC 8996 forbids.
func (a *attacking) tlsVersions() {
	if a.Target.TLSPort == 0 {
		a.add("tls.versions", verdict.Skipped, "", "", "", "no TLS was asked for")
		return
	}
	if err := a.handshake(tls.VersionTLS12, tls.VersionTLS13); err != nil {
		a.add("tls.versions", verdict.Unknown, "", "", err.Error(), "no TLS handshake at %s", a.at(a.Target.TLSPort))
		return
	}
	found := false
	olds := []struct {
		version   uint16
		name, fix string
		taken     bool
	}{{version: tls.VersionTLS10, name: "TLS 1.0", fix: "no-tlsv1"}, {version: tls.VersionTLS11, name: "TLS 1.1", fix: "no-tlsv1_1"}}
	// Together, since coturn answers what it does not take with silence.
	var wg sync.WaitGroup
	for i := range olds {
		wg.Go(func() { olds[i].taken = a.handshake(olds[i].version, olds[i].version) == nil })
	}
	wg.Wait()
	for _, old := range olds {
		if old.taken {
			found = true
			a.add("tls.old", verdict.Fail, verdict.Medium, old.fix, "handshake with "+old.name+": success", "%s is taken, which RFC 8996 forbids", old.name)
		}
	}
	if !found {
		a.add("tls.versions", verdict.OK, "", "", "", "TLS 1.0 and 1.1 are refused")
	}
}

func (a *attacking) handshake(lowest, highest uint16) error {
	ctx, cancel := context.WithTimeout(a.ctx, transactionTime)
	defer cancel()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: lowest, MaxVersion: highest, CipherSuites: oldCiphers()}}
	conn, err := d.DialContext(ctx, "tcp", a.at(a.Target.TLSPort))
	if err != nil {
		return err
	}
	return conn.Close()
}

// oldCiphers are all that there are: what the relay would take is the question, not what is good.
func oldCiphers() []uint16 {
	var ids []uint16
	for _, c := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, c.ID)
	}
	return ids
}

// dtlsVersions offers DTLS 1.0, which RFC 8996 forbids too; there never was a 1.1.
func (a *attacking) dtlsVersions() {
	if a.Target.DTLSPort == 0 {
		a.add("dtls.versions", verdict.Skipped, "", "", "", "no DTLS was asked for")
		return
	}
	at := a.at(a.Target.DTLSPort)
	if _, err := offerDTLS(a.ctx, at, dtls12); err != nil {
		a.add("dtls.versions", verdict.Unknown, "", "", turnclient.Words(err, transactionTime), "no DTLS handshake at %s", at)
		return
	}
	if version, err := offerDTLS(a.ctx, at, dtls10); err == nil && version == dtls10 {
		fix := "no-tlsv1"
		if a.Version.OldTLSOptIn() {
			fix = "remove tlsv1"
		}
		a.add("dtls.old", verdict.Fail, verdict.Medium, fix, "ServerHello of DTLS 1.0", "DTLS 1.0 is taken, which RFC 8996 forbids")
		return
	}
	a.add("dtls.versions", verdict.OK, "", "", "", "DTLS 1.0 is refused")
}

// at is a port of the relay.
func (a *attacking) at(port uint16) string { return netip.AddrPortFrom(a.addr.Addr(), port).String() }
