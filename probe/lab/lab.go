// Package lab is a NAT laboratory: sites behind NATs of every behaviour, and a STUN and TURN relay on two public addresses, in network namespaces of this machine.
//
// Everything lives in a namespace that one process is given at its start ([Inside], [Reenter]); when that process ends, the kernel takes it all down. So nothing is left behind, no address of the
// machine is touched, and neither root nor a clean-up is needed where user namespaces are allowed. `ip` (iproute2) and `nft` (nftables) do the work.
package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
)

// Server is where the relay stands, as [Lab.Command] names it.
const Server = "server"

// The public network is TEST-NET-3 (RFC 5737), a single link: the server on its two addresses, and the outer side of each NAT.
var (
	ServerAddr  = netip.MustParseAddr("203.0.113.1")
	ServerAddr2 = netip.MustParseAddr("203.0.113.2")
)

const firstOuter = 10

// rest is where everyone sends what is for nobody here, such as a peer's private address. It drops it, as the Internet does: an error would be news to the sender.
const rest = "203.0.113.254"

// Site is one host, and the NAT before it.
type Site struct {
	// Name is at most 8 letters and digits, and names the host in [Lab.Command].
	Name string
	Kind Kind
}

// Lab is a running laboratory.
type Lab struct {
	sites []Site
}

// Start builds a laboratory. It works only in namespaces of its own: see [Inside].
func Start(ctx context.Context, sites []Site) (*Lab, error) {
	if err := Prepare(); err != nil {
		return nil, err
	}
	l := &Lab{sites: sites}
	if err := l.build(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Lab) build(ctx context.Context) error {
	steps := []string{
		"ip netns add inet", "ip -n inet link set lo up", "ip -n inet link add br0 type bridge", "ip -n inet link set br0 up",
		"ip -n inet addr add " + rest + "/24 dev br0",
		"ip netns add " + Server, "ip -n server link set lo up",
	}
	steps = append(steps, plug(Server, "eth0", "s0")...)
	for _, a := range []netip.Addr{ServerAddr, ServerAddr2} {
		steps = append(steps, fmt.Sprintf("ip -n server addr add %s/24 dev eth0", a))
	}
	steps = append(steps, outward(Server))
	for i, s := range l.sites {
		steps = append(steps, s.steps(i)...)
	}
	for _, step := range steps {
		if err := Run(ctx, "", step); err != nil {
			return err
		}
	}
	for i, s := range l.sites {
		for where, rules := range s.rules(outer(i)) {
			if err := Run(ctx, rules, "ip netns exec "+where+" nft -f -"); err != nil {
				return fmt.Errorf("site %s: %w", s.Name, err)
			}
		}
	}
	return nil
}

// Close takes it down before its process ends, so that another can be built. What still runs in there keeps its namespace until it ends.
func (l *Lab) Close() error {
	return Run(context.Background(), "", "ip -all netns delete")
}

// Outer is the public address of a site: that of its NAT, or the host's own where there is none.
func (l *Lab) Outer(site string) netip.Addr {
	for i, s := range l.sites {
		if s.Name == site {
			return outer(i)
		}
	}
	return netip.Addr{}
}

// Command is a command that runs at a site, or at [Server].
func (l *Lab) Command(ctx context.Context, where, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", where, name}, args...)...)
}

func outer(i int) netip.Addr {
	a := ServerAddr.As4()
	a[3] = byte(firstOuter + i)
	return netip.AddrFrom4(a)
}

func outward(ns string) string { return "ip -n " + ns + " route add default via " + rest }

// plug puts a namespace's device on the public link.
func plug(ns, device, port string) []string {
	return []string{
		fmt.Sprintf("ip link add %s netns %s type veth peer name %s netns inet", device, ns, port),
		fmt.Sprintf("ip -n inet link set %s master br0 up", port),
		fmt.Sprintf("ip -n %s link set %s up", ns, device),
	}
}

// steps build a site: its host, and as many NATs before it as its kind has.
func (s Site) steps(i int) []string {
	if s.Kind == Open {
		return append(append([]string{"ip netns add " + s.Name, "ip -n " + s.Name + " link set lo up"}, plug(s.Name, "eth0", fmt.Sprintf("w%d", i))...),
			fmt.Sprintf("ip -n %s addr add %s/24 dev eth0", s.Name, outer(i)), outward(s.Name))
	}
	nat := s.Name + "-nat"
	steps := router(nat)
	outside := nat
	if s.Kind.carrier() {
		// The carrier's network (RFC 6598) between the two.
		outside = s.Name + "-cgn"
		steps = append(steps, router(outside)...)
		steps = append(steps, link(outside, "lan", fmt.Sprintf("100.64.%d.1", i), nat, "wan", fmt.Sprintf("100.64.%d.2", i))...)
	}
	steps = append(steps, plug(outside, "wan", fmt.Sprintf("w%d", i))...)
	steps = append(steps, fmt.Sprintf("ip -n %s addr add %s/24 dev wan", outside, outer(i)), outward(outside), "ip netns add "+s.Name, "ip -n "+s.Name+" link set lo up")
	return append(steps, link(nat, "lan", fmt.Sprintf("10.0.%d.1", i), s.Name, "eth0", fmt.Sprintf("10.0.%d.2", i))...)
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
