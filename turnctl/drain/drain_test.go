package drain_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/drain"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turntest"
	"callmesh/turnctl/verdict"
)

func summary(items []verdict.Item) string {
	var list []string
	for _, i := range items {
		list = append(list, strings.TrimPrefix(i.Name, "drain.")+"="+string(i.Status))
	}
	return strings.Join(list, " ")
}

// relay is a coturn with its command-line interface.
func relay(t *testing.T, port int) (*turntest.Relay, drain.Coturn) {
	t.Helper()
	cli := fmt.Sprintf("127.0.0.1:%d", port+1)
	r := turntest.Start(t, turntest.Options{
		Port: port, Lines: []string{"cli-password=turntest-cli", "cli-ip=127.0.0.1", fmt.Sprintf("cli-port=%d", port+1), "total-quota=50"},
	})
	p, err := coturn.FindProcess(r.Config)
	if err != nil {
		t.Fatal(err)
	}
	return r, drain.Coturn{Process: p, CLI: coturn.CLIOptions{Addr: cli, Password: turnauth.NewSecret("turntest-cli")}}
}

func call(t *testing.T, r *turntest.Relay, user string) *turntest.Caller {
	t.Helper()
	c, err := turntest.Call(t, r, r.Secret, user)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func refused(t *testing.T, r *turntest.Relay) {
	t.Helper()
	if _, err := turntest.Call(t, r, r.Secret, "late"); err == nil || !strings.Contains(err.Error(), "486") {
		t.Errorf("a new caller got %v, not 486", err)
	}
}

// Calls that run lose nothing while new ones are refused; when the last one has ended, coturn is stopped.
func TestDrain(t *testing.T) {
	t.Parallel() // most of it is waiting for coturn to read its realms anew
	r, c := relay(t, 3500)
	calls := []*turntest.Caller{call(t, r, "a"), call(t, r, "b"), call(t, r, "c")}
	said := make(chan string, 100)
	registry := &marks{}
	done := make(chan []verdict.Item, 1)
	go func() {
		done <- drain.Run(t.Context(), drain.Options{
			Relay: c, Registry: registry, Poll: 50 * time.Millisecond, Timeout: time.Minute, Say: func(line string) { said <- line },
		})
	}()
	waitFor(t, said, "3 allocations left, from ")
	refused(t, r)
	sent, lost := 0, 0
	for i, c := range calls {
		s, l := c.HangUp()
		sent, lost = sent+s, lost+l
		if i == 0 {
			waitFor(t, said, "2 allocations left")
			refused(t, r)
		}
	}
	items := <-done
	if summary(items) != "registry=ok refuse=ok wait=ok stop=ok" {
		t.Errorf("%v", items)
	}
	ended(t, r)
	t.Logf("of %d packets of the running calls %d are lost", sent, lost)
	if lost > 0 || sent == 0 {
		t.Errorf("sent %d, lost %d", sent, lost)
	}
	if got := registry.list; len(got) != 1 || got[0] != 24*time.Hour {
		t.Errorf("the registry was told %v", got)
	}
}

// ended waits until coturn has: where a drain did not stop it, it never would.
func ended(t *testing.T, r *turntest.Relay) {
	t.Helper()
	select {
	case <-r.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("coturn still runs")
	}
}

// waitFor reads what was said until a line begins like that.
func waitFor(t *testing.T, said <-chan string, start string) {
	t.Helper()
	patience := time.After(20 * time.Second)
	for {
		select {
		case line := <-said:
			if strings.HasPrefix(line, start) {
				return
			}
		case <-patience:
			t.Fatalf("nothing said that %q", start)
		}
	}
}

type marks struct{ list []time.Duration }

func (m *marks) Mark(_ context.Context, keepOut time.Duration) error {
	m.list = append(m.list, keepOut)
	return nil
}

// At the timeout the relay is left draining, from where it can be taken back, or what runs is ended when that was asked for.
func TestDrainTimeout(t *testing.T) {
	t.Parallel()
	r, c := relay(t, 3600)
	running := call(t, r, "a")
	registry := &marks{}
	o := drain.Options{Relay: c, Registry: registry, Poll: 20 * time.Millisecond, Timeout: 700 * time.Millisecond}
	items := drain.Run(t.Context(), o)
	if summary(items) != "registry=ok refuse=ok wait=fail" || !strings.Contains(items[2].Summary, "1 allocation left") {
		t.Errorf("%v", items)
	}
	refused(t, r)
	items = drain.Cancel(t.Context(), o, 50)
	if summary(items) != "cancel=ok registry=ok" || registry.list[1] != 0 {
		t.Errorf("%v; registry %v", items, registry.list)
	}
	if sent, lost := call(t, r, "b").HangUp(); lost > 0 {
		t.Errorf("after the cancel: sent %d, lost %d", sent, lost)
	}
	if sent, lost := running.Stop(); lost > 0 || sent == 0 {
		t.Errorf("sent %d, lost %d", sent, lost)
	}
	o.Force = true
	items = drain.Run(t.Context(), o)
	if summary(items) != "registry=ok refuse=ok wait=warn stop=ok" {
		t.Errorf("%v", items)
	}
	ended(t, r)
	if items := drain.Cancel(t.Context(), o, 50); !strings.Contains(items[0].Summary, "does not run") {
		t.Errorf("%v", items)
	}
}

// Without its command-line interface a coturn of before 4.6.3 is left alone: SIGUSR1 would kill it, and every call with it.
func TestDrainWithoutCLI(t *testing.T) {
	r := turntest.Start(t, turntest.Options{})
	p, err := coturn.FindProcess(r.Config)
	if err != nil {
		t.Fatal(err)
	}
	running := call(t, r, "a")
	items := drain.Run(t.Context(), drain.Options{Relay: drain.Coturn{Process: p, Binary: "turnserver"}})
	if summary(items) != "registry=skipped refuse=fail" || !strings.Contains(items[1].Summary, "cli-password") {
		t.Errorf("%v", items)
	}
	if sent, lost := running.HangUp(); lost > 0 {
		t.Errorf("sent %d, lost %d", sent, lost)
	}
}

// modern is a coturn that drains by itself, of which there is none here: what is asked of it, and in which order, is all that this says.
type modern struct {
	asked []string
	left  int
	gone  bool
}

func (m *modern) Version(context.Context) (coturn.Version, error) {
	return coturn.Version{Major: 4, Minor: 6, Patch: 3}, nil
}

func (m *modern) Allocations(context.Context) ([]coturn.Session, int, error) {
	if m.left--; m.left < 0 {
		m.gone = true
		return nil, 0, drain.ErrGone
	}
	return nil, m.left + 1, nil
}

func (m *modern) Quota(context.Context, uint64) error { return errors.New("it needs no quota") }
func (m *modern) Drain() error                        { m.asked = append(m.asked, "drain"); return nil }

func (m *modern) Stop(context.Context) error { m.asked = append(m.asked, "stop"); return nil }
func (m *modern) Alive() bool                { return !m.gone }

func TestDrainOfOneThatDrainsByItself(t *testing.T) {
	m := &modern{left: 3}
	items := drain.Run(t.Context(), drain.Options{Relay: m, Poll: time.Millisecond})
	if summary(items) != "registry=skipped refuse=ok wait=ok stop=ok" || !slices.Equal(m.asked, []string{"drain"}) {
		t.Errorf("%v; asked %q", items, m.asked)
	}
}

// mute is one whose command-line interface can't be reached.
type mute struct{ *modern }

func (mute) Allocations(context.Context) ([]coturn.Session, int, error) {
	return nil, 0, errors.New("nobody is at home")
}

// What is not known is not said to be none.
func TestDrainThatCannotCount(t *testing.T) {
	o := drain.Options{Relay: mute{&modern{}}, Poll: time.Millisecond, Timeout: 5 * time.Millisecond}
	items := drain.Run(t.Context(), o)
	if summary(items) != "registry=skipped refuse=ok wait=fail" || items[2].Summary != "allocations still run after 5ms: how many is not known" {
		t.Errorf("%v", items)
	}
	o.Force = true
	items = drain.Run(t.Context(), o)
	if summary(items) != "registry=skipped refuse=ok wait=warn stop=ok" || items[2].Values != nil ||
		items[2].Summary != "allocations still ran after 5ms and are ended, as asked: how many is not known" {
		t.Errorf("%v", items)
	}
}

func TestProgress(t *testing.T) {
	aged := func(seconds ...int) (list []coturn.Session) {
		for _, s := range seconds {
			list = append(list, coturn.Session{Age: time.Duration(s) * time.Second})
		}
		return list
	}
	for want, got := range map[string]string{
		"no allocation is left":        drain.Progress(nil, 0),
		"300 allocations left":         drain.Progress(nil, 300),
		"1 allocation left, 1m5s old":  drain.Progress(aged(65), 1),
		"3 allocations left, from 1s ": drain.Progress(aged(60, 1, 30), 3)[:28],
	} {
		if fmt.Sprint(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
