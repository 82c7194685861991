package rotate_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/rotate"
	"callmesh/turnctl/turnauth"
)

func open(t *testing.T, o bus.Options) *bus.Bus {
	t.Helper()
	b, err := bus.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := b.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return b
}

// Over real NATS: edges are told which secret to sign with by its id alone, once all of them hold it; the relay's agent follows, and only then does the
// wait begin.
func TestSecretThroughTheBus(t *testing.T) {
	urls := []string{bustest.Cluster(t, 1).URL(0)}
	edge := open(t, bus.Options{Name: "edge", Region: "eu", URLs: urls})
	ids := []wire.KeyID{wire.KeyID(turnauth.KeyID(north)), wire.KeyID(turnauth.KeyID(south))}
	var both atomic.Bool // the edge and the agent hold the new secret too
	err := edge.HoldLease(t.Context(), func() bus.Lease {
		if both.Load() {
			return bus.Lease{TURNKeys: ids}
		}
		return bus.Lease{TURNKeys: ids[:1]}
	}, bus.LeaseEvents{Found: func(bus.Lease) {}, Lost: func(wire.EdgeID) {}})
	if err != nil {
		t.Fatal(err)
	}
	known := edge.WatchRelays(nil)
	t.Cleanup(known.Close)
	agent := open(t, bus.Options{Name: "agent", Region: "eu", URLs: urls, Guest: true})
	announcing, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { // as turnctl watch: it checks with the region's signer where it holds it
		defer close(done)
		for tick := time.NewTicker(100 * time.Millisecond); announcing.Err() == nil; <-tick.C {
			key := ids[0]
			if both.Load() && known.Signer("eu") == ids[1] {
				key = ids[1]
			}
			_ = agent.AnnounceRelay(announcing, wire.Relay{
				ID: "one", Region: "eu", URLs: []string{"turn:turn.example.org:3478?transport=udp"}, Realm: "r", Health: wire.RelayHealthy,
				Key: key, LeaseMs: 5000, Capacity: -1, Load: -1,
			})
		}
	}()
	t.Cleanup(func() { stop(); <-done })

	operator := open(t, bus.Options{Name: "turnctl", Region: "eu", URLs: urls, Guest: true})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	mesh, err := rotate.OpenMesh(ctx, operator, "eu")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mesh.Close)
	if lacking := mesh.Lacking(turnauth.KeyID(south)); len(lacking) != 1 || !strings.Contains(lacking[0], "region eu") {
		t.Errorf("lacking: %q", lacking)
	}
	db := coturn.UserDB{Path: filepath.Join(t.TempDir(), "turndb")}
	if err := db.Add(t.Context(), "turntest.example", north); err != nil {
		t.Fatal(err)
	}
	var said []string
	o := options(db, func(line string) {
		said = append(said, line)
		if strings.Contains(line, "do not hold the new secret") {
			both.Store(true) // the operator puts it into their files
		}
	})
	o.TTL, o.Signers = time.Second, mesh
	items, err := rotate.Secret(t.Context(), o)
	if err != nil || summary(items) != "add=ok switch=ok wait=ok remove=ok" {
		t.Errorf("%v %v; said %q", err, items, said)
	}
	if got := known.Signer("eu"); got != ids[1] {
		t.Errorf("the region signs with %s", got)
	}
	if behind := mesh.Behind(turnauth.KeyID(south)); len(behind) > 0 {
		t.Errorf("behind: %q", behind)
	}
}
