package main

import (
	"context"
	"fmt"
	"net/netip"

	"callmesh/probe/lab"
)

// place is one region's part of the network: a link of its own, and a router that leads to the others.
type place struct {
	name   string
	net    netip.Prefix // of the link, RFC 5737
	uplink netip.Addr   // of the router, on the link between regions
}

// The hosts of a region, by the last byte of their address.
const (
	routerHost = 1
	natsHost   = 2
	edgeHost   = 11 // the first; further ones follow
	relayHost  = 20
	callerHost = 30 // the first of two
)

var places = []place{
	{"eu", netip.MustParsePrefix("192.0.2.0/24"), netip.MustParseAddr("10.255.0.1")},
	{"us", netip.MustParsePrefix("198.51.100.0/24"), netip.MustParseAddr("10.255.0.2")},
	{"ap", netip.MustParsePrefix("203.0.113.0/24"), netip.MustParseAddr("10.255.0.3")},
}

func (p place) addr(host byte) netip.Addr {
	a := p.net.Addr().As4()
	a[3] = host
	return netip.AddrFrom4(a)
}

// hosts are the namespaces of a region beside its router's, each with its address.
func (p place) hosts() map[string]netip.Addr {
	h := map[string]netip.Addr{"nats": p.addr(natsHost), "relay": p.addr(relayHost)}
	for i := range edgesEach {
		h[fmt.Sprintf("edge%d", i+1)] = p.addr(edgeHost + byte(i))
	}
	for i := range callersEach {
		h[fmt.Sprintf("caller%d", i+1)] = p.addr(callerHost + byte(i))
	}
	return h
}

const (
	edgesEach   = 2
	callersEach = 2
)

// build lays the network: in each region a bridge with its hosts, and between the regions' routers another. It works only in namespaces of its
// own: see [lab.Inside].
func build(ctx context.Context) error {
	if err := lab.Prepare(); err != nil {
		return err
	}
	steps := []string{"ip netns add between", "ip -n between link add br0 type bridge", "ip -n between link set br0 up"}
	for _, p := range places {
		steps = append(steps,
			"ip netns add "+p.name, "ip -n "+p.name+" link set lo up",
			"ip netns exec "+p.name+" sysctl -q -w net.ipv4.ip_forward=1",
			"ip -n "+p.name+" link add br0 type bridge", "ip -n "+p.name+" link set br0 up",
			fmt.Sprintf("ip -n %s addr add %s/%d dev br0", p.name, p.addr(routerHost), p.net.Bits()),
			fmt.Sprintf("ip link add wan netns %s type veth peer name %s netns between", p.name, p.name),
			"ip -n between link set "+p.name+" master br0 up",
			"ip -n "+p.name+" link set wan up", fmt.Sprintf("ip -n %s addr add %s/24 dev wan", p.name, p.uplink),
		)
		for host, addr := range p.hosts() {
			ns := p.name + "-" + host
			steps = append(steps,
				"ip netns add "+ns, "ip -n "+ns+" link set lo up",
				fmt.Sprintf("ip link add eth0 netns %s type veth peer name %s netns %s", ns, host, p.name),
				fmt.Sprintf("ip -n %s link set %s master br0 up", p.name, host),
				"ip -n "+ns+" link set eth0 up", fmt.Sprintf("ip -n %s addr add %s/%d dev eth0", ns, addr, p.net.Bits()),
				fmt.Sprintf("ip -n %s route add default via %s", ns, p.addr(routerHost)),
			)
		}
		for _, other := range places {
			if other.name != p.name {
				steps = append(steps, fmt.Sprintf("ip -n %s route add %s via %s", p.name, other.net, other.uplink))
			}
		}
	}
	for _, step := range steps {
		if err := lab.Run(ctx, "", step); err != nil {
			return err
		}
	}
	return nil
}

// cut loses every packet between the region and the others, without a word to either side, as a broken line does.
func (p place) cut(ctx context.Context) error {
	const rules = "table ip cut {\n chain forward {\n  type filter hook forward priority 0\n  iifname wan drop\n  oifname wan drop\n }\n}\n"
	return lab.Run(ctx, rules, "ip netns exec "+p.name+" nft -f -")
}

// heal mends it.
func (p place) heal(ctx context.Context) error {
	return lab.Run(ctx, "", "ip netns exec "+p.name+" nft delete table ip cut")
}
