package turnd_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/prometheus/client_golang/prometheus"

	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turnd"
)

func TestCredentialsRefused(t *testing.T) {
	reg := prometheus.NewRegistry()
	r := startRelay(t, func(o *turnd.Options) { o.Registerer = reg })
	other := turnauth.NewSecret("another secret")
	now := time.Now()
	expired, err := turnauth.Mint(secret, "alice", time.Minute, now.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		cred   turnauth.Credential
		reason string
	}{
		{"wrong secret", mint(t, other, "alice", time.Hour), "credentials"},
		{"no expiry", turnauth.Credential{Username: "alice", Password: turnauth.Password(secret, "alice")}, "credentials"},
		{"no password", turnauth.Credential{Username: mint(t, secret, "alice", time.Hour).Username}, "credentials"},
		{"expired", expired, "expired"},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(tt.name+" "+network, func(t *testing.T) {
				before := metric(t, reg, "callmesh_turnd_refused_total", tt.reason)
				client := newClient(t, r, network, tt.cred)
				if _, err := client.Allocate(); !contains(err, "400") {
					t.Errorf("allocate: %v, want 400", err)
				}
				if after := metric(t, reg, "callmesh_turnd_refused_total", tt.reason); after != before+1 {
					t.Errorf("%v refusals by reason %s, want 1 more than %v", after, tt.reason, before)
				}
			})
		}
	}
	if n := r.Allocations(); n != 0 {
		t.Errorf("%d allocations", n)
	}
}

// An expired credential must not end a call that goes on.
func TestAllocationOutlivesItsCredential(t *testing.T) {
	r := startRelay(t, nil)
	cred := mint(t, secret, "alice", time.Second)
	c := newRaw(t, r, cred)
	if code := c.request(stun.MethodAllocate, transport(udp)); code != 0 {
		t.Fatalf("allocate: %d", code)
	}
	eventually(t, "the credential expires", func() bool { return turnauth.Expired(cred.ExpiresAt, time.Now()) })
	if code := c.request(stun.MethodRefresh); code != 0 {
		t.Errorf("refresh: %d", code)
	}
	late := newRaw(t, r, cred)
	if code := late.request(stun.MethodAllocate, transport(udp)); code != 400 {
		t.Errorf("allocate after the end: %d, want 400", code)
	}
}

func TestSecretsRotate(t *testing.T) {
	older, newer := turnauth.NewSecret("the older"), turnauth.NewSecret("the newer")
	var secrets atomic.Pointer[[]turnauth.Secret]
	set := func(s ...turnauth.Secret) { secrets.Store(&s) }
	set(older)
	r := startRelay(t, func(o *turnd.Options) { o.Secrets = func() []turnauth.Secret { return *secrets.Load() } })
	works := func(s turnauth.Secret, network string) bool {
		conn, err := newClient(t, r, network, mint(t, s, "alice", time.Hour)).Allocate()
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	for _, tt := range []struct {
		name    string
		secrets []turnauth.Secret
		accept  []turnauth.Secret
	}{
		{"before", []turnauth.Secret{older}, []turnauth.Secret{older}},
		{"both", []turnauth.Secret{newer, older}, []turnauth.Secret{older, newer}},
		{"both, the other way round", []turnauth.Secret{older, {}, newer}, []turnauth.Secret{older, newer}},
		{"after", []turnauth.Secret{newer}, []turnauth.Secret{newer}},
		{"none", nil, nil},
	} {
		set(tt.secrets...)
		for _, s := range []turnauth.Secret{older, newer} {
			for _, network := range []string{"udp", "tcp"} {
				if got, want := works(s, network), slices.Contains(tt.accept, s); got != want {
					t.Errorf("%s: %q over %s accepted: %v, want %v", tt.name, s.Reveal(), network, got, want)
				}
			}
		}
	}
}

func TestQuotas(t *testing.T) {
	reg := prometheus.NewRegistry()
	r := startRelay(t, func(o *turnd.Options) { o.Registerer, o.MaxPerUser, o.MaxTotal = reg, 2, 3 })
	allocate(t, r, "udp", "alice")
	_, second := allocate(t, r, "tcp", "alice")
	refuse := func(user string) {
		t.Helper()
		if _, err := newClient(t, r, "udp", mint(t, secret, user, 2*time.Hour)).Allocate(); !contains(err, "486") {
			t.Errorf("allocation for %s: %v, want 486", user, err)
		}
	}
	refuse("alice") // her two are used up, whatever credential she brings
	allocate(t, r, "udp", "bob")
	refuse("carol") // all are
	if n := metric(t, reg, "callmesh_turnd_refused_total", "quota"); n != 2 {
		t.Errorf("%v refusals, want 2", n)
	}
	_ = second.Close()
	eventually(t, "the allocation ends", func() bool { return r.Allocations() == 2 })
	allocate(t, r, "udp", "alice")
}

// quietPort is a free one that nobody is given who asks for any, as the relay and its clients do.
func quietPort(t *testing.T) uint16 {
	t.Helper()
	for range 100 {
		port := uint16(20_000 + rand.N(12_768)) // Linux gives 32768 to 60999
		if probe, err := net.ListenPacket("udp4", fmt.Sprint("127.0.0.1:", port)); err == nil {
			_ = probe.Close()
			return port
		}
	}
	t.Fatal("of a hundred ports none is free")
	return 0
}

func TestPortsRunOut(t *testing.T) {
	port := quietPort(t)
	r := startRelay(t, func(o *turnd.Options) { o.MinPort, o.MaxPort = port, port })
	_, a := allocate(t, r, "udp", "alice")
	if got := a.LocalAddr().(*net.UDPAddr).Port; got != int(port) {
		t.Errorf("port %d is outside of the range", got)
	}
	if _, err := newClient(t, r, "udp", mint(t, secret, "bob", time.Hour)).Allocate(); !contains(err, "508") {
		t.Errorf("second allocation: %v, want 508", err)
	}
}

func TestAllocationsAgeOut(t *testing.T) {
	r := startRelay(t, func(o *turnd.Options) { o.MaxLifetime = 300 * time.Millisecond })
	allocate(t, r, "udp", "alice")
	allocate(t, r, "tcp", "alice")
	if n := r.Allocations(); n == 0 {
		t.Error("no allocation to begin with")
	}
	eventually(t, "the allocations end", func() bool { return r.Allocations() == 0 })
}

func TestOptionsRefused(t *testing.T) {
	for _, tt := range []struct {
		change func(*turnd.Options)
		want   string
	}{
		{func(o *turnd.Options) { o.Listen = "localhost:3478" }, `turnd: listen "localhost:3478" is not an IP address and a port; write it like 127.0.0.1:3478`},
		{func(o *turnd.Options) { o.Listen = "0.0.0.0:0" }, "turnd: relay IP 0.0.0.0 cannot be reached by anyone; give the address under which others see this machine"},
		{func(o *turnd.Options) { o.MinPort = 2000 }, "turnd: relayed ports 2000 to 0 are no range; give the smaller first, 1 or more"},
		{func(o *turnd.Options) { o.Secrets = nil }, "turnd: no secrets; a relay without credentials would serve anyone"},
		{func(o *turnd.Options) { o.MaxTotal = -1 }, "turnd: a limit is negative; give 0 for the default or a positive one"},
	} {
		o := turnd.Options{Listen: "127.0.0.1:0", Secrets: func() []turnauth.Secret { return nil }}
		tt.change(&o)
		if _, err := turnd.Start(o); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	taken := startRelay(t, nil)
	_, err := turnd.Start(turnd.Options{Listen: taken.Addr().String(), Secrets: func() []turnauth.Secret { return nil }})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("a taken address: %v", err)
	}
}
