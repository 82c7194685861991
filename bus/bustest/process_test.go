package bustest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"callmesh/bus/bustest"
	"callmesh/bus/bustest/natsnode/run"
	"callmesh/bus/natsd"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What was acknowledged is there after SIGKILL; while the process lives,
// nobody else gets at its files.
func TestKilledProcessKeepsWhatItAccepted(t *testing.T) {
	p := bustest.NewProcess(t)
	nc := connect(t, p.URL())
	js := streams(t, nc)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := natsd.Start(natsd.Options{DataDir: p.DataDir()}); err == nil || !strings.Contains(err.Error(), "is in use by process") {
		t.Fatalf("a second server on the same files: %v", err)
	}
	const rounds, each = 3, 100
	for round := range rounds {
		for i := range each {
			if _, err := js.Publish(t.Context(), fmt.Sprintf("s.%d.%d", round, i), nil); err != nil {
				t.Fatal(err)
			}
		}
		p.Kill()
		if err := nc.Publish("x", nil); err == nil {
			if _, err := nc.RTT(); err == nil {
				t.Fatal("the process answers after it was killed")
			}
		}
		p.Start()
		eventually(t, "the client is back on the same URL", func() error {
			_, err := nc.RTT()
			return err
		})
	}
	st, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if got := st.CachedInfo().State.Msgs; got != rounds*each {
		t.Errorf("%d messages after %d kills, want %d", got, rounds, rounds*each)
	}
}

func TestProcessFreezeAndStop(t *testing.T) {
	p := bustest.NewProcess(t)
	nc := connect(t, p.URL())
	p.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := nc.FlushWithContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a frozen server answers: %v", err)
	}
	p.Thaw()
	if err := nc.Flush(); err != nil {
		t.Errorf("after the thaw: %v", err)
	}
	p.Freeze()
	p.Stop()
	if _, err := nats.Connect(p.URL()); err == nil {
		t.Error("a stopped server accepted a client")
	}
	p.Start()
	connect(t, p.URL())
}

// A cluster of three goes on without any one of them, and whoever was cut off comes to agree.
func TestProcesses(t *testing.T) {
	c := bustest.NewProcesses(t, 3)
	nc := connect(t, c.Node(0).URL())
	js := streams(t, nc)
	eventually(t, "a stream of three copies", func() error {
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, Replicas: 3})
		return err
	})
	publish := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := js.Publish(ctx, "s.a", nil)
		return err
	}
	for i := 1; i < c.Len(); i++ {
		c.Node(i).Kill()
		eventually(t, "the other two take a message", publish)
		c.Node(i).Start()
	}
	c.Partition(bustest.Cut, []int{0})
	if err := publish(); err == nil {
		t.Error("a node alone took a message for a stream of three")
	}
	c.Heal()
	eventually(t, "the healed cluster takes a message", publish)
}

// natsnode itself, in this process: what it prints, and when it ends.
func TestNode(t *testing.T) {
	stdin, parent := io.Pipe()
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run.Node(context.Background(), []string{"-data-dir", t.TempDir(), "-token", "t", "-until-stdin-ends"}, stdin, stdout, io.Discard)
	}()
	line := make([]byte, 100)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(strings.TrimSpace(string(line[:n])), nats.Token("t"))
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	_ = parent.Close()
	if err := bustest.Next(t, "the node's end after its parent's", done); err != nil {
		t.Errorf("its parent ended: %v", err)
	}

	var usage bytes.Buffer
	if err := run.Node(t.Context(), []string{"-no-such"}, nil, io.Discard, &usage); err == nil || !strings.Contains(usage.String(), "-data-dir") {
		t.Errorf("an unknown flag: %v, %s", err, &usage)
	}
	if err := run.Node(t.Context(), nil, nil, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "no data directory") {
		t.Errorf("no data directory: %v", err)
	}
}
