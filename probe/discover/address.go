package discover

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// resolve finds the server's addresses of each family, as far as there are any.
func resolve(ctx context.Context, server string) (v4, v6 netip.AddrPort, err error) {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return v4, v6, fmt.Errorf("server %q: %w; write it like stun.example.org:3478", server, err)
	}
	n, err := net.DefaultResolver.LookupPort(ctx, "udp", port)
	if err != nil {
		return v4, v6, fmt.Errorf("server %q: %w", server, err)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return v4, v6, fmt.Errorf("server %q has no address: %w", server, err)
	}
	for _, ip := range ips {
		at := netip.AddrPortFrom(ip.Unmap(), uint16(n))
		if at.Addr().Is4() && !v4.IsValid() {
			v4 = at
		}
		if at.Addr().Is6() && !v6.IsValid() {
			v6 = at
		}
	}
	return v4, v6, nil
}

// localAddr is the address that this host would send from.
func localAddr(ctx context.Context, server netip.AddrPort) (netip.Addr, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "udp", server.String())
	if err != nil {
		return netip.Addr{}, fmt.Errorf("no way to %s: %w", server, err)
	}
	defer func() { _ = c.Close() }()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

// far are addresses that are nobody's (RFC 5737, RFC 3849): nothing is sent to them, but whether there is a route to them tells whether there is one to the Internet.
var far = map[bool]netip.AddrPort{false: netip.MustParseAddrPort("198.51.100.1:9"), true: netip.MustParseAddrPort("[2001:db8:ffff::1]:9")}

// family says whether there is a way out by a family: to the server, or, where the server has none of it, whether there is certainly no way to anybody.
func family(ctx context.Context, v6 bool, server netip.AddrPort) *bool {
	to := server
	if !to.IsValid() {
		to = far[v6]
	}
	switch _, err := localAddr(ctx, to); {
	case err != nil:
		return ptr(false)
	case !server.IsValid():
		return nil
	}
	return ptr(true)
}

// choose is the address that is asked: of IPv4 if there is a way to it, as that is where the NATs are.
func (t *tests) choose(ctx context.Context, v4, v6 netip.AddrPort) error {
	t.r.IPv4, t.r.IPv6 = family(ctx, false, v4), family(ctx, true, v6)
	t.server = v4
	if !v4.IsValid() || v6.IsValid() && !*t.r.IPv4 {
		t.server = v6
	}
	t.r.Server = t.server.String()
	local, err := localAddr(ctx, t.server)
	if err != nil {
		return err
	}
	t.local = local
	if t.server.Addr().Is6() {
		t.cannot("ipv4", "the behaviours are those of the way over IPv6")
	}
	return nil
}
