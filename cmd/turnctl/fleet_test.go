package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"
	"callmesh/bus/wire"
	"callmesh/cmd/internal/cli"
)

// written is what a command says while it runs.
type written struct {
	mu sync.Mutex // guards the following
	b  bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// fleetCode runs `turnctl fleet` and returns its exit code.
func fleetCode(ctx context.Context, out *written, args ...string) (int, error) {
	c := fleetCommand()
	c.SetOut(out)
	c.SetErr(out)
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetArgs(args)
	err := c.ExecuteContext(ctx)
	var exit *cli.ExitError
	if errors.As(err, &exit) {
		return exit.Code, err
	}
	return 0, err
}

func waits(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatal("never came: " + what)
		}
	}
}

func announced(region wire.Region, id wire.RelayID, health wire.RelayHealth) wire.Relay {
	r := wire.Relay{ID: id, Region: region, Health: health, Load: 3, Capacity: 50, LeaseMs: 60_000, URLs: []string{"turn:203.0.113.1:3478?transport=udp"}}
	r.ForMs = (60 * time.Hour).Milliseconds() // so long that it reads the same however late it is asked for
	if health == wire.RelayFailing {
		r.Down, r.URLs, r.Why = []wire.RelayDown{{URL: r.URLs[0], Why: "udp4.binding"}}, []string{}, "udp4.binding"
	}
	return r
}

func TestFleet(t *testing.T) {
	c := bustest.Cluster(t, 1)
	b, err := bus.Open(bus.Options{Name: t.Name(), Region: "eu", URLs: []string{c.URL(0)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := b.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	say := func(r wire.Relay) {
		t.Helper()
		if err := b.AnnounceRelay(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(want int, args ...string) string {
		t.Helper()
		out := &written{}
		if code, err := fleetCode(ctx, out, append([]string{"--nats-url", c.URL(0)}, args...)...); code != want {
			t.Errorf("fleet %q: exit %d (%v), want %d\n%s", args, code, err, want, out)
		}
		return out.String()
	}
	if got := ask(1); !strings.Contains(got, "0 of 0 relays serve callers; no relay in eu\n") {
		t.Errorf("of no relay it says\n%s", got)
	}
	say(announced("eu", "one", wire.RelayHealthy))
	if got := ask(0); !strings.Contains(got, "1 of 1 relays serve callers\n") || !strings.Contains(got, "eu      one    healthy  2d   3/50  udp") {
		t.Errorf("of one relay it says\n%s", got)
	}
	say(announced("eu", "two", wire.RelayFailing))
	if got := ask(1); !strings.Contains(got, "FAILING udp4.binding") {
		t.Errorf("of a failing relay it says\n%s", got)
	}
	var report struct {
		Items []struct{ Name, Status string }
	}
	if err := json.Unmarshal([]byte(ask(1, "--output", "json")), &report); err != nil || len(report.Items) != 3 || report.Items[1].Status != "fail" {
		t.Errorf("%v, %+v", err, report)
	}
	for form, want := range map[string]string{"nagios": "TURN CRITICAL - fleet", "junit": "<failure", "prometheus": `turnctl_fleet_relay_up{target="fleet",group="eu",item="relay.two"} 0`} {
		if got := ask(1, "--output", form); !strings.Contains(got, want) {
			t.Errorf("%s: no %q in\n%s", form, want, got)
		}
	}
	if got := ask(1, "--region", "mars"); !strings.Contains(got, "no relay in mars") {
		t.Errorf("of a region that is none it says\n%s", got)
	}
	t.Run("watched", func(t *testing.T) { watched(t, b, c.URL(0)) })
}

// watched follows the fleet, which has one relay that works and one that does not.
func watched(t *testing.T, b *bus.Bus, url string) {
	out := &written{}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := fleetCode(ctx, out, "--nats-url", url, "--watch", "--admin-listen", "127.0.0.1:9092")
		ended <- err
	}()
	waits(t, "the fleet as it is", func() bool { return strings.Contains(out.String(), "1 of 2 relays serve callers; 1 failing\n") })
	if err := b.DrainRelay(t.Context(), "eu", "two", time.Hour); err != nil {
		t.Fatal(err)
	}
	waits(t, "a relay that drains", func() bool { return strings.Contains(out.String(), "1 of 2 relays serve callers; 1 draining\n") })
	text := scrape(t, "http://127.0.0.1:9092/metrics")
	for _, want := range []string{`callmesh_fleet_relay_up{region="eu",relay="one"} 1`, `callmesh_fleet_relay_draining{region="eu",relay="two"} 1`, `callmesh_fleet_relays_serving{region="eu"} 1`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if got := scrape(t, "http://127.0.0.1:9092/readyz"); got != "ok\n" {
		t.Errorf("readyz says %q", got)
	}
	end()
	if err := <-ended; err != nil {
		t.Errorf("interrupted, it ends with %v", err)
	}
	if n := strings.Count(out.String(), "serve callers"); n > 6 {
		t.Errorf("nothing changed, and it was shown %d times\n%s", n, out)
	}
}
