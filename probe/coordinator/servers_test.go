package coordinator_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/probe/coordinator"
	"callmesh/turnctl/turnauth"
)

// Agents are given the relays of their region that work, or if there are none those of others, with credentials by the secret that each relay has.
func TestRelaysOfTheMesh(t *testing.T) {
	m := newMesh(t)
	old, current := turnauth.NewSecret("the secret before"), turnauth.NewSecret("the secret of now")
	announce := func(region wire.Region, id wire.RelayID, health wire.RelayHealth, secret turnauth.Secret) {
		r := wire.Relay{ID: id, Region: region, Realm: "r", Health: health, Key: wire.KeyID(turnauth.KeyID(secret)), Load: -1, Capacity: -1, LeaseMs: 60_000}
		if url := "turn:" + string(id) + ".example:3478?transport=udp"; health == wire.RelayHealthy {
			r.URLs = []string{url}
		} else {
			r.Down, r.Why = []wire.RelayDown{{URL: url, Why: "x"}}, "x"
		}
		if err := m.own.AnnounceRelay(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	announce("eu", "one", wire.RelayHealthy, old)
	announce("eu", "two", wire.RelayHealthy, current)
	announce("eu", "down", wire.RelayFailing, current)
	rs := m.own.WatchRelays(nil)
	defer rs.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := rs.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	relays := coordinator.Relays{Registry: rs, Secrets: []turnauth.Secret{current, old}, Name: "probe", TTL: time.Hour}
	for _, region := range []wire.Region{"eu", "elsewhere"} {
		got, err := relays.For(region, now)
		if err != nil || len(got) != 2 || got[0].Region != "eu" || !strings.HasPrefix(got[0].URLs[0], "turn:one") || !strings.HasPrefix(got[1].URLs[0], "turn:two") {
			t.Fatalf("%s: %v, %+v", region, err, got)
		}
		for i, secret := range []turnauth.Secret{old, current} {
			want, err := turnauth.Mint(secret, "probe", time.Hour, now)
			if err != nil || got[i].Username != want.Username || got[i].Credential != want.Password {
				t.Errorf("%s: the credentials of %s are of another secret", region, got[i].URLs[0])
			}
		}
	}
	for _, id := range []wire.RelayID{"three", "four"} {
		announce("eu", id, wire.RelayHealthy, current)
	}
	for deadline := time.Now().Add(patience); len(rs.List()) < 5 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if got, err := relays.For("elsewhere", now); err != nil || len(got) != 3 {
		t.Errorf("of four relays an agent is given %d, %v", len(got), err)
	}
	if got, err := relays.For("", now); err != nil || len(got) != 4 {
		t.Errorf("a run is planned by %d of four relays, %v", len(got), err)
	}
	relays.Secrets = nil
	if got, err := relays.For("eu", now); err != nil || len(got) != 0 {
		t.Errorf("without a secret: %v, %+v", err, got)
	}
	relays.Static = []string{"stun:a:3478", "turn:b:3478?transport=udp"}
	if got, err := relays.For("eu", now); err != nil || len(got) != 1 || got[0].Username != "" {
		t.Errorf("a STUN server and no secret: %v, %+v", err, got)
	}
	relays.Secrets = []turnauth.Secret{current}
	if got, err := relays.For("eu", now); err != nil || len(got) != 2 || got[1].URLs[0] != "turn:b:3478?transport=udp" || got[1].Username == "" {
		t.Errorf("named: %v, %+v", err, got)
	}
}
