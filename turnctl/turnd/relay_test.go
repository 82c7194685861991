package turnd_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/prometheus/client_golang/prometheus"

	"callmesh/turnctl/turnd"
)

// Two clients who can only use the relay meet on it, though its address is loopback.
func TestTwoAllocationsMeet(t *testing.T) {
	for _, networks := range [][2]string{{"udp", "udp"}, {"tcp", "udp"}, {"tcp", "tcp"}} {
		t.Run(networks[0]+" and "+networks[1], func(t *testing.T) {
			reg := prometheus.NewRegistry()
			r := startRelay(t, func(o *turnd.Options) { o.Registerer = reg })
			ca, a := allocate(t, r, networks[0], "alice")
			cb, b := allocate(t, r, networks[1], "bob")
			if err := ca.CreatePermission(b.LocalAddr()); err != nil {
				t.Fatal(err)
			}
			if err := cb.CreatePermission(a.LocalAddr()); err != nil {
				t.Fatal(err)
			}
			// More than one, so that the client moves from indications to a channel.
			for _, text := range []string{"one one one", "twotwo", "three three"} {
				send(t, a, text, b.LocalAddr())
				if got, from := receive(t, b); got != text || from.String() != a.LocalAddr().String() {
					t.Fatalf("got %q from %s, want %q from %s", got, from, text, a.LocalAddr())
				}
				send(t, b, text, a.LocalAddr())
				if got, _ := receive(t, a); got != text {
					t.Fatalf("got %q back, want %q", got, text)
				}
			}
			if n := metric(t, reg, "callmesh_turnd_allocations", ""); n != 2 {
				t.Errorf("%v allocations, want 2", n)
			}
			// 2 x 28 bytes out, and in again.
			for _, direction := range []string{"to_peers", "from_peers"} {
				// A packet can arrive before it is counted.
				eventually(t, "56 bytes "+direction, func() bool {
					return metric(t, reg, "callmesh_turnd_bytes_total", direction) == 56
				})
			}
			lint(t, reg)
		})
	}
}

// Behind one-to-one NAT the relay's address is on no interface of the machine, and clients meet
// without the NAT turning their packets around.
func TestRelayIPOfANAT(t *testing.T) {
	outer := netip.MustParseAddr("203.0.113.7")
	r := startRelay(t, func(o *turnd.Options) { o.RelayIP = outer })
	ca, a := allocate(t, r, "udp", "alice")
	cb, b := allocate(t, r, "udp", "bob")
	if got := a.LocalAddr().(*net.UDPAddr).AddrPort().Addr(); got != outer {
		t.Fatalf("relayed address %s, want %s", got, outer)
	}
	if err := ca.CreatePermission(b.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if err := cb.CreatePermission(a.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	send(t, a, "round the corner", b.LocalAddr())
	if got, from := receive(t, b); got != "round the corner" || from.String() != a.LocalAddr().String() {
		t.Errorf("got %q from %s", got, from)
	}
}

// The permission that lets relayed addresses meet must not open the rest of the machine.
func TestOtherPortsOfTheRelaysAddress(t *testing.T) {
	reg := prometheus.NewRegistry()
	r := startRelay(t, func(o *turnd.Options) { o.Registerer = reg })
	ca, a := allocate(t, r, "udp", "alice")
	_, b := allocate(t, r, "udp", "bob")
	service, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = service.Close() }()
	if err := ca.CreatePermission(service.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	dropped := func() float64 { return metric(t, reg, "callmesh_turnd_dropped_packets_total", "") }

	send(t, a, "let me in", service.LocalAddr())
	eventually(t, "the packet is dropped", func() bool { return dropped() == 1 })
	if err := ca.CreatePermission(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(r.Addr().Port())}); err != nil {
		t.Fatal(err)
	}
	send(t, a, "let me into your own port", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(r.Addr().Port())})
	eventually(t, "the packet is dropped", func() bool { return dropped() == 2 })
	// Had anything come through, it would be ahead of this.
	direct, err := net.Dial("udp4", service.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = direct.Close() }()
	if _, err := direct.Write([]byte("first")); err != nil {
		t.Fatal(err)
	}
	if got, _ := receive(t, service); got != "first" {
		t.Errorf("the service got %q", got)
	}

	// Nor does the service reach the client.
	send(t, service, "hello", a.LocalAddr())
	eventually(t, "the packet is dropped", func() bool { return dropped() == 3 })
	send(t, b, "from bob", a.LocalAddr())
	_ = b.SetReadDeadline(time.Now().Add(10 * time.Second))
	if got, _ := receive(t, a); got != "from bob" {
		t.Errorf("the client got %q", got)
	}
}

func TestPeersRefused(t *testing.T) {
	reg := prometheus.NewRegistry()
	r := startRelay(t, func(o *turnd.Options) {
		o.Registerer = reg
		o.AllowPeers = []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")}
	})
	client, _ := allocate(t, r, "udp", "alice")
	for _, ip := range []string{
		"10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.2", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255",
	} {
		if err := client.CreatePermission(&net.UDPAddr{IP: net.ParseIP(ip), Port: 80}); !contains(err, "403") {
			t.Errorf("permission for %s: %v, want 563", ip, err)
		}
	}
	for _, ip := range []string{"10.9.1.2", "8.8.8.8"} {
		if err := client.CreatePermission(&net.UDPAddr{IP: net.ParseIP(ip), Port: 80}); err != nil {
			t.Errorf("permission for %s: %v", ip, err)
		}
	}
	if n := metric(t, reg, "callmesh_turnd_refused_total", "peer"); n != 9 {
		t.Errorf("%v refusals counted, want 9", n)
	}
}

// peer6 is XOR-PEER-ADDRESS with all 16 bytes of an address, which the usual encoders would turn
// into 4 where they can.
type peer6 struct{ addr netip.AddrPort }

func (p peer6) AddTo(m *stun.Message) error {
	v := make([]byte, 20)
	v[1] = 2
	binary.BigEndian.PutUint16(v[2:], p.addr.Port()^0x2112)
	ip, pad := p.addr.Addr().As16(), append([]byte{0x21, 0x12, 0xa4, 0x42}, m.TransactionID[:]...)
	for i := range ip {
		v[4+i] = ip[i] ^ pad[i]
	}
	m.Add(stun.AttrXORPeerAddress, v)
	return nil
}

// CVE-2026-27624: IPv4 addresses dressed as IPv6 ones.
func TestMappedPeersRefused(t *testing.T) {
	r := startRelay(t, nil)
	c := newRaw(t, r, mint(t, secret, "alice", time.Hour))
	if code := c.request(stun.MethodAllocate, transport(udp)); code != 0 {
		t.Fatalf("allocate: %d", code)
	}
	for _, ip := range []string{"::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:192.168.0.1"} {
		peer := peer6{netip.AddrPortFrom(netip.MustParseAddr(ip), 80)}
		if code := c.request(stun.MethodCreatePermission, peer); code != 403 {
			t.Errorf("permission for %s: %d, want 563", ip, code)
		}
		channel := stun.RawAttribute{Type: stun.AttrChannelNumber, Value: []byte{0x40, 0x01, 0, 0}}
		if code := c.request(stun.MethodChannelBind, channel, peer); code != 401 {
			t.Errorf("channel to %s: %d, want 561", ip, code)
		}
	}
	for _, ip := range []string{"::1", "fe80::1", "fd00::1", "64:ff9b::a00:1"} {
		if code := c.request(stun.MethodCreatePermission, peer6{netip.AddrPortFrom(netip.MustParseAddr(ip), 80)}); code != 443 {
			t.Errorf("permission for %s on an IPv4 allocation: %d, want 443", ip, code)
		}
	}
}

func TestTCPAllocationsRefused(t *testing.T) {
	c := newRaw(t, startRelay(t, nil), mint(t, secret, "alice", time.Hour))
	if code := c.request(stun.MethodAllocate, transport(tcp)); code != 508 {
		t.Errorf("allocate TCP: %d, want 508", code)
	}
}

func TestOtherFamilyRefused(t *testing.T) {
	c := newRaw(t, startRelay(t, nil), mint(t, secret, "alice", time.Hour))
	six := stun.RawAttribute{Type: stun.AttrRequestedAddressFamily, Value: []byte{2, 0, 0, 0}}
	if code := c.request(stun.MethodAllocate, transport(udp), six); code != 508 {
		t.Errorf("allocate IPv6: %d, want 508", code)
	}
}

func TestIPv6Relay(t *testing.T) {
	r := startRelay(t, func(o *turnd.Options) { o.Listen = "[::1]:0" })
	conn, err := net.Dial("udp6", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	c := &raw{t: t, conn: conn, cred: mint(t, secret, "alice", time.Hour)}
	if code := c.request(stun.MethodAllocate, transport(udp)); code != 0 {
		t.Fatalf("allocate: %d", code)
	}
	for ip, want := range map[string]int{
		"::1": 0, "2606:4700::1": 0, "fe80::1": 403, "fd00::1": 403, "fd00:ec2::254": 403, "64:ff9b::a00:1": 403,
		"2002:a00:1::": 403, "::127.0.0.1": 403, "::": 403, "ff02::1": 403, "2001:0:1::": 403,
	} {
		if code := c.request(stun.MethodCreatePermission, peer6{netip.AddrPortFrom(netip.MustParseAddr(ip), 80)}); code != want {
			t.Errorf("permission for %s: %d, want %d", ip, code, want)
		}
	}
}
