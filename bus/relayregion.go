package bus

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"callmesh/bus/wire"
)

// unseenSilence is how long a region's bucket may have said nothing before a watch notices: leases that ran out in it may have been renewed unheard.
const unseenSilence = 3 * watchBeat

// electing is how long a bucket may take nothing while its stream chooses a leader. When all of several agents of a region fall silent together, that is the
// likelier cause, and a region without relays the worse mistake.
const electing = 10 * time.Second

// relayRegion is a region's part of the registry. [Relays.mu] guards it.
type relayRegion struct {
	relays  map[wire.RelayID]*heardRelay
	drains  map[wire.RelayID]time.Time // until when
	signer  wire.KeyID
	follows bool // what is said is heard now, so that silence means something
	// seen are the keys that were there since the region was last read from the beginning, until it is read.
	seen map[string]struct{}
}

// heardRelay is a relay that was heard of. Times are of this process's monotonic clock, so that nobody else's matters.
type heardRelay struct {
	relay wire.Relay
	said  time.Time
	until time.Time // when the lease ends, while the region is followed
	kept  bool      // it was known when the region was last lost
}

// apply notes what an entry says.
func (g *relayRegion) apply(region wire.Region, kind string, id wire.RelayID, e entry, now time.Time) error {
	switch kind {
	case relayKey:
		return g.hear(id, region, e, now)
	case drainKey:
		var mark drainMark
		if len(e.value) == 0 {
			delete(g.drains, id)
			return nil
		}
		if err := json.Unmarshal(e.value, &mark); err != nil || mark.ForMs <= 0 || mark.ForMs > MaxDrain.Milliseconds() {
			return fmt.Errorf("%s%s says nothing that can be read", drainKey, id)
		}
		maps.DeleteFunc(g.drains, func(_ wire.RelayID, until time.Time) bool { return now.After(until) })
		if _, known := g.drains[id]; known || len(g.drains) < maxRelays {
			g.drains[id] = now.Add(time.Duration(mark.ForMs)*time.Millisecond - e.age)
		}
	default:
		var mark signerMark
		if len(e.value) > 0 {
			if err := json.Unmarshal(e.value, &mark); err != nil || !mark.Key.Valid() {
				return fmt.Errorf("%s says nothing that can be read", signerKey)
			}
		}
		g.signer = mark.Key
	}
	return nil
}

// electing reports whether all of several relays fell silent, and not long ago.
func (g *relayRegion) electing(now time.Time) bool {
	var last time.Time
	for _, h := range g.relays {
		if h.until.After(last) {
			last = h.until
		}
	}
	return len(g.relays) > 1 && now.After(last) && now.Before(last.Add(electing))
}

// hear notes what an agent said, and forgets relays whose leases have ended.
func (g *relayRegion) hear(id wire.RelayID, region wire.Region, e entry, now time.Time) error {
	if len(e.value) == 0 {
		delete(g.relays, id)
		return nil
	}
	r, err := wire.ParseRelay(id, region, e.value)
	if err != nil {
		return err
	}
	if g.follows && g.electing(now) { // it is over: the others have a lease to be heard, too
		for _, h := range g.relays {
			h.until = now.Add(h.relay.Lease())
		}
	}
	if g.follows {
		for other, h := range g.relays {
			if now.After(h.until) {
				delete(g.relays, other)
			}
		}
	}
	if _, known := g.relays[id]; !known && len(g.relays) >= maxRelays {
		return fmt.Errorf("relay %s is one too many: %d are known", id, maxRelays)
	}
	before := g.relays[id]
	g.relays[id] = &heardRelay{relay: r, said: now.Add(-e.age), until: now.Add(r.Lease() - e.age), kept: before != nil && before.kept}
	return nil
}
