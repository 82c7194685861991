package usernat

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Offsets within an IPv4 header (RFC 791) and a UDP header (RFC 768).
const (
	ipHeader    = 20
	udpHeader   = 8
	atLength    = 2
	atFragment  = 6
	atProtocol  = 9
	atIPSum     = 10
	atFrom      = 12
	atTo        = 16
	atFromPort  = 0
	atToPort    = 2
	atUDPLength = 4
	atUDPSum    = 6
	udp         = 17
	fragment    = 0x3fff // more fragments, or not the first
)

// datagram is one packet with UDP over IPv4 in it.
type datagram struct {
	ip, udp  []byte // the headers and what follows them
	from, to netip.AddrPort
}

// read takes a packet apart. What is not whole, a fragment, or something else than UDP over IPv4 is none.
func read(p []byte) (datagram, bool) {
	if len(p) < ipHeader || p[0]>>4 != 4 {
		return datagram{}, false
	}
	header, length := int(p[0]&0xf)*4, int(binary.BigEndian.Uint16(p[atLength:]))
	if header < ipHeader || length < header+udpHeader || length > len(p) || p[atProtocol] != udp || binary.BigEndian.Uint16(p[atFragment:])&fragment != 0 {
		return datagram{}, false
	}
	d := datagram{ip: p[:length], udp: p[header:length]}
	if n := int(binary.BigEndian.Uint16(d.udp[atUDPLength:])); n < udpHeader || n > len(d.udp) {
		return datagram{}, false
	}
	d.from = endpoint(p[atFrom:], d.udp[atFromPort:])
	d.to = endpoint(p[atTo:], d.udp[atToPort:])
	return d, true
}

func endpoint(address, port []byte) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(address)), binary.BigEndian.Uint16(port))
}

// rewrite gives it other ends. Checksums are carried on and not made anew (RFC 1624), so that what was damaged before is still seen to be. A UDP checksum of 0 means that there is none.
func (d datagram) rewrite(from, to netip.AddrPort) {
	ipSum, udpSum := d.ip[atIPSum:], d.udp[atUDPSum:]
	summed := binary.BigEndian.Uint16(udpSum) != 0
	set := func(field []byte, value uint16, address bool) {
		was := binary.BigEndian.Uint16(field)
		binary.BigEndian.PutUint16(field, value)
		if address {
			carryOn(ipSum, was, value)
		}
		if summed {
			carryOn(udpSum, was, value)
		}
	}
	for _, end := range []struct {
		at     int
		port   []byte
		become netip.AddrPort
	}{{atFrom, d.udp[atFromPort:], from}, {atTo, d.udp[atToPort:], to}} {
		a := end.become.Addr().As4()
		set(d.ip[end.at:], binary.BigEndian.Uint16(a[:]), true)
		set(d.ip[end.at+2:], binary.BigEndian.Uint16(a[2:]), true)
		set(end.port, end.become.Port(), false)
	}
	if summed && binary.BigEndian.Uint16(udpSum) == 0 {
		binary.BigEndian.PutUint16(udpSum, 0xffff)
	}
}

// carryOn brings a checksum up to date with one field that has changed: equation 3 of RFC 1624.
func carryOn(sum []byte, was, is uint16) {
	s := uint32(^binary.BigEndian.Uint16(sum)) + uint32(^was) + uint32(is)
	s = s&0xffff + s>>16
	s = s&0xffff + s>>16
	binary.BigEndian.PutUint16(sum, ^uint16(s))
}

// Translate rewrites one packet in place and says whether it goes on. Which way it goes tells its source; what comes from inside and is for the outer address is hairpinned.
func Translate(t *Table, o Options, now time.Time, packet []byte) bool {
	d, ok := read(packet)
	if !ok {
		return false
	}
	from := d.from
	if o.Inside.Contains(from.Addr()) {
		// Hosts inside have no other way to each other than by the outer address.
		if o.Inside.Contains(d.to.Addr()) || d.to.Addr() == o.Outer && !o.Hairpin {
			return false
		}
		port := t.Out(now, from, d.to)
		if port == 0 {
			return false
		}
		from = netip.AddrPortFrom(o.Outer, port)
		if d.to.Addr() != o.Outer {
			d.rewrite(from, d.to)
			return true
		}
	}
	if d.to.Addr() != o.Outer {
		return false
	}
	inner, ok := t.In(now, from, d.to.Port())
	if ok {
		d.rewrite(from, inner)
	}
	return ok
}
