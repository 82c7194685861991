package turnclient

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/pion/stun/v4"
)

// Protocol numbers in REQUESTED-TRANSPORT, and families in REQUESTED-ADDRESS-FAMILY (RFC 8656, sections 18.7 and 18.6).
const (
	// RelayUDP asks for UDP to peers.
	RelayUDP = 17
	// RelayTCP asks for TCP to peers (RFC 6062).
	RelayTCP = 6
	family4  = 1
	family6  = 2
)

// Raw is an attribute of the very bytes that are given.
func Raw(t stun.AttrType, value ...byte) stun.Setter { return stun.RawAttribute{Type: t, Value: value} }

// Allocation asks for a relayed address. IPv4 goes without saying, and old relays do not know the attribute.
func Allocation(protocol byte, six bool) []stun.Setter {
	s := []stun.Setter{Raw(stun.AttrRequestedTransport, protocol, 0, 0, 0)}
	if six {
		s = append(s, Raw(stun.AttrRequestedAddressFamily, family6, 0, 0, 0))
	}
	return s
}

// Lifetime is in whole seconds; 0 ends an allocation.
func Lifetime(d time.Duration) stun.Setter {
	return Raw(stun.AttrLifetime, binary.BigEndian.AppendUint32(nil, uint32(d/time.Second))...)
}

// ChannelNumber is CHANNEL-NUMBER (RFC 8656, section 18.1).
func ChannelNumber(n uint16) stun.Setter {
	return Raw(stun.AttrChannelNumber, byte(n>>8), byte(n), 0, 0)
}

// ConnectionID is CONNECTION-ID (RFC 6062, section 6.2.1).
func ConnectionID(id []byte) stun.Setter { return Raw(stun.AttrConnectionID, id...) }

// Data is DATA (RFC 8656, section 18.4).
func Data(b []byte) stun.Setter { return Raw(stun.AttrData, b...) }

// PeerAddress is XOR-PEER-ADDRESS (RFC 8656, section 18.3), in the very form that the address has: an IPv4-mapped one goes as 16 bytes, where
// libraries make IPv4 of it and with that hide the hole which it is (CVE-2026-27624).
type PeerAddress netip.AddrPort

// AddTo adds the attribute to a message.
func (p PeerAddress) AddTo(m *stun.Message) error {
	a := netip.AddrPort(p)
	var mask [16]byte
	binary.BigEndian.PutUint32(mask[:], stunCookie)
	copy(mask[4:], m.TransactionID[:])
	family := byte(family6)
	if a.Addr().Is4() {
		family = family4
	}
	port := a.Port() ^ stunCookie>>16
	value := []byte{0, family, byte(port >> 8), byte(port)}
	for i, b := range a.Addr().AsSlice() {
		value = append(value, b^mask[i])
	}
	m.Add(stun.AttrXORPeerAddress, value)
	return nil
}

// stunCookie is the magic cookie (RFC 8489, section 5).
const stunCookie = 0x2112a442

// Address reads an XORed address of a message.
func Address(m *stun.Message, t stun.AttrType) (netip.AddrPort, bool) {
	var x stun.XORMappedAddress
	if x.GetFromAs(m, t) != nil {
		return netip.AddrPort{}, false
	}
	ip, ok := netip.AddrFromSlice(x.IP)
	return netip.AddrPortFrom(ip.Unmap(), uint16(x.Port)), ok
}

// PlainAddress reads an address that is not XORed, such as OTHER-ADDRESS.
func PlainAddress(m *stun.Message, t stun.AttrType) (netip.AddrPort, bool) {
	var a stun.MappedAddress
	if a.GetFromAs(m, t) != nil {
		return netip.AddrPort{}, false
	}
	ip, ok := netip.AddrFromSlice(a.IP)
	return netip.AddrPortFrom(ip.Unmap(), uint16(a.Port)), ok
}

// LifetimeOf reads LIFETIME.
func LifetimeOf(m *stun.Message) (time.Duration, bool) {
	v, err := m.Get(stun.AttrLifetime)
	if err != nil || len(v) != 4 {
		return 0, false
	}
	return time.Duration(binary.BigEndian.Uint32(v)) * time.Second, true
}

// RefusalError is an error response.
type RefusalError struct {
	Code   int
	Reason string // the relay's own words
}

func (r *RefusalError) Error() string { return fmt.Sprintf("%d %s", r.Code, r.Reason) }

// MaxText is the most that a text of STUN may have, in bytes: 127 characters (RFC 8489, sections 14.8 to 14.14). One who sends more is taken at no
// more of their word.
const MaxText = 763

// RefusalOf reads an error response; nil for others.
func RefusalOf(m *stun.Message) *RefusalError {
	if m.Type.Class != stun.ClassErrorResponse {
		return nil
	}
	var e stun.ErrorCodeAttribute
	if e.GetFrom(m) != nil {
		return &RefusalError{Code: 0, Reason: "error without a code"}
	}
	return &RefusalError{Code: int(e.Code), Reason: strings.Trim(string(e.Reason[:min(len(e.Reason), MaxText)]), " \x00")}
}

// Code is the STUN error code in err, 0 if it holds none.
func Code(err error) int {
	var r *RefusalError
	if errors.As(err, &r) {
		return r.Code
	}
	return 0
}

// LetIn says whether an error response to Allocate comes after the credential was found good.
func LetIn(code int) bool {
	switch code {
	case 403, 440, 442, 443, 486, 508:
		return true
	}
	return false
}

// Remembered says whether an error response to Allocate is about somebody else: over UDP a relay knows clients by address and port, and goes on to for a
// while after they are gone. Who is given such a port is refused as if they were them, whatever their credential; coturn says "437 Allocation mismatch:
// wrong credentials" then. From another socket it is another client.
func Remembered(err error) bool {
	code := Code(err)
	return code == 437 || code == 441
}
