// Package ownaddr knows this machine's addresses.
package ownaddr

import (
	"net"
	"net/netip"
)

// List is the addresses of this machine's interfaces, IPv4 ones as such; none where they can't be read.
func List() []netip.Addr {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var own []netip.Addr
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				own = append(own, ip.Unmap())
			}
		}
	}
	return own
}
