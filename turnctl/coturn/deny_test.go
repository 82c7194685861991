package coturn_test

import (
	"net/netip"
	"strings"
	"testing"

	"callmesh/turnctl/coturn"
)

func TestRanges(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0-10.255.255.255": "10.0.0.0-10.255.255.255", "::1": "::1",
		"::ffff:0.0.0.0-::ffff:255.255.255.255": coturn.MappedRange,
	} {
		r, err := coturn.ParseRange(text)
		if err != nil || r.String() != want {
			t.Errorf("%s: %v, %v", text, r, err)
		}
	}
	for text, want := range map[string]string{
		"10.0.0.0/8": "write it as 10.0.0.0-10.255.255.255", "x": "like 10.0.0.0-10.255.255.255", "10.0.0.9-10.0.0.1": "ends before it begins",
		"10.0.0.0-::1": "another family", "": "is no range", "fe80::1%eth0": "is no range",
	} {
		if _, err := coturn.ParseRange(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	r := coturn.RangeOf(netip.MustParsePrefix("172.16.0.0/12"))
	for addr, want := range map[string]bool{"172.16.0.0": true, "172.31.255.255": true, "172.32.0.0": false, "::ffff:172.16.0.1": false} {
		if r.Contains(netip.MustParseAddr(addr)) != want {
			t.Errorf("%v contains %s: %v", r, addr, !want)
		}
	}
}

// From 4.9 on, ::0 in a rule would match all of IPv4.
func TestDenyListHasNoZero(t *testing.T) {
	for _, d := range coturn.DenyList() {
		if d.Range.From == netip.IPv6Unspecified() {
			t.Errorf("%v begins at ::", d.Range)
		}
	}
}

// A range that is read is written so that it is read as the same, and holds its ends.
func FuzzParseRange(f *testing.F) {
	for _, s := range []string{"10.0.0.0-10.255.255.255", "::1", coturn.MappedRange, "10.0.0.0/8", "1.2.3.4 - 1.2.3.5", "fe80::1%a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := coturn.ParseRange(s)
		if err != nil {
			return
		}
		again, err := coturn.ParseRange(r.String())
		if err != nil || again != r || !r.Contains(r.From) || !r.Contains(r.To) {
			t.Errorf("%q is %v, and read again %v, error %v", s, r, again, err)
		}
	})
}
