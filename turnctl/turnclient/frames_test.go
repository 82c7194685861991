package turnclient

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"testing"

	"github.com/pion/stun/v4"
)

// readAll reads everything that there is to read in a message.
func readAll(m *stun.Message) {
	for _, t := range []stun.AttrType{stun.AttrXORMappedAddress, stun.AttrXORPeerAddress, stun.AttrXORRelayedAddress} {
		Address(m, t)
	}
	PlainAddress(m, stun.AttrOtherAddress)
	PlainAddress(m, stun.AttrResponseOrigin)
	LifetimeOf(m)
	if r := RefusalOf(m); r != nil && len(r.Reason) > MaxText {
		panic("a reason longer than there are")
	}
	(&Client{}).Challenged(m)
}

// Whatever comes in a packet is read, or refused.
func FuzzParseFrame(f *testing.F) {
	f.Add([]byte{})
	f.Add(channelData(0x4000, []byte("abc"), true))
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingSuccess, &stun.XORMappedAddress{IP: []byte{192, 0, 2, 1}, Port: 9}, stun.Fingerprint).Raw)
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingError, stun.CodeUnauthorized, stun.NewRealm("r"), stun.NewNonce("n")).Raw)
	f.Add(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodData, stun.ClassIndication),
		PeerAddress(netip.MustParseAddrPort("[::ffff:10.0.0.1]:9")), Data([]byte("x"))).Raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		was := bytes.Clone(b)
		frame, err := ParseFrame(b)
		if err != nil {
			return
		}
		if frame.Message != nil {
			readAll(frame.Message)
		} else if len(frame.Payload) > len(b)-channelHeader {
			t.Errorf("a payload of %d bytes in a packet of %d", len(frame.Payload), len(b))
		}
		if !bytes.Equal(b, was) {
			t.Error("reading changed what was read")
		}
	})
}

// A stream is read message by message, each whole and none longer than MaxFrame, and ends in an error.
func FuzzReadFrame(f *testing.F) {
	f.Add(channelData(0x4000, []byte("abc"), true))
	f.Add(append(stun.MustBuild(stun.TransactionID, stun.BindingSuccess).Raw, channelData(0x7fff, nil, true)...))
	f.Add([]byte{0x40, 0, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, read := bytes.NewReader(b), 0
		for {
			frame, err := ReadFrame(r)
			if err != nil {
				if errors.Is(err, io.EOF) && read != len(b) {
					t.Errorf("the end is after %d of %d bytes", read, len(b))
				}
				return
			}
			if len(frame) > MaxFrame || !bytes.Equal(frame, b[read:read+len(frame)]) {
				t.Fatalf("a frame of %d bytes is not what stands there", len(frame))
			}
			read += len(frame)
		}
	})
}

// A peer's address goes as it is, the IPv4-mapped form too.
func FuzzPeerAddress(f *testing.F) {
	f.Add([]byte{10, 0, 0, 1}, uint16(9))
	f.Add(netip.MustParseAddr("::ffff:10.0.0.1").AsSlice(), uint16(65535))
	f.Fuzz(func(t *testing.T, b []byte, port uint16) {
		a, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		m := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication), PeerAddress(netip.AddrPortFrom(a, port)))
		v, err := m.Get(stun.AttrXORPeerAddress)
		if err != nil || len(v) != 4+len(b) || v[1] == 1 != a.Is4() {
			t.Fatalf("%s goes as %x, %v", a, v, err)
		}
		if got, ok := Address(m, stun.AttrXORPeerAddress); !ok || got != netip.AddrPortFrom(a.Unmap(), port) {
			t.Errorf("%s:%d is read as %s", a, port, got)
		}
	})
}
