package check

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
)

// Protocol numbers in REQUESTED-TRANSPORT, and families in REQUESTED-ADDRESS-FAMILY (RFC 8656, sections 18.7 and 18.6).
const (
	relayUDP = 17
	relayTCP = 6
	family6  = 2
)

func raw(t stun.AttrType, value ...byte) stun.Setter { return stun.RawAttribute{Type: t, Value: value} }

// allocation asks for a relayed address. IPv4 goes without saying, and old relays do not know the attribute.
func allocation(protocol byte, six bool) []stun.Setter {
	s := []stun.Setter{raw(stun.AttrRequestedTransport, protocol, 0, 0, 0)}
	if six {
		s = append(s, raw(stun.AttrRequestedAddressFamily, family6, 0, 0, 0))
	}
	return s
}

// lifetime is in whole seconds; 0 ends an allocation.
func lifetime(d time.Duration) stun.Setter {
	return raw(stun.AttrLifetime, binary.BigEndian.AppendUint32(nil, uint32(d/time.Second))...)
}

func channelNumber(n uint16) stun.Setter {
	return raw(stun.AttrChannelNumber, byte(n>>8), byte(n), 0, 0)
}

func connectionID(id []byte) stun.Setter { return raw(stun.AttrConnectionID, id...) }

func data(b []byte) stun.Setter { return raw(stun.AttrData, b...) }

// peerAddress is XOR-PEER-ADDRESS.
type peerAddress netip.AddrPort

// AddTo adds the attribute to a message.
func (p peerAddress) AddTo(m *stun.Message) error {
	a := netip.AddrPort(p)
	return stun.XORMappedAddress{IP: net.IP(a.Addr().AsSlice()), Port: int(a.Port())}.AddToAs(m, stun.AttrXORPeerAddress)
}

// address reads an XORed address of a message.
func address(m *stun.Message, t stun.AttrType) (netip.AddrPort, bool) {
	var x stun.XORMappedAddress
	if x.GetFromAs(m, t) != nil {
		return netip.AddrPort{}, false
	}
	ip, ok := netip.AddrFromSlice(x.IP)
	return netip.AddrPortFrom(ip.Unmap(), uint16(x.Port)), ok
}

// plainAddress reads an address that is not XORed, such as OTHER-ADDRESS.
func plainAddress(m *stun.Message, t stun.AttrType) (netip.AddrPort, bool) {
	var a stun.MappedAddress
	if a.GetFromAs(m, t) != nil {
		return netip.AddrPort{}, false
	}
	ip, ok := netip.AddrFromSlice(a.IP)
	return netip.AddrPortFrom(ip.Unmap(), uint16(a.Port)), ok
}

// lifetimeOf reads LIFETIME.
func lifetimeOf(m *stun.Message) (time.Duration, bool) {
	v, err := m.Get(stun.AttrLifetime)
	if err != nil || len(v) != 4 {
		return 0, false
	}
	return time.Duration(binary.BigEndian.Uint32(v)) * time.Second, true
}

// refusal is an error response.
type refusal struct {
	code   int
	reason string // the relay's own words
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.code, r.reason) }

// refusalOf reads an error response; nil for others.
func refusalOf(m *stun.Message) *refusal {
	if m.Type.Class != stun.ClassErrorResponse {
		return nil
	}
	var e stun.ErrorCodeAttribute
	if e.GetFrom(m) != nil {
		return &refusal{code: 0, reason: "error without a code"}
	}
	return &refusal{code: int(e.Code), reason: string(e.Reason)}
}

// code is the STUN error code in err, 0 if it holds none.
func code(err error) int {
	var r *refusal
	if errors.As(err, &r) {
		return r.code
	}
	return 0
}
