package audit

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"time"
)

// The versions that DTLS has on the wire (RFC 6347, section 4.1).
const (
	dtls10 = 0xfeff
	dtls12 = 0xfefd
)

// Types of records and of handshake messages (RFC 5246, sections 6.2.1 and 7.4).
const (
	recordAlert, recordHandshake         = 21, 22
	clientHello, serverHello, helloRetry = 1, 2, 3
	recordHeader, handshakeHeader        = 13, 12
)

// errNoVersion means that a relay refuses a version of DTLS.
var errNoVersion = errors.New("refused by an alert")

// offerDTLS offers one version and gives the one that the relay takes. No library still speaks DTLS 1.0, so the hellos are made here: that the relay goes
// on with a version shows in its own, without a finished handshake.
func offerDTLS(ctx context.Context, addr string, version uint16) (uint16, error) {
	ctx, cancel := context.WithTimeout(ctx, transactionTime)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", addr)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	hello := helloRecord(version, random, nil, 0)
	buffer := make([]byte, 64<<10)
	sequence := byte(0)
	for wait := 250 * time.Millisecond; ; wait *= 2 {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if _, err := conn.Write(hello); err != nil {
			return 0, err
		}
		for until := time.Now().Add(wait); ; {
			if err := conn.SetReadDeadline(until); err != nil {
				return 0, err
			}
			n, err := conn.Read(buffer)
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				break
			}
			if err != nil {
				return 0, err
			}
			kind, taken, cookie := readHello(buffer[:n])
			switch {
			case kind == recordAlert:
				return 0, errNoVersion
			case kind == serverHello:
				return taken, nil
			case kind == helloRetry && sequence == 0:
				sequence++
				hello = helloRecord(version, random, bytes.Clone(cookie), sequence)
				if _, err := conn.Write(hello); err != nil {
					return 0, err
				}
			}
		}
	}
}

// readHello says what the first record of a packet is: recordAlert, or the type of a handshake message, with the version that a ServerHello or a
// HelloVerifyRequest has and the cookie of the latter. 0 is anything else.
func readHello(b []byte) (kind int, version uint16, cookie []byte) {
	if len(b) < recordHeader {
		return 0, 0, nil
	}
	switch b[0] {
	case recordAlert:
		return recordAlert, 0, nil
	case recordHandshake:
	default:
		return 0, 0, nil
	}
	message := b[recordHeader:]
	if len(message) < handshakeHeader+2 {
		return 0, 0, nil
	}
	kind, version = int(message[0]), binary.BigEndian.Uint16(message[handshakeHeader:])
	rest := message[handshakeHeader+2:]
	if kind == helloRetry {
		if len(rest) < 1 || len(rest) < 1+int(rest[0]) {
			return 0, 0, nil
		}
		cookie = rest[1 : 1+int(rest[0])]
	}
	return kind, version, cookie
}

// helloRecord is a ClientHello for a version and no later one (RFC 6347, section 4.2.1), in a record of its own.
func helloRecord(version uint16, random [32]byte, cookie []byte, sequence byte) []byte {
	var body []byte
	two := func(n int) { body = binary.BigEndian.AppendUint16(body, uint16(n)) }
	two(int(version))
	body = append(body, random[:]...)
	body = append(body, 0) // no session
	body = append(append(body, byte(len(cookie))), cookie...)
	// ECDHE, DHE and plain RSA with AES and SHA-1, which both versions have; those with GCM for DTLS 1.2 alone.
	suites := []int{0xc009, 0xc00a, 0xc013, 0xc014, 0x0033, 0x0039, 0x002f, 0x0035}
	if version == dtls12 {
		suites = append(suites, 0xc02b, 0xc02c, 0xc02f, 0xc030, 0x009e, 0x009c)
	}
	two(2 * len(suites))
	for _, s := range suites {
		two(s)
	}
	body = append(body, 1, 0) // no compression
	extensions := []byte{
		0, 10, 0, 6, 0, 4, 0, 29, 0, 23, // supported_groups: x25519, P-256
		0, 11, 0, 2, 1, 0, // ec_point_formats: uncompressed
		0xff, 1, 0, 1, 0, // renegotiation_info: none
	}
	if version == dtls12 {
		extensions = append(extensions, 0, 13, 0, 10, 0, 8, 4, 3, 4, 1, 8, 4, 2, 1) // signature_algorithms
	}
	two(len(extensions))
	body = append(body, extensions...)

	length := []byte{byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}
	message := append([]byte{clientHello}, length...)
	message = append(message, 0, sequence, 0, 0, 0) // its number, and its first fragment
	message = append(append(message, length...), body...)
	record := binary.BigEndian.AppendUint16([]byte{recordHandshake}, dtls10) // the record's version is that of before, as RFC 6347 has it
	record = append(record, 0, 0, 0, 0, 0, 0, 0, sequence)
	record = binary.BigEndian.AppendUint16(record, uint16(len(message)))
	return append(record, message...)
}
