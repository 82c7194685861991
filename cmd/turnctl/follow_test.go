package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/edge"
	"callmesh/edge/edgetest"
	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turntest"
)

// checkInterval is that of the agents here, in which every claim about time is made.
const checkInterval = 3 * time.Second

// relayed is a real coturn at an address that stays the same over restarts.
type relayed struct {
	*turntest.Relay
	t       *testing.T
	options turntest.Options
}

func newRelayed(t *testing.T, addr string, cliPort int) *relayed {
	t.Helper()
	r := &relayed{t: t, options: turntest.Options{
		Listen: []string{addr}, Lines: []string{"cli-ip=127.0.0.1", fmt.Sprintf("cli-port=%d", cliPort), "cli-password=cli", "total-quota=50"},
	}}
	r.start()
	return r
}

// start returns once the relay answers.
func (r *relayed) start() {
	r.t.Helper()
	r.Relay = turntest.Start(r.t, r.options)
}

func (r *relayed) udp() string { return r.URL("turn", "udp") }

// watcher runs `turnctl watch` beside a relay, as the command does, until stop is called or the test ends.
func watcher(t *testing.T, args ...string) (stop func()) {
	t.Helper()
	c := watchCommand()
	var log bytes.Buffer // read once the command has ended
	c.SetErr(&log)
	c.SetOut(io.Discard)
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetArgs(args)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.ExecuteContext(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("watch: %v", err)
		}
		if t.Failed() {
			t.Logf("watch %q said\n%s", args, log.String())
		}
		if strings.Contains(log.String(), "turntest-secret") {
			t.Error("watch logged the secret")
		}
	})
	t.Cleanup(stop)
	return stop
}

// An edge stops handing out a killed relay within one check interval and takes it back: two real relays in two regions, an agent beside each, and a real edge.
func TestEdgesFollowRelays(t *testing.T) {
	m := bustest.Super(t, 1, "eu", "us")
	near, far := newRelayed(t, turntest.Public[0], 5766), newRelayed(t, turntest.Public[4], 5767)
	edgetest.NewNode(t, "us", m.Region("us").URL(0))
	provider := &late{}
	node := edgetest.NewNode(t, "eu", m.Region("eu").URL(0), func(_ *bus.Options, o *edge.Options) { o.ICE = provider })
	relays := node.Bus.WatchRelays(nil)
	t.Cleanup(relays.Close)
	provider.set(edge.NewRelays("eu", edge.RelayOptions{
		Registry: relays, Secrets: func() []turnauth.Secret { return []turnauth.Secret{near.Secret} }, TTL: time.Hour,
	}))
	const admin = "127.0.0.1:9091" // the namespace is this test binary's own
	beside := func(region, id, admin, cli string, r *relayed) (stop func()) {
		return watcher(t, "--nats-url", m.Region(region).URL(0), "--region", region, "--id", id, "--url", r.udp(), "--realm", r.Realm, "--secret-file", r.SecretFile,
			"--interval", checkInterval.String(), "--admin-listen", admin, "--cli-address", cli, "--cli-password", "cli")
	}
	beside("eu", "near", admin, "127.0.0.1:5766", near)
	stopFar := beside("us", "far", "127.0.0.1:0", "127.0.0.1:5767", far)

	ann := edgetest.Connect(t, node, "ann")
	given := func() string {
		var urls []string
		for _, s := range edgetest.Must[wire.ICEOK](ann, wire.OpICE, wire.ICEArgs{}).ICEServers {
			urls = append(urls, s.URLs...)
		}
		return strings.Join(urls, " ")
	}
	both := near.udp() + " " + far.udp()
	comes := func(what, want string) time.Duration {
		t.Helper()
		began := time.Now()
		edgetest.Eventually(t, what, func() bool { return given() == want })
		took := time.Since(began)
		t.Logf("%s: %v, %.2f check intervals", what, took.Round(time.Millisecond), took.Seconds()/checkInterval.Seconds())
		return took
	}
	comes("both relays, the near one first", both)
	edgetest.Eventually(t, "the load is known", func() bool {
		list := relays.List()
		return len(list) == 2 && list[0].Load >= 0 && list[0].Capacity == 50 && strings.Contains(list[0].Software, "4.")
	})
	if text := scrape(t, "http://"+admin+"/metrics"); !strings.Contains(text, `callmesh_turnctl_relay_up{url="`+near.udp()+`"} 1`) ||
		!strings.Contains(text, "\ncallmesh_turnctl_relay_bytes_per_second 0\n") {
		t.Errorf("the agent's metrics say\n%s", text)
	}
	for round := range 3 {
		near.Stop()
		if took := comes(fmt.Sprintf("killed, round %d", round), far.udp()); took > checkInterval {
			t.Errorf("a killed relay was handed out for %v more, want at most a check interval", took)
		}
		near.start()
		if took := comes(fmt.Sprintf("back, round %d", round), both); took > 3*checkInterval {
			t.Errorf("a relay that works again was kept back for %v", took)
		}
	}
	// One that hangs rather than dies answers nothing at all.
	if err := syscall.Kill(near.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if took := comes("hung", far.udp()); took > checkInterval {
		t.Errorf("a relay that hangs was handed out for %v more, want at most a check interval", took)
	}
	if err := syscall.Kill(near.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	comes("goes on", both)
	if stopFar(); given() != near.udp() {
		t.Errorf("an agent that ended left its relay behind: %s", given())
	}
}

// late is a provider that is there only once the edge has its bus.
type late struct {
	mu sync.Mutex // guards the following
	r  *edge.Relays
}

func (l *late) set(r *edge.Relays) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.r = r
}

func (l *late) ICEServers(region wire.Region, u wire.UserID) ([]wire.ICEServer, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.r == nil {
		return nil, 0
	}
	return l.r.ICEServers(region, u)
}

func scrape(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTrafficOfMoreSessionsThanCoturnLists(t *testing.T) {
	list := []coturn.Session{{BytesPerSecond: 1000}, {BytesPerSecond: 3000}}
	for total, want := range map[int]int64{2: 4000, 4: 8000, 0: 4000} {
		if got := traffic(list, total); got != want {
			t.Errorf("%d bytes a second of %d sessions, want %d", got, total, want)
		}
	}
	if got := traffic(nil, 0); got != 0 {
		t.Errorf("%d bytes a second of none", got)
	}
}
