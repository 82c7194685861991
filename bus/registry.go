package bus

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"callmesh/bus/wire"
)

// RelayState is a relay as the registry has it now.
type RelayState struct {
	wire.Relay
	// Since is when its health last changed, and Said when its agent last spoke, as far as this process's clock can tell.
	Since, Said time.Time
	// Draining says that an operator takes it out of service.
	Draining bool
}

// Relays are the relays of all regions, as this process has heard of them. While a region can't be read, what was last known of it stays: relays do not
// need NATS, and silence then says nothing of them. It is safe for concurrent use.
type Relays struct {
	watches *watches
	changed func()

	mu      sync.RWMutex // guards the following; taken after every other lock, and changed is called without it
	regions map[wire.Region]*relayRegion
}

// WatchRelays follows the registries of all regions, until Close. changed, which may be nil, is called when anything in them changes but leases that run
// out; it may be called on several goroutines at once, and must not block.
func (b *Bus) WatchRelays(changed func()) *Relays {
	if changed == nil {
		changed = func() {}
	}
	rs := &Relays{changed: changed, regions: make(map[wire.Region]*relayRegion)}
	rs.watches = b.watchAll(&watches{
		what: "the registry of relays", bucket: relaysBucket, reads: b.metrics.relayReads,
		take: rs.take, begin: rs.begin, read: rs.read, behind: rs.behind,
	})
	return rs
}

// Close ends the watches. What is known stays.
func (rs *Relays) Close() { rs.watches.close() }

// Wait returns when all that the registries hold is known here; a region that can't be read is waited for only briefly, unless it is the own one and was
// never read. It returns [ErrUnavailable] when ctx has ended.
func (rs *Relays) Wait(ctx context.Context) error { return rs.watches.wait(ctx) }

// Known reports whether Wait would return at once.
func (rs *Relays) Known() bool { return rs.watches.known() }

// List returns the relays whose leases hold, by region and name.
func (rs *Relays) List() []RelayState {
	now := time.Now()
	rs.mu.RLock()
	defer rs.mu.RUnlock()
	var list []RelayState
	for _, g := range rs.regions {
		ends := g.follows && !g.electing(now)
		for id, h := range g.relays {
			if ends && now.After(h.until) {
				continue
			}
			list = append(list, RelayState{
				Relay: h.relay, Said: h.said, Since: h.said.Add(-time.Duration(h.relay.ForMs) * time.Millisecond), Draining: now.Before(g.drains[id]),
			})
		}
	}
	slices.SortFunc(list, func(a, b RelayState) int { return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.ID, b.ID)) })
	return list
}

// Draining reports whether an operator takes a relay out of service, be it announced or not.
func (rs *Relays) Draining(region wire.Region, id wire.RelayID) bool {
	rs.mu.RLock()
	defer rs.mu.RUnlock()
	g := rs.regions[region]
	return g != nil && time.Now().Before(g.drains[id])
}

// Signer returns the secret with which credentials are signed in a region, empty if nobody has said.
func (rs *Relays) Signer(region wire.Region) wire.KeyID {
	rs.mu.RLock()
	defer rs.mu.RUnlock()
	if g := rs.regions[region]; g != nil {
		return g.signer
	}
	return ""
}

// begin is called before a region is read from the beginning.
func (rs *Relays) begin(region wire.Region) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	g := rs.regions[region]
	if g == nil {
		g = &relayRegion{relays: make(map[wire.RelayID]*heardRelay), drains: make(map[wire.RelayID]time.Time)}
		rs.regions[region] = g
	}
	g.seen = make(map[string]struct{})
}

// read is called when all of a region is known. Relays that were known before and may have been silent for want of a NATS have a lease to come back; what
// operators have lifted meanwhile is lifted.
func (rs *Relays) read(region wire.Region) {
	now := time.Now()
	rs.mu.Lock()
	g := rs.regions[region]
	for _, h := range g.relays {
		if h.kept {
			h.until, h.kept = now.Add(h.relay.Lease()), false
		}
	}
	for id := range g.drains {
		if _, ok := g.seen[drainKey+string(id)]; !ok {
			delete(g.drains, id)
		}
	}
	if _, ok := g.seen[signerKey]; !ok {
		g.signer = ""
	}
	g.follows, g.seen = true, nil
	rs.mu.Unlock()
	rs.changed()
}

// behind is called when a region is not followed any more: from now on the leases there stand still.
func (rs *Relays) behind(region wire.Region) {
	now := time.Now()
	rs.mu.Lock()
	defer rs.mu.Unlock()
	g := rs.regions[region]
	if g == nil || !g.follows {
		return
	}
	g.follows = false
	silent := g.electing(now)
	for id, h := range g.relays {
		if h.kept = silent || now.Sub(h.until) <= unseenSilence; !h.kept {
			delete(g.relays, id)
		}
	}
}

// take applies one entry of a registry.
func (rs *Relays) take(region wire.Region, e entry) {
	if err := rs.apply(region, e); err != nil {
		rs.watches.bus.log.Error("an entry of the registry of relays can't be read and is passed over", "region", region, "error", err)
		return
	}
	rs.changed()
}

func (rs *Relays) apply(region wire.Region, e entry) error {
	kind, id, err := relayEntry(e.key)
	if err != nil {
		return err
	}
	now := time.Now()
	rs.mu.Lock()
	defer rs.mu.Unlock()
	g := rs.regions[region]
	if g.seen != nil && len(e.value) > 0 {
		g.seen[e.key] = struct{}{}
	}
	return g.apply(region, kind, id, e, now)
}
