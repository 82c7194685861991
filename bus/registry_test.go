package bus

import (
	"slices"
	"testing"
	"time"

	"callmesh/bus/wire"
)

// Which relays are listed, by when their leases end from now on, in seconds.
func TestLeasesOfRelays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ends   map[wire.RelayID]int
		cut    bool // the region is not followed
		listed []string
		heard  []string // and once another one is heard
	}{
		"leases that hold":                      {map[wire.RelayID]int{"a": 5, "b": 1}, false, []string{"a", "b"}, []string{"a", "b", "x"}},
		"one that has ended":                    {map[wire.RelayID]int{"a": 5, "b": -1}, false, []string{"a"}, []string{"a", "x"}},
		"the only one":                          {map[wire.RelayID]int{"a": -1}, false, nil, []string{"x"}},
		"all at once: the stream may be silent": {map[wire.RelayID]int{"a": -1, "b": -4}, false, []string{"a", "b"}, []string{"a", "b", "x"}},
		"but not for long":                      {map[wire.RelayID]int{"a": -11, "b": -12}, false, nil, []string{"x"}},
		"while nothing is heard, nothing ends":  {map[wire.RelayID]int{"a": -60}, true, []string{"a"}, []string{"a", "x"}},
	} {
		rs := &Relays{regions: make(map[wire.Region]*relayRegion), changed: func() {}}
		rs.begin("eu")
		g := rs.regions["eu"]
		g.follows = !c.cut
		for id, s := range c.ends {
			g.relays[id] = &heardRelay{relay: wire.Relay{ID: id, Region: "eu", LeaseMs: 10_000}, until: time.Now().Add(time.Duration(s) * time.Second)}
		}
		names := func() (all []string) {
			for _, r := range rs.List() {
				all = append(all, string(r.ID))
			}
			return all
		}
		if got := names(); !slices.Equal(got, c.listed) {
			t.Errorf("%s: %q are listed, want %q", name, got, c.listed)
		}
		value := `{"urls":["turn:x"],"health":"healthy","load":-1,"capacity":-1,"leaseMs":10000}`
		if err := rs.apply("eu", entry{key: "relay.x", value: []byte(value)}); err != nil {
			t.Fatal(err)
		}
		if got := names(); !slices.Equal(got, c.heard) {
			t.Errorf("%s: %q are listed when another one is heard, want %q", name, got, c.heard)
		}
	}
}

// Whatever stands in a bucket, it is either understood or passed over, and never more than can be kept.
func FuzzRegistry(f *testing.F) {
	f.Add("relay.a", `{"urls":["turn:x"],"health":"healthy","load":-1,"capacity":-1,"leaseMs":10000}`)
	f.Add("drain.a", `{"forMs":1000}`)
	f.Add("signer", `{"key":"0123456789abcdef"}`)
	f.Add("relay.a", "")
	f.Fuzz(func(t *testing.T, key, value string) {
		rs := &Relays{regions: make(map[wire.Region]*relayRegion), changed: func() {}}
		rs.begin("eu")
		err := rs.apply("eu", entry{key: key, value: []byte(value)})
		rs.read("eu")
		for _, r := range rs.List() {
			if err != nil || r.Validate() != nil || "relay."+string(r.ID) != key {
				t.Errorf("%q with %v makes %+v", key, err, r)
			}
		}
		if k := rs.Signer("eu"); k != "" && !k.Valid() {
			t.Errorf("signer %q", k)
		}
	})
}
