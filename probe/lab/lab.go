// Package lab is a NAT laboratory: sites behind NATs of every behaviour, and a STUN and TURN relay on two public addresses, in network namespaces of this machine.
//
// Everything lives in a namespace that one process is given at its start ([Inside], [Reenter]); when that process ends, the kernel takes it all down. So nothing is left behind, no address of the
// machine is touched, and neither root nor a clean-up is needed where user namespaces are allowed. `ip` (iproute2) and `nft` (nftables) do the work, and usernat what nftables can't.
package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"

	"callmesh/probe/lab/usernat"
)

// Server is where the relay stands, as [Lab.Command] names it.
const Server = "server"

// The public network is TEST-NET-3 (RFC 5737) and the one for documentation in IPv6 (RFC 3849), a single link: the server on its two addresses of each, and the outer side of each NAT.
var (
	ServerAddr   = netip.MustParseAddr("203.0.113.1")
	ServerAddr2  = netip.MustParseAddr("203.0.113.2")
	Server6Addr  = netip.MustParseAddr("2001:db8::1")
	Server6Addr2 = netip.MustParseAddr("2001:db8::2")
)

const (
	firstOuter = 10
	// MaxSites is how many sites have room on the link.
	MaxSites = 240
)

// rest is where everyone sends what is for nobody here, such as a peer's private address. It drops it, as the Internet does: an error would be news to the sender.
const rest = "203.0.113.254"

// Lab is a running laboratory.
type Lab struct {
	sites []Site
	users []*usernat.NAT
}

// Start builds a laboratory. It works only in namespaces of its own: see [Inside].
func Start(ctx context.Context, sites []Site) (*Lab, error) {
	if len(sites) > MaxSites {
		return nil, fmt.Errorf("%d sites, and there is room for %d", len(sites), MaxSites)
	}
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
	for _, a := range []netip.Addr{Server6Addr, Server6Addr2} {
		steps = append(steps, fmt.Sprintf("ip -n server addr add %s/64 dev eth0 nodad", a))
	}
	steps = append(steps, outward(Server))
	if err := runAll(ctx, steps); err != nil {
		return err
	}
	for i, s := range l.sites {
		if err := l.buildSite(ctx, i, s); err != nil {
			return fmt.Errorf("site %s, %s: %w", s.Name, s.Kind, err)
		}
	}
	return nil
}

func (l *Lab) buildSite(ctx context.Context, i int, s Site) error {
	if !s.Kind.Known() {
		return fmt.Errorf("there is no such kind; the kinds are %v", Kinds())
	}
	if err := runAll(ctx, s.steps(i)); err != nil {
		return err
	}
	for where, rules := range s.rules() {
		if err := Run(ctx, rules, "ip netns exec "+where+" nft -f -"); err != nil {
			return err
		}
	}
	behaviour := s.Kind.spec().user
	if behaviour == nil {
		return nil
	}
	n, err := usernat.Start("/run/netns/"+s.box(), usernat.Options{Behaviour: *behaviour, Outer: outer(i), Inside: inside(i)})
	if err != nil {
		return err
	}
	l.users = append(l.users, n)
	return runAll(ctx, s.diverts())
}

// Close takes it down before its process ends, so that another can be built. What still runs in there keeps its namespace until it ends.
func (l *Lab) Close() error {
	var all []error
	for _, n := range l.users {
		all = append(all, n.Close())
	}
	return errors.Join(append(all, Run(context.Background(), "", "ip -all netns delete"))...)
}

// Sites are the sites that it was built with.
func (l *Lab) Sites() []Site { return l.sites }

// Outer is the public address of a site: that of its NAT, or the host's own where there is none.
func (l *Lab) Outer(site string) netip.Addr {
	for i, s := range l.sites {
		switch {
		case s.Name == site && s.Kind.IPv6():
			return outer6(i)
		case s.Name == site:
			return outer(i)
		}
	}
	return netip.Addr{}
}

// Command is a command that runs at a site, or at [Server].
func (l *Lab) Command(ctx context.Context, where, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", where, name}, args...)...)
}

func runAll(ctx context.Context, commands []string) error {
	for _, c := range commands {
		if err := Run(ctx, "", c); err != nil {
			return err
		}
	}
	return nil
}
