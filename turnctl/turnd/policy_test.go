package turnd

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"callmesh/turnctl/ownaddr"
)

func TestPolicy(t *testing.T) {
	relay := netip.MustParseAddr("192.168.1.5")
	allow := []netip.Prefix{
		netip.MustParsePrefix("10.1.2.3/16"), netip.MustParsePrefix("fd12::/16"), netip.MustParsePrefix("::ffff:172.20.0.0/112"),
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("192.168.1.0/24"),
	}
	p := newPolicy(relay, allow)
	own := netip.MustParseAddr("198.51.100.9")
	p.own = func() []netip.Addr { return []netip.Addr{own} }
	for ip, want := range map[string]bool{
		"8.8.8.8": true, "203.0.113.1": true, "2606:4700::1": true, "::ffff:8.8.8.8": true,
		"192.168.1.5": true, "::ffff:192.168.1.5": true, // the relay's own
		"10.1.9.9": true, "::ffff:10.1.9.9": true, "fd12::1": true, "172.21.0.1": false, "172.20.1.1": true, "192.168.1.77": true, "0.1.2.3": true,
		"198.51.100.9": false, "::ffff:198.51.100.9": false, // another address of this machine
		"0.0.0.0": false, "10.0.0.1": false, "100.64.0.1": false, "100.100.100.200": false, "127.0.0.1": false, "127.255.0.1": false,
		"169.254.169.254": false, "172.31.255.255": false, "192.0.0.192": false, "192.168.2.1": false, "198.19.0.1": false,
		"224.0.0.251": false, "239.1.1.1": false, "240.0.0.1": false, "255.255.255.255": false, "168.63.129.16": false,
		"::": false, "::1": false, "::10.0.0.1": false, "::8.8.8.8": false, "::ffff:127.0.0.1": false, "::ffff:0:127.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b:1::a00:1": false, "100::1": false, "2001::1": false, "2002:7f00:1::": false,
		"fc00::1": false, "fd00:ec2::254": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "ff02::1": false, "5f00::1": false,
	} {
		if got := p.allows(netip.MustParseAddr(ip)); got != want {
			t.Errorf("%s: %v, want %v", ip, got, want)
		}
	}
	if p.allows(netip.Addr{}) {
		t.Error("no address is allowed")
	}
	if p.relayOpen {
		t.Error("a range around the relay's address opens all of its ports")
	}
	if !newPolicy(relay, []netip.Prefix{netip.MustParsePrefix("192.168.1.5/32")}).relayOpen {
		t.Error("the relay's address alone does not")
	}
}

func TestInterfaceAddrs(t *testing.T) {
	found := false
	for _, a := range ownaddr.List() {
		found = found || a == netip.MustParseAddr("127.0.0.1")
	}
	if !found {
		t.Error("this machine's addresses lack 127.0.0.1")
	}
}

func TestPermitsAreBounded(t *testing.T) {
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := newPermits(newPolicy(netip.MustParseAddr("127.0.0.1"), nil), m)
	client := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
	peer := func(i int) net.IP { return net.ParseIP(fmt.Sprintf("8.8.%d.%d", i/256, i%256)) }
	for i := range maxPermits {
		if !p.allow(client, peer(i)) {
			t.Fatalf("peer %d is refused", i)
		}
	}
	if p.allow(client, peer(maxPermits)) {
		t.Error("one too many is allowed")
	}
	if !p.allow(client, peer(0)) {
		t.Error("a known one cannot be refreshed")
	}
	if !p.allow(&net.TCPAddr{IP: client.IP, Port: 1}, peer(maxPermits)) {
		t.Error("another client is held to this one's bound")
	}
	later := time.Now().Add(permitLife + time.Second)
	ip, _ := netip.AddrFromSlice(peer(maxPermits))
	if !p.take(clientKey(client), ip, later) {
		t.Error("expired ones still count")
	}
	p.forget(client)
	if len(p.by) != 1 {
		t.Error("the client is not forgotten")
	}
}
