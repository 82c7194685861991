package bus_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callmesh/bus"
	"callmesh/bus/bustest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestWrongOptions(t *testing.T) {
	t.Parallel()
	urls := []string{"nats://127.0.0.1:1"}
	file := filepath.Join(t.TempDir(), "not what is wanted")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	absent := filepath.Join(t.TempDir(), "absent")
	for want, o := range map[string]bus.Options{
		`bus: region "": want 1 to 32`:                                    {URLs: urls},
		`bus: region "EU": 'E' is not one of`:                             {URLs: urls, Region: "EU"},
		`bus: region "a.b": '.' is not one of`:                            {URLs: urls, Region: "a.b"},
		`bus: region "_": '_' is not one of`:                              {URLs: urls, Region: "_"},
		`bus: want URLs of a NATS, or an embedded one`:                    {Region: "eu"},
		`bus: edge "a.*": want no dots, wildcards and spaces`:             {URLs: urls, Region: "eu", Edge: "a.*"},
		`bus: -1 replicas: want 1 to 5`:                                   {URLs: urls, Region: "eu", Replicas: -1},
		`bus: 6 replicas: want 1 to 5`:                                    {URLs: urls, Region: "eu", Replicas: 6},
		`bus: nkey file ` + absent:                                        {URLs: urls, Region: "eu", NKeyFile: absent},
		`bus: nkey file ` + file + `: nkeys: no nkey seed found`:          {URLs: urls, Region: "eu", NKeyFile: file},
		`bus: credentials file ` + absent:                                 {URLs: urls, Region: "eu", CredsFile: absent},
		`bus: credentials file ` + file:                                   {URLs: urls, Region: "eu", CredsFile: file},
		`bus: nats: error loading or parsing rootCA file: open ` + absent: {URLs: urls, Region: "eu", CAFile: absent},
		`bus: nats: failed to parse root certificate from "` + file:       {URLs: urls, Region: "eu", CAFile: file},
		`bus: nats: error loading client certificate: open ` + absent:     {URLs: urls, Region: "eu", CertFile: absent, KeyFile: absent},
		`bus: a certificate and its key go together: set both`:            {URLs: urls, Region: "eu", CertFile: file},
		`bus: a certificate and its key go together: set both o`:          {URLs: urls, Region: "eu", KeyFile: file},
		`bus: parse "nats://a b:4222"`:                                    {URLs: []string{"nats://a b:4222"}, Region: "eu"},
	} {
		b, err := bus.Open(o)
		if err == nil {
			b.Close()
			t.Errorf("opened, want: %s", want)
		} else if !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got  %s\nwant %s…", err, want)
		}
	}
}

// The first connect is as any later one: it may come long after Open, and until then everything fails at once.
func TestOpenBeforeNATSRuns(t *testing.T) {
	t.Parallel()
	p := bustest.NewProcess(t)
	p.Kill()
	o := node(t, p.URL())
	reg := prometheus.NewRegistry()
	o.Registerer = reg
	start := time.Now()
	b := open(t, o)
	heard := hear(t, b, room("r"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := b.WaitReady(ctx)
	wantErr(t, "WaitReady", err, bus.ErrUnavailable)
	wantErr(t, "WaitReady", err, context.DeadlineExceeded)
	wantDead(t, b)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("failing took %v, want at once", took)
	}

	calls, say := told()
	b.OnReady(say)
	p.Start()
	waitReady(t, b)
	bustest.Next(t, "that it is ready", calls)
	accept(t, b, room("r"), "mine")
	other := ready(t, node(t, p.URL()))
	accept(t, other, room("r"), "theirs") // a subscription made before there was a connection holds
	heard.await(t, "mine", "theirs")
	if n, err := testutil.GatherAndCount(reg); err != nil || n == 0 {
		t.Errorf("metrics: %d, %v", n, err)
	}
}

// wantDead asserts that a bus without a connection refuses everything, and says so.
func wantDead(t *testing.T, b *bus.Bus) {
	t.Helper()
	if b.Ready() {
		t.Error("ready without a connection")
	}
	wantErr(t, "Publish", ack(b, room("r"), "x"), bus.ErrUnavailable)
	wantErr(t, "PublishLive", b.PublishLive(room("r"), bus.ToAll, nil), bus.ErrUnavailable)
	wantErr(t, "Tell", b.Tell("edge", nil), bus.ErrUnavailable)
	wantErr(t, "PublishAfter", b.PublishAfter(t.Context(), room("r"), func([]byte) []byte { return nil }), bus.ErrUnavailable)
	_, err := askOne(b, room("r"), patience)
	wantErr(t, "Ask", err, bus.ErrUnavailable)
	wantErr(t, "CreateCall", b.CreateCall(t.Context(), "eu.aaaaaaaaaaaaaaaaaaaa", "answer", nil), bus.ErrUnavailable)
	_, err = b.GetCall(t.Context(), "eu.aaaaaaaaaaaaaaaaaaaa", "answer")
	wantErr(t, "GetCall", err, bus.ErrUnavailable)
	wantErr(t, "KeepCall", b.KeepCall(t.Context(), "u", missed("eu.aaaaaaaaaaaaaaaaaaaa", 1)), bus.ErrUnavailable)
	start := time.Now()
	err = b.Replay(t.Context(), []bus.Scope{room("r")}, time.Now(), func(bus.Scope, []byte) {})
	wantErr(t, "Replay", err, bus.ErrUnavailable)
	if took := time.Since(start); took > time.Second {
		t.Errorf("Replay without a connection took %v to fail", took)
	}
}

func TestCloseAtAnyTime(t *testing.T) {
	t.Parallel()
	b, err := bus.Open(node(t, "nats://127.0.0.1:1")) // nobody there
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan error, 1)
	waiting := make(chan error, 1)
	go func() { waiting <- b.WaitReady(t.Context()) }()
	b.Close()
	b.Close()
	wantErr(t, "WaitReady of a closed bus", bustest.Next(t, "the end of WaitReady", waiting), bus.ErrUnavailable)
	wantErr(t, "Publish after Close", ack(b, room("r"), "x"), bus.ErrUnavailable)
	b.Ask(room("r"), bus.ToAll, nil, patience, func(_ []byte, err error) bool { asked <- err; return false })
	wantErr(t, "Ask after Close", bustest.Next(t, "the end of a question", asked), bus.ErrUnavailable)
	if _, err := b.Subscribe(room("r"), func(bus.Message) {}); !errors.Is(err, bus.ErrUnavailable) {
		t.Errorf("Subscribe after Close: %v", err)
	}
	err = b.Replay(t.Context(), []bus.Scope{room("r")}, time.Now(), func(bus.Scope, []byte) {})
	wantErr(t, "Replay after Close", err, bus.ErrUnavailable)
}

// Close of a bus whose NATS has gone silent in the middle of a read does not wait for the read's own timeout.
func TestCloseDuringReplay(t *testing.T) {
	t.Parallel()
	c := bustest.Cluster(t, 1)
	b := ready(t, node(t, c.URL(0)))
	accept(t, b, room("r"), "x")
	c.ClientProxy(0).Blackhole()
	read := make(chan error, 1)
	go func() {
		read <- b.Replay(t.Context(), []bus.Scope{room("r")}, time.Now().Add(-time.Minute), func(bus.Scope, []byte) {})
	}()
	asked := make(chan error, 2)
	b.Ask(room("r"), bus.ToAll, nil, patience, func(_ []byte, err error) bool { asked <- err; return false })
	start := time.Now()
	b.Close()
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("Close took %v", took)
	}
	wantErr(t, "the question in flight", bustest.Next(t, "the end of a question", asked), bus.ErrUnavailable)
	wantErr(t, "the read in flight", bustest.Next(t, "the end of a read", read), bus.ErrUnavailable)
}
