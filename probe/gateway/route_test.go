package gateway

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"testing"
)

// route is a line of /proc/net/route as this machine's kernel would print it.
func route(device, to, gateway string, flags, metric int, mask string) string {
	hex := func(a string) string {
		b := netip.MustParseAddr(a).As4()
		return fmt.Sprintf("%08X", binary.NativeEndian.Uint32(b[:]))
	}
	return fmt.Sprintf("%s\t%s\t%s\t%04X\t0\t0\t%d\t%s\t0\t0\t0\n", device, hex(to), hex(gateway), flags, metric, hex(mask))
}

func TestDefaultGateway(t *testing.T) {
	const none = "0.0.0.0"
	head := "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	link := route("eth0", "10.1.0.0", none, 1, 0, "255.255.0.0")
	for name, c := range map[string]struct {
		table string
		want  string
		err   error
	}{
		"one":                 {head + link + route("eth0", none, "10.1.2.3", 3, 100, none), "10.1.2.3", nil},
		"the least metric":    {head + route("wlan0", none, "192.168.9.1", 3, 600, none) + route("eth0", none, "10.1.2.3", 3, 100, none), "10.1.2.3", nil},
		"the first of equals": {route("eth0", none, "10.1.2.3", 3, 0, none) + route("eth1", none, "10.1.2.4", 3, 0, none), "10.1.2.3", nil},
		"down":                {route("eth0", none, "10.1.2.3", 2, 0, none) + route("eth1", none, "10.1.2.4", 3, 9, none), "10.1.2.4", nil},
		"half of everything":  {head + route("tun0", none, "10.8.0.1", 3, 0, "128.0.0.0"), "", errNoRoute},
		"none":                {head + link, "", errNoRoute},
		"a tunnel":            {head + route("tun0", none, none, 1, 50, none) + route("eth0", none, "10.1.2.3", 3, 100, none), "", errNoGateway},
		"nothing":             {"", "", errNoRoute},
		"rubbish":             {"eth0 00000000 zz 3 0 0 x 00000000\neth0 00000000 0102 0003 0 0 0 00000000", "", errNoRoute},
	} {
		got, err := defaultGateway(c.table)
		if !errors.Is(err, c.err) || err == nil && got.String() != c.want {
			t.Errorf("%s: %s, %v; want %s, %v", name, got, err, c.want, c.err)
		}
	}
}
