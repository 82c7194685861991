package rotate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"callmesh/bus"
	"callmesh/bus/wire"
)

// Signers are those who make credentials for the relay.
type Signers interface {
	// Lacking names those that could not sign with a secret, since they do not hold it. Secrets are named by turnauth.KeyID.
	Lacking(key string) []string
	// Switch tells all that they sign with it from now on.
	Switch(ctx context.Context, key string) error
	// Behind names the relays for which another secret is still signed with.
	Behind(key string) []string
}

// leasesHeard is how long to listen until every edge alive has been heard: they speak once a second.
const leasesHeard = 2500 * time.Millisecond

// Mesh are the edges of a mesh, reached through the bus. Make it with OpenMesh.
type Mesh struct {
	bus    *bus.Bus
	relays *bus.Relays
	region wire.Region
	stop   context.CancelFunc
}

// OpenMesh listens on a bus until it knows the edges, and the relays of a region. It waits as long as ctx lasts. The bus stays the caller's to close.
func OpenMesh(ctx context.Context, b *bus.Bus, region wire.Region) (*Mesh, error) {
	if err := b.WaitReady(ctx); err != nil {
		return nil, fmt.Errorf("rotate: the bus: %w", err)
	}
	listening, stop := context.WithCancel(context.WithoutCancel(ctx))
	if err := b.HoldLease(listening, nil, bus.LeaseEvents{Found: func(bus.Lease) {}, Lost: func(wire.EdgeID) {}}); err != nil {
		stop()
		return nil, fmt.Errorf("rotate: %w", err)
	}
	m := &Mesh{bus: b, relays: b.WatchRelays(nil), region: region, stop: stop}
	heard := time.NewTimer(leasesHeard)
	defer heard.Stop()
	select {
	case <-ctx.Done():
		m.Close()
		return nil, fmt.Errorf("rotate: edges: %w", ctx.Err())
	case <-heard.C:
	}
	if err := m.relays.Wait(ctx); err != nil {
		m.Close()
		return nil, fmt.Errorf("rotate: the registry of relays: %w", err)
	}
	return m, nil
}

// Close stops listening.
func (m *Mesh) Close() {
	m.stop()
	m.relays.Close()
}

// Lacking names the edges, of any region, that do not hold the secret: each can be asked for credentials of any relay.
func (m *Mesh) Lacking(key string) []string {
	var names []string
	for _, e := range m.bus.Others() {
		if !slices.Contains(e.TURNKeys, wire.KeyID(key)) {
			names = append(names, fmt.Sprintf("edge %s of region %s", e.Edge, e.Region))
		}
	}
	slices.Sort(names)
	return names
}

// Switch names the region's signer on the bus, for edges that are there and for those that come.
func (m *Mesh) Switch(ctx context.Context, key string) error {
	return m.bus.SetSigner(ctx, m.region, wire.KeyID(key))
}

// Behind names the relays whose agent has edges sign with another secret, as its check passes with that one.
func (m *Mesh) Behind(key string) []string {
	var names []string
	if m.relays.Signer(m.region) != wire.KeyID(key) {
		names = append(names, "the signer of region "+string(m.region))
	}
	for _, r := range m.relays.List() {
		if r.Region == m.region && r.Key != "" && r.Key != wire.KeyID(key) {
			names = append(names, "relay "+string(r.ID))
		}
	}
	return names
}
