package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// PCP (RFC 6887) has no library that is well kept, and two of its requests are all that is needed here: ANNOUNCE, which changes nothing, and MAP.

const (
	pcpVersion   = 2
	pcpAnnounce  = 0
	pcpMap       = 1
	pcpResponse  = 0x80 // the R bit, in the byte of the opcode
	pcpHeader    = 24
	pcpMapLength = pcpHeader + 36
	pcpLongest   = 1100
	protocolUDP  = 17
)

type pcpNonce [12]byte

// pcpRequest is a request of section 7.1, with the body of section 11.1 if it is a MAP.
func pcpRequest(op byte, client netip.Addr, nonce pcpNonce, port uint16, life time.Duration) []byte {
	b := make([]byte, pcpHeader, pcpMapLength)
	b[0], b[1] = pcpVersion, op
	binary.BigEndian.PutUint32(b[4:], uint32(life/time.Second))
	as16 := client.As16()
	copy(b[8:], as16[:])
	if op != pcpMap {
		return b
	}
	b = append(b, nonce[:]...)
	b = append(b, protocolUDP, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, port)
	b = binary.BigEndian.AppendUint16(b, port)
	any4 := netip.AddrFrom4([4]byte{}).As16()
	return append(b, any4[:]...)
}

// pcpAnswer is a response of section 7.2.
type pcpAnswer struct {
	result   byte
	life     time.Duration
	port     uint16
	external netip.Addr
}

var (
	errNotOurs      = errors.New("not an answer to this request")
	errOtherVersion = errors.New("it answers in another version, as a gateway with NAT-PMP alone does")
)

// parsePCP reads an answer to a request. What is no answer to it is errNotOurs.
func parsePCP(request, b []byte) (pcpAnswer, error) {
	switch {
	case len(b) >= 4 && b[0] != pcpVersion && b[1]&pcpResponse != 0:
		return pcpAnswer{}, errOtherVersion
	case len(b) < pcpHeader || len(b) > pcpLongest || len(b)%4 != 0 || b[0] != pcpVersion || b[1] != request[1]|pcpResponse:
		return pcpAnswer{}, errNotOurs
	}
	a := pcpAnswer{result: b[3], life: time.Duration(binary.BigEndian.Uint32(b[4:])) * time.Second}
	if request[1] != pcpMap {
		return a, nil
	}
	// The nonce, the protocol and the inner port are the request's (section 11.4), of errors too.
	const nonceAndProtocol, inner, outer, address = pcpHeader + 13, pcpHeader + 16, pcpHeader + 18, pcpHeader + 20
	if len(b) < pcpMapLength || !bytes.Equal(b[pcpHeader:nonceAndProtocol], request[pcpHeader:nonceAndProtocol]) || !bytes.Equal(b[inner:outer], request[inner:outer]) {
		return pcpAnswer{}, errNotOurs
	}
	a.port = binary.BigEndian.Uint16(b[outer:])
	a.external = netip.AddrFrom16([16]byte(b[address:pcpMapLength])).Unmap()
	return a, nil
}

func (a asker) pcp(ctx context.Context) (p Protocol) {
	got, err := a.askPCP(ctx, pcpRequest(pcpAnnounce, a.local, pcpNonce{}, 0, 0))
	switch {
	case err == nil:
		p.answers()
	case errors.Is(err, syscall.ECONNREFUSED):
		p.silent("the gateway says that nothing listens there")
	case errors.Is(err, errOtherVersion):
		p.silent("%v", err)
	case errors.Is(err, errSilent):
		p.silent("nothing came back in %s", patience)
	default:
		p.because("it could not be asked: %s", said(err))
	}
	if err != nil {
		return p
	}
	if got.result != 0 {
		p.because("it answers %s", pcpResult(got.result))
	}
	if !a.doMap {
		p.because("external address: told with a mapping only")
		return p
	}
	made, err := a.mapByPCP(ctx)
	if made.external.IsValid() {
		p.tells(made.external)
	}
	p.maps(err)
	return p
}

// mapByPCP makes a mapping and deletes it (section 15: the same request with a lifetime of 0).
func (a asker) mapByPCP(ctx context.Context) (made pcpAnswer, err error) {
	held, port, err := a.hold()
	if err != nil {
		return made, err
	}
	defer func() { _ = held.Close() }()
	var nonce pcpNonce
	_, _ = rand.Read(nonce[:]) // never fails
	made, err = a.askPCP(ctx, pcpRequest(pcpMap, a.local, nonce, port, lifetime))
	if err == nil && made.result != 0 {
		return pcpAnswer{}, errors.New("it answers " + pcpResult(made.result))
	}
	// Whoever has to stop still takes away what it made, or may have made: the answer may be what was lost, or not waited for.
	gone, e := a.askPCP(context.WithoutCancel(ctx), pcpRequest(pcpMap, a.local, nonce, port, 0))
	if err != nil {
		return made, err
	}
	if err = e; err == nil && gone.result != 0 {
		err = errors.New("it answers " + pcpResult(gone.result))
	}
	if err != nil {
		return made, fmt.Errorf("it could not be deleted, and ends within %s: %w", made.life, err)
	}
	if made.port == 0 || made.life == 0 || !made.external.IsValid() || made.external.IsUnspecified() {
		return made, fmt.Errorf("it maps to %s for %s", netip.AddrPortFrom(made.external, made.port), made.life)
	}
	return made, nil
}

var errSilent = errors.New("nothing came back")

// askPCP sends a request up to four times, and takes the first that answers it. The socket is connected, so only the gateway is heard.
func (a asker) askPCP(ctx context.Context, request []byte) (pcpAnswer, error) {
	c, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.local, 0)), net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.gateway, mappingPort)))
	if err != nil {
		return pcpAnswer{}, err
	}
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	end := time.Now().Add(patience)
	buf := make([]byte, pcpLongest+1)
	for wait := patience / 8; ; wait *= 2 {
		if _, err := c.Write(request); err != nil {
			return pcpAnswer{}, errors.Join(ctx.Err(), err)
		}
		until := time.Now().Add(wait)
		if until.After(end) {
			until = end
		}
		_ = c.SetReadDeadline(until)
		for {
			n, err := c.Read(buf)
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				break
			}
			if err != nil {
				return pcpAnswer{}, errors.Join(ctx.Err(), err)
			}
			if got, err := parsePCP(request, buf[:n]); !errors.Is(err, errNotOurs) {
				return got, err
			}
		}
		if !time.Now().Before(end) {
			return pcpAnswer{}, errSilent
		}
	}
}

// pcpResult names the result codes of section 7.4.
func pcpResult(code byte) string {
	names := []string{
		"SUCCESS", "UNSUPP_VERSION", "NOT_AUTHORIZED", "MALFORMED_REQUEST", "UNSUPP_OPCODE", "UNSUPP_OPTION", "MALFORMED_OPTION", "NETWORK_FAILURE", "NO_RESOURCES", "UNSUPP_PROTOCOL",
		"USER_EX_QUOTA", "CANNOT_PROVIDE_EXTERNAL", "ADDRESS_MISMATCH", "EXCESSIVE_REMOTE_PEERS",
	}
	if int(code) < len(names) {
		return names[code]
	}
	return fmt.Sprintf("result %d", code)
}
