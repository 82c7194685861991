package usernat_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"callmesh/probe/lab/usernat"
	"callmesh/probe/nat"
)

var options = usernat.Options{
	Behaviour: usernat.Behaviour{Mapping: nat.EIM, Filtering: nat.APDF, Ports: usernat.Keep, Hairpin: true},
	Outer:     netip.MustParseAddr("203.0.113.10"), Inside: netip.MustParsePrefix("10.1.0.0/16"),
}

// packet is a whole one, with its checksums.
func packet(from, to netip.AddrPort, data []byte) []byte {
	p := make([]byte, 28, 28+len(data))
	p[0], p[8], p[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(p[2:], uint16(28+len(data)))
	f, g := from.Addr().As4(), to.Addr().As4()
	copy(p[12:], f[:])
	copy(p[16:], g[:])
	binary.BigEndian.PutUint16(p[20:], from.Port())
	binary.BigEndian.PutUint16(p[22:], to.Port())
	binary.BigEndian.PutUint16(p[24:], uint16(8+len(data)))
	p = append(p, data...)
	binary.BigEndian.PutUint16(p[10:], ^sum(p[:20]))
	binary.BigEndian.PutUint16(p[26:], ^sum(pseudo(p)))
	return p
}

// pseudo is what a UDP checksum is over.
func pseudo(p []byte) []byte {
	return append(append(bytes.Clone(p[12:20]), 0, 17, p[24], p[25]), p[20:]...)
}

func sum(b []byte) uint16 {
	var s uint32
	for i, v := range b {
		s += uint32(v) << (8 * (1 - i%2))
	}
	for s > 0xffff {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}

func check(t *testing.T, p []byte, from, to netip.AddrPort) {
	t.Helper()
	got := [2]netip.AddrPort{}
	for i, at := range []int{12, 16} {
		got[i] = netip.AddrPortFrom(netip.AddrFrom4([4]byte(p[at:])), binary.BigEndian.Uint16(p[20+2*i:]))
	}
	if got[0] != from || got[1] != to {
		t.Errorf("%s to %s, want %s to %s", got[0], got[1], from, to)
	}
	if sum(p[:20]) != 0xffff || binary.BigEndian.Uint16(p[26:]) != 0 && sum(pseudo(p)) != 0xffff {
		t.Error("a checksum is wrong")
	}
}

func TestThereAndBack(t *testing.T) {
	n := usernat.NewTable(options.Behaviour)
	outer := netip.AddrPortFrom(options.Outer, host.Port())
	for _, data := range []string{"", "x", "hello", "an even length"} {
		p := packet(host, a1, []byte(data))
		if !usernat.Translate(n, options, start, p) {
			t.Fatal("not let out")
		}
		check(t, p, outer, a1)
		p = packet(a1, outer, []byte(data))
		if !usernat.Translate(n, options, start, p) {
			t.Fatal("not let in")
		}
		check(t, p, a1, host)
	}
	p := packet(host, a1, []byte("no checksum"))
	p[26], p[27] = 0, 0
	if !usernat.Translate(n, options, start, p) || p[26] != 0 || p[27] != 0 {
		t.Error("a packet without a checksum has got one")
	}
	if usernat.Translate(n, options, start, packet(b1, outer, nil)) {
		t.Error("a stranger was let in")
	}
}

func TestHairpinning(t *testing.T) {
	other := netip.MustParseAddrPort("10.1.1.2:5000")
	for _, on := range []bool{true, false} {
		o := options
		o.Hairpin = on
		n := usernat.NewTable(o.Behaviour)
		first, second := netip.AddrPortFrom(o.Outer, host.Port()), netip.AddrPortFrom(o.Outer, other.Port())
		n.Out(start, host, second)
		p := packet(other, first, []byte("hello"))
		if got := usernat.Translate(n, o, start, p); got != on {
			t.Fatalf("hairpinning %t: %t", on, got)
		}
		if on {
			check(t, p, second, host)
		}
		if usernat.Translate(n, o, start, packet(host, other, nil)) {
			t.Error("two hosts inside reach each other past the NAT")
		}
	}
}

func TestFragmentsAndOthersAreDropped(t *testing.T) {
	for name, spoil := range map[string]func([]byte){
		"more fragments": func(p []byte) { p[6] |= 0x20 },
		"not the first":  func(p []byte) { p[7] = 1 },
		"TCP":            func(p []byte) { p[9] = 6 },
		"IPv6":           func(p []byte) { p[0] = 0x65 },
		"a short header": func(p []byte) { p[0] = 0x44 },
		"too long":       func(p []byte) { p[3] = 200 },
		"UDP too long":   func(p []byte) { p[25] = 200 },
	} {
		p := packet(host, a1, []byte("hello"))
		spoil(p)
		if usernat.Translate(usernat.NewTable(options.Behaviour), options, start, p) {
			t.Errorf("%s goes through", name)
		}
	}
}

// Whatever comes, it does not read or write past the packet, and what goes on has the right checksums if what came had.
func FuzzTranslate(f *testing.F) {
	f.Add(packet(host, a1, []byte("hello")), true)
	f.Add(packet(a1, netip.AddrPortFrom(options.Outer, 4000), nil), true)
	f.Add([]byte{0x45}, false)
	f.Add(packet(host, a1, []byte("hello"))[:27], false)
	f.Fuzz(func(t *testing.T, p []byte, mend bool) {
		n := usernat.NewTable(options.Behaviour)
		n.Out(start, host, a1)
		whole := len(p) >= 28 && p[0] == 0x45 && int(binary.BigEndian.Uint16(p[2:])) == len(p) && int(binary.BigEndian.Uint16(p[24:])) == len(p)-20
		if whole && mend {
			p = bytes.Clone(p)
			p[10], p[11], p[26], p[27] = 0, 0, 0, 0
			binary.BigEndian.PutUint16(p[10:], ^sum(p[:20]))
			binary.BigEndian.PutUint16(p[26:], ^sum(pseudo(p)))
		}
		data := bytes.Clone(p)
		if !usernat.Translate(n, options, start, p) {
			if !bytes.Equal(data, p) {
				t.Error("what is dropped was changed")
			}
			return
		}
		if whole && !bytes.Equal(data[28:], p[28:]) {
			t.Error("the data was changed")
		}
		if whole && mend && (sum(p[:20]) != 0xffff || binary.BigEndian.Uint16(p[26:]) != 0 && sum(pseudo(p)) != 0xffff) {
			t.Errorf("a checksum is wrong: %x from %x", p, data)
		}
	})
}
