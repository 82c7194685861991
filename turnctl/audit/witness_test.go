package audit

import (
	"net/netip"
	"os"
	"slices"
	"testing"

	"callmesh/turnctl/turntest"
)

// Where Linux binds sockets to any address, as on hosts that wait to take over another's, witnesses and Connect keep to this host's own.
func TestWitnessesAreThisHosts(t *testing.T) {
	for _, file := range []string{"/proc/sys/net/ipv4/ip_nonlocal_bind", "/proc/sys/net/ipv6/ip_nonlocal_bind"} {
		if err := os.WriteFile(file, []byte("1"), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.WriteFile(file, []byte("0"), 0o644) })
	}
	for relay, want := range map[string][]string{
		turntest.Public[0]: append([]string{"127.0.0.1", "127.0.0.53", "::1"}, turntest.Private...),
		"203.0.113.77":     nil, // another host's
	} {
		w := openWitnesses(netip.MustParseAddr(relay), peers())
		w.Close()
		var got []string
		for _, one := range w.list {
			if a := one.peer.addr; !a.Is4In6() {
				got = append(got, a.String())
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("the relay at %s: %v, want %v", relay, got, want)
		}
	}
}
