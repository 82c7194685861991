package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"callmesh/bus"
	"callmesh/bus/wire"
	"callmesh/probe/report"
)

// guarded is a nats-server with the authorization of README.md, as it stands there and with a second agent; every password is "p".
func guarded(t *testing.T) (url func(user string) string) {
	t.Helper()
	text, err := os.ReadFile("../../probe/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(text), "```\nauthorization {")
	block, _, ended := strings.Cut(block, "```")
	berlin := regexp.MustCompile(`(?s)    \{user: "berlin".*?\n    \}\}\n`).FindString(block)
	if !found || !ended || berlin == "" {
		t.Fatal("README.md has no authorization with an agent called berlin")
	}
	block = strings.Replace(block, berlin, berlin+strings.ReplaceAll(berlin, "berlin", "tokyo"), 1)
	conf := filepath.Join(t.TempDir(), "nats.conf")
	err = os.WriteFile(conf, []byte(fmt.Sprintf("listen: \"127.0.0.1:-1\"\njetstream {store_dir: %q}\nEDGE: p\nBERLIN: p\nRUN: p\nREPORT: p\nauthorization {%s", t.TempDir(), block)), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	o, err := server.ProcessConfigFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	o.NoSigs, o.NoLog = true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patience) {
		t.Fatal("nats-server does not start")
	}
	return func(user string) string { return "nats://" + user + ":p@" + s.Addr().String() }
}

// With what README.md says that NATS need let them do, agents, a run and a report work, and ask for nothing more.
func TestPermissionsSuffice(t *testing.T) {
	url := guarded(t)
	edge := edgeBus(t, url("edge"))
	call := wire.Traversal{
		At: time.Now().UnixMilli(), Source: wire.SourceCall, ID: wire.NewReportID(), Pair: "00112233", Mode: wire.ModeAll, Ends: [2]wire.TraversalEnd{{Region: "eu"}, {}},
		Outcome: wire.Outcome{Result: wire.ResultConnected, Path: wire.PathHost},
	}
	if err := edge.StoreTraversal(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	relay := wire.Relay{
		ID: "r", Region: "eu", URLs: []string{"turn:127.0.0.1:9?transport=udp"}, Realm: "x", Health: wire.RelayHealthy, Capacity: -1, Load: -1, LeaseMs: 120_000, Key: "0123456789abcdef",
	}
	if err := edge.AnnounceRelay(t.Context(), relay); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(labSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	var agents []*running
	for _, id := range []string{"berlin", "tokyo"} {
		a := here(t, "agent", "--id", id, "--region", "eu", "--nats-url", url(id), "--admin-listen", "127.0.0.1:0")
		agents = append(agents, a.announced())
	}
	run := here(t, "run", "--nats-url", url("probe-run"), "--run", "allowed", "--repeat", "2", "--modes", "direct", "--limit", "10s", "--patience", "30s", "--output", "json", "--turn-secret-file", secret)
	code, out, said := run.follow().end()
	if code != 0 {
		t.Fatalf("run: exit %d:\n%s", code, said)
	}
	if s := summaryOf(t, out); s.Made != 2 || len(s.Modes) != 1 || s.Modes[0].Results[wire.ResultNoSignalling] != 0 {
		t.Errorf("run: %+v:\n%s", s, said)
	}
	refusals := said
	code, out, said = here(t, "report", "--nats-url", url("probe-report"), "--output", "json").follow().end()
	var r report.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || len(r.Sources) != 2 || r.Sources[0].Records != 2 || r.Sources[1].Records != 1 {
		t.Errorf("report: exit %d, %v, %+v:\n%s", code, err, r, said)
	}
	refusals += said
	for _, a := range agents {
		if err := a.c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		code, _, said := a.end()
		if code != 0 {
			t.Errorf("agent: exit %d:\n%s", code, said)
		}
		refusals += said
	}
	for line := range strings.Lines(refusals) {
		if strings.Contains(strings.ToLower(line), "permissions violation") {
			t.Error(line)
		}
	}
}

// What is forbidden is: rooms, people, other agents, and what others are answered.
func TestPermissionsForbid(t *testing.T) {
	url := guarded(t)
	edgeBus(t, url("edge"))
	rooms, rest := bus.RoomScope("room"), []string{"_INBOX.>", "cmtold.>", "cm.>", "cmx.edge.*", ">"}
	stored := fmt.Sprintf("cm.eu.%s._", rooms)
	for user, c := range map[string]struct{ listens, says []string }{
		"berlin": {
			append(rest, "_INBOX.probe-run.>", "_INBOX.probe-agent.tokyo.>", "cmx.agent.tokyo.*", "cmx.agent.*.*"),
			[]string{stored, "$KV.cm_agents_eu.agent.tokyo", "$JS.API.CONSUMER.CREATE.CM_eu_0", "$JS.API.STREAM.MSG.GET.CM_eu_0", "cm.eu.traversal.probe.x", "$JS.API.STREAM.DELETE.KV_cm_agents_eu"},
		},
		"probe-run": {
			append(rest, "_INBOX.probe-agent.berlin.>", "cmx.agent.*.*"),
			[]string{stored, "$KV.cm_agents_eu.agent.tokyo", "$JS.API.CONSUMER.CREATE.CM_eu_0", "$JS.API.STREAM.INFO.CM_eu_0", "cm.eu.traversal.call._", "$JS.API.STREAM.PURGE.CMTRAVERSALS_probe_eu"},
		},
		"probe-report": {
			append(rest, "_INBOX.probe-run.>", "cmx.agent.*.*"),
			[]string{stored, "cm.eu.traversal.probe.x", "$JS.API.CONSUMER.CREATE.KV_cm_contacts_eu", "$JS.API.DIRECT.GET.CM_eu_0", "$JS.API.STREAM.PURGE.CMTRAVERSALS_call_eu", "cmx.agent.berlin.x"},
		},
	} {
		told := make(chan error, 64)
		nc, err := nats.Connect(url(user), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { told <- err }))
		if err != nil {
			t.Fatal(err)
		}
		refused := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			if err := nc.FlushTimeout(patience); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-told:
				if !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), `"`+what+`"`) {
					t.Errorf("%s, %s: %v", user, what, err)
				}
			case <-time.After(10 * time.Second):
				t.Errorf("%s may: %s", user, what)
			}
		}
		for _, subject := range c.listens {
			_, err := nc.SubscribeSync(subject)
			refused(subject, err)
		}
		for _, subject := range c.says {
			refused(subject, nc.Publish(subject, nil))
		}
		nc.Close()
	}
}

// edgeBus is the bus of an edge, which makes the streams.
func edgeBus(t *testing.T, url string) *bus.Bus {
	t.Helper()
	b, err := bus.Open(bus.Options{Name: t.Name(), Region: "eu", URLs: []string{url}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return b
}
