package gateway

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// errNoGateway and errNoRoute mean that there is nobody to ask.
var (
	errNoRoute   = errors.New("there is no default route over IPv4, and gateways of IPv6 are not asked")
	errNoGateway = errors.New("the default route leads into a link without a gateway, as tunnels are")
)

// find is the default gateway over IPv4, and this host's address towards it. Nothing is sent.
func find() (gateway, local netip.Addr, err error) {
	table, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return gateway, local, fmt.Errorf("the routes of this host can't be read: %w", err)
	}
	if gateway, err = defaultGateway(string(table)); err != nil {
		return gateway, local, err
	}
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(gateway, mappingPort)))
	if err != nil {
		return gateway, local, fmt.Errorf("no way to the gateway %s: %w", gateway, err)
	}
	defer func() { _ = c.Close() }()
	return gateway, c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

// The columns of /proc/net/route, and the flag of routes that are up (linux/route.h).
const (
	columnTo, columnGateway, columnFlags, columnMetric, columnMask = 1, 2, 3, 6, 7

	routeUp = 1
)

// defaultGateway is the next hop of the default route that is taken: of those that are up, the one with the least metric.
func defaultGateway(table string) (netip.Addr, error) {
	best, found := uint64(math.MaxUint64), netip.Addr{}
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) <= columnMask || f[columnTo] != "00000000" || f[columnMask] != "00000000" {
			continue
		}
		flags, err := strconv.ParseUint(f[columnFlags], 16, 32)
		if err != nil || flags&routeUp == 0 {
			continue
		}
		metric, err := strconv.ParseUint(f[columnMetric], 10, 32)
		if err != nil || metric >= best {
			continue
		}
		raw, err := hex.DecodeString(f[columnGateway])
		if err != nil || len(raw) != 4 {
			continue
		}
		// The kernel prints the address as a number of this machine's order.
		var as4 [4]byte
		binary.NativeEndian.PutUint32(as4[:], binary.BigEndian.Uint32(raw))
		best, found = metric, netip.AddrFrom4(as4)
	}
	switch {
	case best == math.MaxUint64:
		return found, errNoRoute
	case found.IsUnspecified():
		return found, errNoGateway
	}
	return found, nil
}
