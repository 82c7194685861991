package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// turnPort is the standard port of TURN (RFC 8656, section 3.2).
const turnPort = 3478

// splitAddr reads host:port. An empty host means all addresses.
func splitAddr(addr string) (host string, port uint16, err error) {
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, bad(addr)
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil || strings.ContainsAny(host, " /@") {
		return "", 0, bad(addr)
	}
	return host, uint16(n), nil
}

// isLoopback says whether only this machine reaches a host.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.Unmap().IsLoopback()
}

// listening says which key to change when an address could not be had.
func listening(key string, err error) error {
	switch {
	// The embedded NATS tells it in words alone.
	case errors.Is(err, syscall.EADDRINUSE), err != nil && strings.Contains(err.Error(), syscall.EADDRINUSE.Error()):
		return fmt.Errorf("%w; stop what listens there, or give another address with --%s", err, key)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w; --%s takes an address of this machine, or 0.0.0.0 for all", err, key)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w; ports below 1024 want a privilege, others can be given with --%s", err, key)
	}
	return err
}

// hostIP gives the address of a host to listen on, without asking anyone for it.
func hostIP(host string) (netip.Addr, bool) {
	if host == "" {
		return netip.IPv4Unspecified(), true
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap(), true
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1}), isLoopback(host)
}

// turnListen is where the embedded relay listens.
func (c *Config) turnListen() (netip.AddrPort, error) {
	addr, port := c.TURNListen, uint16(0)
	from := addr
	if addr == "" {
		from, port = c.Listen, turnPort
	}
	host, p, err := splitAddr(from)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w; write it like 127.0.0.1:%d", err, turnPort)
	}
	if addr != "" {
		port = p
	}
	ip, ok := hostIP(host)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("the embedded relay needs an IP address, and %q is a name; give turn-listen like 127.0.0.1:%d", host, turnPort)
	}
	return netip.AddrPortFrom(ip, port), nil
}

// relayIP is the address under which others reach the embedded relay.
func (c *Config) relayIP(listen netip.Addr) netip.Addr {
	switch {
	case c.TURNRelayIP.IsValid():
		return c.TURNRelayIP
	case !listen.IsUnspecified():
		return listen
	}
	return mainAddr()
}

// mainAddr is the IPv4 address from which this machine reaches the rest of the world, or else one
// that its network gives it, or else loopback.
func mainAddr() netip.Addr {
	// Connecting a UDP socket asks the routing table and sends nothing.
	if conn, err := net.Dial("udp4", "192.0.2.1:9"); err == nil {
		defer func() { _ = conn.Close() }()
		return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
	}
	for _, ip := range lanAddrs() {
		return ip
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// lanAddrs are the IPv4 addresses of this machine that others may reach.
func lanAddrs() []netip.Addr {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var list []netip.Addr
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap().Is4() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() {
				list = append(list, ip.Unmap())
			}
		}
	}
	return list
}

// pageURLs are what to open in a browser for a page served at addr, the most useful first.
func pageURLs(addr netip.AddrPort, withTLS bool) []string {
	scheme := "http"
	if withTLS {
		scheme = "https"
	}
	hosts := []string{addr.Addr().Unmap().String()}
	switch {
	case addr.Addr().IsUnspecified():
		hosts = nil
		for _, ip := range lanAddrs() {
			hosts = append(hosts, ip.String())
		}
		hosts = append(hosts, "localhost")
	case addr.Addr().Unmap().IsLoopback():
		hosts = []string{"localhost"}
	}
	for i, h := range hosts {
		hosts[i] = scheme + "://" + net.JoinHostPort(h, strconv.Itoa(int(addr.Port()))) + "/"
	}
	return hosts
}
