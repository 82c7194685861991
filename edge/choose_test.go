package edge

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// state writes a relay short: "eu/a", "eu/a failing", "eu/a draining", "eu/a 30/100".
func state(t *testing.T, short string) bus.RelayState {
	t.Helper()
	name, how, _ := strings.Cut(short, " ")
	region, id, _ := strings.Cut(name, "/")
	r := bus.RelayState{Relay: wire.Relay{ID: wire.RelayID(id), Region: wire.Region(region), Health: wire.RelayHealthy, Load: -1, Capacity: -1}}
	switch how {
	case "":
	case "failing":
		r.Health = wire.RelayFailing
	case "draining":
		r.Draining = true
	default:
		if _, err := fmt.Sscanf(how, "%d/%d", &r.Load, &r.Capacity); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestChoose(t *testing.T) {
	for name, c := range map[string]struct {
		relays    []string
		preferred wire.Region
		own, back []string // in any order
	}{
		"nothing there":                        {},
		"one":                                  {relays: []string{"eu/a"}, own: []string{"a"}},
		"two of one's own and one of another":  {relays: []string{"eu/a", "eu/b", "us/c"}, own: []string{"a", "b"}, back: []string{"c"}},
		"a failing one is not given":           {relays: []string{"eu/a failing", "eu/b", "us/c failing"}, own: []string{"b"}},
		"nor is a draining one":                {relays: []string{"eu/a draining", "us/c draining"}},
		"only others work":                     {relays: []string{"eu/a failing", "us/c"}, back: []string{"c"}},
		"the region that has most to give":     {relays: []string{"ap/a 90/100", "us/b 50/100", "us/c 100/100"}, back: []string{"b"}},
		"two relays have more than one":        {relays: []string{"ap/a", "us/b 10/100", "us/c 100/100", "ap/d failing"}, back: []string{"a"}},
		"the preferred one, full as it may be": {relays: []string{"ap/a 99/100", "us/b"}, preferred: "ap", back: []string{"a"}},
		"but not if none works there":          {relays: []string{"ap/a failing", "us/b"}, preferred: "ap", back: []string{"b"}},
		"of equals the first by name":          {relays: []string{"us/b", "ap/a"}, back: []string{"a"}},
		"full ones if there is nothing else":   {relays: []string{"eu/a 5/5", "us/b 5/5"}, own: []string{"a"}, back: []string{"b"}},
	} {
		var list []bus.RelayState
		for _, r := range c.relays {
			list = append(list, state(t, r))
		}
		got := choose(list, "eu", c.preferred, "ann")
		for what, pair := range map[string][2][]string{"own": {names(got.own), c.own}, "fallback": {names(got.fallback), c.back}} {
			slices.Sort(pair[0])
			if !slices.Equal(pair[0], pair[1]) {
				t.Errorf("%s: %s relays %q, want %q", name, what, pair[0], pair[1])
			}
		}
	}
}

func names(list []bus.RelayState) []string {
	var all []string
	for i := range list {
		all = append(all, string(list[i].ID))
	}
	return all
}

// Users are spread by what is free, and each keeps its relays while that stays.
func TestSpread(t *testing.T) {
	relays := []bus.RelayState{state(t, "eu/a 0/100"), state(t, "eu/b 50/100"), state(t, "eu/c 100/100"), state(t, "eu/d 50/100")}
	first := map[string]int{}
	const users = 4000
	for i := range users {
		u := wire.UserID(fmt.Sprint("user", i))
		got := names(spread(relays, u, 4))
		if again := names(spread([]bus.RelayState{relays[3], relays[1], relays[0], relays[2]}, u, 4)); !slices.Equal(got, again) {
			t.Fatalf("%q and then %q", got, again)
		}
		if got[3] != "c" {
			t.Fatalf("the full one is not the last of %q", got)
		}
		first[got[0]]++
	}
	for id, share := range map[string]float64{"a": 0.5, "b": 0.25, "d": 0.25} {
		if got := float64(first[id]) / users; got < share-0.03 || got > share+0.03 {
			t.Errorf("%s is first for %.3f of the users, want %.2f", id, got, share)
		}
	}
}

func TestBest(t *testing.T) {
	got := best([]string{
		"turns:a:5349?transport=tcp", "turn:a:3478?transport=tcp", "turns:a:443?transport=tcp", "turns:a:443?transport=udp", "turn:a:80?transport=tcp",
		"turn:a:3478?transport=udp", "http://a",
	})
	want := []string{"turn:a:3478?transport=udp", "turn:a:3478?transport=tcp", "turns:a:443?transport=tcp"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Schemes have no case (RFC 3986, section 3.1), and a browser may see one.
func TestURLsAreWrittenAsBrowsersTakeThem(t *testing.T) {
	if got, want := best([]string{"TURN:Relay.example.org:3478?transport=UDP"}), []string{"turn:relay.example.org:3478?transport=udp"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	r := &Relays{opts: RelayOptions{Static: []string{"STUN:a.example.org", "Turns:b.example.org:443?transport=TCP"}}}
	stun, turn := r.static(nil)
	if !slices.Equal(stun, []string{"stun:a.example.org"}) || !slices.Equal(turn, []string{"turns:b.example.org:443?transport=tcp"}) {
		t.Errorf("%q, %q", stun, turn)
	}
}
