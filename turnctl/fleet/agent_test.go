package fleet_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/turnctl/fleet"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/verdict"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, bustest.IgnoredLeaks()...) }

const (
	udp = "turn:relay.example.org:3478?transport=udp"
	tls = "turns:relay.example.org:443?transport=tcp"
)

func open(t *testing.T, url string, guest bool) *bus.Bus {
	t.Helper()
	b, err := bus.Open(bus.Options{Name: t.Name(), Region: "eu", URLs: []string{url}, Guest: guest})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := b.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return b
}

// relay is what an agent checks: URLs that are down, and the secret that it takes.
type relay struct {
	mu     sync.Mutex // guards the following
	down   map[string]bool
	secret string
	checks int
}

func (r *relay) set(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

func (r *relay) check(_ context.Context, url string, secret turnauth.Secret) verdict.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checks++
	items := []verdict.Item{{Name: "udp4.connect", Status: verdict.OK}, {Name: "udp4.allocate", Status: verdict.OK}}
	switch {
	case r.down[url]:
		items[0].Status = verdict.Fail
	case secret.Reveal() != r.secret:
		items[1].Status = verdict.Fail
	}
	return verdict.Report{Items: items}
}

// agent runs one until its stop is called, or the test ends.
func agent(t *testing.T, b *bus.Bus, r *relay, change func(*fleet.Options)) (a *fleet.Agent, stop func()) {
	t.Helper()
	o := fleet.Options{
		Bus: b, ID: "one", Realm: "example.org", URLs: []string{udp, tls}, Check: r.check,
		Secrets: func() []turnauth.Secret { return []turnauth.Secret{turnauth.NewSecret(r.secret)} },
		Pace:    fleet.Pace{Interval: 2 * time.Second, Rule: fleet.Rule{Fail: 2, Recover: 2}},
	}
	if change != nil {
		change(&o)
	}
	a, err := fleet.NewAgent(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { a.Run(ctx) })
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return a, stop
}

// comes waits until the registry says so of all relays: "eu/one healthy udp -tls".
func comes(t *testing.T, rs *bus.Relays, want string) (took time.Duration) {
	t.Helper()
	began, late := time.Now(), time.Now().Add(30*time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var all []string
		for _, s := range rs.List() {
			text := fmt.Sprintf("%s/%s %s", s.Region, s.ID, s.Health)
			for _, u := range s.URLs {
				text += " " + short(u)
			}
			for _, d := range s.Down {
				text += " -" + short(d.URL) + ":" + d.Why
			}
			all = append(all, text)
		}
		if got := strings.Join(all, ", "); got == want {
			return time.Since(began)
		} else if time.Now().After(late) {
			t.Fatalf("the registry says %q, want %q", got, want)
		}
		<-tick.C
	}
}

func short(url string) string {
	return strings.Map(func(r rune) rune { return r }, url[:strings.IndexByte(url, ':')])
}

func TestAgent(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	rs := open(t, c.URL(0), false).WatchRelays(nil)
	t.Cleanup(rs.Close)
	r := &relay{down: map[string]bool{}, secret: "s"}
	reg := prometheus.NewRegistry()
	var load atomic.Int64
	a, stop := agent(t, open(t, c.URL(0), true), r, func(o *fleet.Options) {
		o.Pace.Interval = 3 * time.Second
		o.Registerer, o.Version = reg, "v1\x00"+strings.Repeat("é", 90)
		o.Load = func(context.Context) (fleet.Load, error) {
			return fleet.Load{Allocations: int(load.Load()), Capacity: 100, Software: "Coturn-4.6.1"}, nil
		}
	})
	comes(t, rs, "eu/one healthy turn turns")
	waitFor(t, "it knows that callers are sent to it", a.Serving) // which it learns after those who read
	load.Store(7)
	waitFor(t, "the load is known", func() bool {
		s := rs.List()
		return len(s) == 1 && s[0].Load == 7 && s[0].Capacity == 100 && s[0].Software == "Coturn-4.6.1" && s[0].Realm == "example.org" &&
			s[0].Key == wire.KeyID(turnauth.KeyID(turnauth.NewSecret("s")))
	})
	r.set(func() { r.down[tls] = true })
	comes(t, rs, "eu/one healthy turn -turns:udp4.connect")
	r.set(func() { r.down[udp] = true })
	if took := comes(t, rs, "eu/one failing -turn:udp4.connect -turns:udp4.connect"); took > 3*time.Second {
		t.Errorf("a relay that failed was found out after %v, the interval is 3 s", took)
	}
	if a.Serving() {
		t.Error("nothing of it works, and callers are sent to it")
	}
	want := "# HELP callmesh_turnctl_relay_up 1 while callers can use the relay at this URL, 0 while not.\n# TYPE callmesh_turnctl_relay_up gauge\n" +
		fmt.Sprintf("callmesh_turnctl_relay_up{url=%q} 0\ncallmesh_turnctl_relay_up{url=%q} 0\n", udp, tls)
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "callmesh_turnctl_relay_up"); err != nil {
		t.Error(err)
	}
	r.set(func() { clear(r.down) })
	if took := comes(t, rs, "eu/one healthy turn turns"); took > 6*time.Second {
		t.Errorf("a relay that works again was found out after %v", took)
	}
	stop()
	if took := comes(t, rs, ""); took > 2*time.Second {
		t.Errorf("an agent that ended took its relay out after %v", took)
	}
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	late := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		if time.Now().After(late) {
			t.Fatal("never came: " + what)
		}
		<-tick.C
	}
}

// While NATS is away an agent goes on checking; when it is back it says how the relay is by then.
func TestAgentOutlivesNATS(t *testing.T) {
	t.Parallel()
	p := bustest.NewProcess(t)
	b := open(t, p.URL(), false)
	rs := b.WatchRelays(nil)
	t.Cleanup(rs.Close)
	r := &relay{down: map[string]bool{}, secret: "s"}
	a, stop := agent(t, open(t, p.URL(), true), r, nil)
	comes(t, rs, "eu/one healthy turn turns")
	p.Kill()
	waitFor(t, "the agent knows that nobody hears it", func() bool { return !a.Serving() })
	before := 0
	r.set(func() { before, r.down[udp] = r.checks, true })
	waitFor(t, "it goes on checking", func() bool {
		now := 0
		r.set(func() { now = r.checks })
		return now > before+6
	})
	p.Start()
	comes(t, rs, "eu/one healthy turns -turn:udp4.connect")
	p.Kill()
	began := time.Now()
	if stop(); time.Since(began) > 5*time.Second {
		t.Errorf("without NATS it took %v to end", time.Since(began))
	}
}

// A rotation: the agent follows the secret that the bus names once its relay takes it, and no sooner.
func TestAgentFollowsTheSigner(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	b := open(t, c.URL(0), false)
	rs := b.WatchRelays(nil)
	t.Cleanup(rs.Close)
	old, fresh := turnauth.NewSecret("old"), turnauth.NewSecret("new")
	r := &relay{down: map[string]bool{}, secret: "old"}
	var held atomic.Pointer[[]turnauth.Secret]
	held.Store(&[]turnauth.Secret{old})
	agent(t, open(t, c.URL(0), true), r, func(o *fleet.Options) { o.Secrets = func() []turnauth.Secret { return *held.Load() } })
	signs := func(s turnauth.Secret) func() bool {
		return func() bool {
			list := rs.List()
			return len(list) == 1 && list[0].Health == wire.RelayHealthy && list[0].Key == wire.KeyID(turnauth.KeyID(s))
		}
	}
	waitFor(t, "it is checked with the old one", signs(old))
	if err := b.SetSigner(t.Context(), "eu", wire.KeyID(turnauth.KeyID(fresh))); err != nil {
		t.Fatal(err)
	}
	held.Store(&[]turnauth.Secret{fresh, old})
	before := 0
	r.set(func() { before = r.checks })
	waitFor(t, "some more checks", func() bool {
		if !signs(old)() {
			t.Fatalf("the relay does not take the new secret yet, and the registry says %+v", rs.List())
		}
		now := 0
		r.set(func() { now = r.checks })
		return now > before+8
	})
	r.set(func() { r.secret = "new" })
	waitFor(t, "it is checked with the new one", signs(fresh))
}

func TestAgentOptions(t *testing.T) {
	t.Parallel()
	b := open(t, bustest.Cluster(t, 1).URL(0), false)
	r := &relay{}
	good := fleet.Options{
		Bus: b, ID: "one", URLs: []string{udp}, Check: r.check, Secrets: func() []turnauth.Secret { return nil },
		Pace: fleet.Pace{Interval: 10 * time.Second, Rule: fleet.Rule{Fail: 2, Recover: 3}},
	}
	for want, change := range map[string]func(*fleet.Options){
		"":                                  func(*fleet.Options) {},
		"wants a bus, a check and secrets":  func(o *fleet.Options) { o.Check = nil },
		"interval 1s is not from 2s to 2m":  func(o *fleet.Options) { o.Pace.Interval = time.Second },
		"0 URLs: want 1 to 8":               func(o *fleet.Options) { o.URLs = nil },
		`relay "a.b": want 1 to 63 of a-z`:  func(o *fleet.Options) { o.ID = "a.b" },
		"neither turn nor turns":            func(o *fleet.Options) { o.URLs = []string{"http://x"} },
		"realm contains the control charac": func(o *fleet.Options) { o.Realm = "a\n" },
	} {
		o := good
		change(&o)
		_, err := fleet.NewAgent(o)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
