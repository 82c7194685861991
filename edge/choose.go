package edge

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"
	"strings"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// A browser tries all that it is given, at the same time, and more than a few slow it down.
const (
	maxOwnRelays      = 2
	maxFallbackRelays = 1
	// maxURLs bounds the URLs of one relay: one of each transport that browsers speak.
	maxURLs = 3
)

// chosen are the relays for one session, the first to try first.
type chosen struct {
	own, fallback []bus.RelayState
}

// choose takes the relays of the region that work, and those of one other region: of the preferred one, or of the one that has most to give. Sessions are
// spread by what each relay has free, and one user gets the same ones for as long as that does not change much.
func choose(list []bus.RelayState, region, preferred wire.Region, u wire.UserID) chosen {
	byRegion := make(map[wire.Region][]bus.RelayState)
	for _, r := range list {
		if r.Health == wire.RelayHealthy && !r.Draining {
			byRegion[r.Region] = append(byRegion[r.Region], r)
		}
	}
	c := chosen{own: spread(byRegion[region], u, maxOwnRelays)}
	delete(byRegion, region)
	fallback, most := wire.Region(""), -1.0
	for other, relays := range byRegion {
		free := 0.0
		for i := range relays {
			free += relays[i].Free()
		}
		if other == preferred {
			free = math.Inf(1)
		}
		if free > most || free == most && other < fallback {
			fallback, most = other, free
		}
	}
	c.fallback = spread(byRegion[fallback], u, maxFallbackRelays)
	return c
}

// spread ranks relays for a user by weighted rendezvous hashing: of all users, each relay is first for a share that is as its free capacity. Full ones are last.
func spread(relays []bus.RelayState, u wire.UserID, n int) []bus.RelayState {
	rank := make(map[wire.RelayID]float64, len(relays))
	for i := range relays {
		h := fnv.New64a()
		_, _ = h.Write([]byte(string(relays[i].ID) + "\x00" + string(u))) // never fails
		// FNV's upper bits barely differ between short texts: mixed as in MurmurHash3.
		x := binary.BigEndian.Uint64(h.Sum(nil))
		x = (x ^ x>>33) * 0xff51afd7ed558ccd
		x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
		x ^= x >> 33
		uniform := (float64(x>>11) + 0.5) / (1 << 53)
		rank[relays[i].ID] = -relays[i].Free() / math.Log(uniform)
	}
	relays = slices.Clone(relays)
	slices.SortFunc(relays, func(a, b bus.RelayState) int {
		return cmp.Or(cmp.Compare(rank[b.ID], rank[a.ID]), cmp.Compare(a.ID, b.ID))
	})
	return relays[:min(n, len(relays))]
}

// forBrowsers writes a URL as all of them take it: where schemes are told apart by case, as in libwebrtc, one that is not known fails the whole connection. Nothing in it is told apart by case.
func forBrowsers(url string) string { return strings.ToLower(url) }

// best is one URL for each transport, in the order in which to try them: udp, tcp, then tls, on port 443 if there is one.
func best(urls []string) []string {
	type option struct {
		url  string
		port uint16
	}
	by := make(map[wire.RelayTransport]option)
	for _, s := range urls {
		u, err := wire.ParseRelayURL(s)
		if err != nil {
			continue
		}
		if have, ok := by[u.Transport]; !ok || have.port != 443 && u.Port == 443 {
			by[u.Transport] = option{forBrowsers(s), u.Port}
		}
	}
	var list []string
	for _, t := range []wire.RelayTransport{wire.RelayUDP, wire.RelayTCP, wire.RelayTLS} {
		if o, ok := by[t]; ok {
			list = append(list, o.url)
		}
	}
	return list[:min(maxURLs, len(list))]
}
