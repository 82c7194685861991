package lab

import (
	"fmt"
	"net/netip"

	"callmesh/probe/lab/usernat"
)

// Site is one host, or two, and the NAT before it.
type Site struct {
	// Name is at most 8 letters and digits, and names the first host in [Lab.Command].
	Name string
	Kind Kind
}

// Hosts are the names of its hosts.
func (s Site) Hosts() []string {
	if s.Kind.TwoHosts() {
		return []string{s.Name, s.Name + "b"}
	}
	return []string{s.Name}
}

func (s Site) box() string { return s.Name + "-nat" }

// direct says whether the host stands on the public link itself.
func (s spec) direct() bool { return s.kernel == "" && s.user == nil }

// rules are the nftables rules of a site, by namespace.
func (s Site) rules() map[string]string {
	k := s.Kind.spec()
	switch {
	case k.direct():
		return nil
	case k.user != nil:
		return map[string]string{s.box(): besideUser + k.blocks}
	case k.carrier:
		return map[string]string{s.box(): k.kernel + k.blocks, s.carrier(): k.kernel}
	}
	return map[string]string{s.box(): k.kernel + k.blocks}
}

func (s Site) carrier() string { return s.Name + "-cgn" }

// inside are the addresses of a site's hosts.
func inside(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 16)
}

// steps build a site: its hosts, and as many NATs before them as its kind has.
func (s Site) steps(i int) []string {
	k := s.Kind.spec()
	port := fmt.Sprintf("w%d", i)
	if k.direct() {
		steps := append([]string{"ip netns add " + s.Name, "ip -n " + s.Name + " link set lo up"}, plug(s.Name, "eth0", port)...)
		if k.ipv6 {
			return append(steps, fmt.Sprintf("ip -n %s addr add %s/64 dev eth0 nodad", s.Name, outer6(i)))
		}
		return append(steps, fmt.Sprintf("ip -n %s addr add %s/24 dev eth0", s.Name, outer(i)), outward(s.Name))
	}
	steps := router(s.box())
	outside := s.box()
	if k.carrier {
		// The carrier's network (RFC 6598) between the two.
		outside = s.carrier()
		steps = append(steps, router(outside)...)
		steps = append(steps, link(outside, "lan", fmt.Sprintf("100.64.%d.1", i), s.box(), "wan", fmt.Sprintf("100.64.%d.2", i))...)
	}
	steps = append(steps, plug(outside, "wan", port)...)
	steps = append(steps, fmt.Sprintf("ip -n %s addr add %s/24 dev wan", outside, outer(i)), outward(outside))
	for n, host := range s.Hosts() {
		steps = append(steps, "ip netns add "+host, "ip -n "+host+" link set lo up")
		steps = append(steps, link(s.box(), lan(n), fmt.Sprintf("10.%d.%d.1", i, n), host, "eth0", fmt.Sprintf("10.%d.%d.2", i, n))...)
	}
	return steps
}

func lan(n int) string {
	if n == 0 {
		return "lan"
	}
	return fmt.Sprintf("lan%d", n+1)
}

// diverts sends UDP to the device of usernat, both what hosts send and what comes for the outer address, which the kernel would otherwise take for its own; so the table of local addresses is asked
// later than usual. What comes back from the device has that address as its source.
func (s Site) diverts() []string {
	in := "ip -n " + s.box() + " "
	steps := []string{
		in + "link set " + usernat.Device + " up", in + "route add default dev " + usernat.Device + " table 100",
		in + "rule add pref 100 lookup local", in + "rule del pref 0", in + "rule add pref 1 iif wan ipproto udp lookup 100",
		"ip netns exec " + s.box() + " sysctl -q -w net.ipv4.conf.all.accept_local=1",
	}
	for n := range s.Hosts() {
		steps = append(steps, in+"rule add pref 1 iif "+lan(n)+" ipproto udp lookup 100")
	}
	return steps
}

// plug puts a namespace's device on the public link.
func plug(ns, device, port string) []string {
	return []string{
		fmt.Sprintf("ip link add %s netns %s type veth peer name %s netns inet", device, ns, port),
		fmt.Sprintf("ip -n inet link set %s master br0 up", port),
		fmt.Sprintf("ip -n %s link set %s up", ns, device),
	}
}

// link joins two namespaces, of which the second has its way out through the first.
func link(up, upDevice, upAddr, down, downDevice, downAddr string) []string {
	return []string{
		fmt.Sprintf("ip link add %s netns %s type veth peer name %s netns %s", upDevice, up, downDevice, down),
		fmt.Sprintf("ip -n %s addr add %s/24 dev %s", up, upAddr, upDevice),
		fmt.Sprintf("ip -n %s link set %s up", up, upDevice),
		fmt.Sprintf("ip -n %s addr add %s/24 dev %s", down, downAddr, downDevice),
		fmt.Sprintf("ip -n %s link set %s up", down, downDevice),
		fmt.Sprintf("ip -n %s route add default via %s", down, upAddr),
	}
}

// router is a namespace that forwards. Reverse path filters and redirects would get in the way of what NATs do.
func router(ns string) []string {
	return []string{
		"ip netns add " + ns, "ip -n " + ns + " link set lo up",
		"ip netns exec " + ns + " sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0" +
			" net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0",
	}
}

func outward(ns string) string { return "ip -n " + ns + " route add default via " + rest }

func outer(i int) netip.Addr {
	a := ServerAddr.As4()
	a[3] = byte(firstOuter + i)
	return netip.AddrFrom4(a)
}

func outer6(i int) netip.Addr {
	a := Server6Addr.As16()
	a[15] = byte(firstOuter + i)
	return netip.AddrFrom16(a)
}
