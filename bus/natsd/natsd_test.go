package natsd_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"callmesh/bus/bustest"
	"callmesh/bus/natsd"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// patience bounds each wait of these tests, as a machine may be busy.
const patience = 40 * time.Second

// start runs a server for the test and fails the test if it does not come up.
func start(t *testing.T, o natsd.Options) *natsd.Server {
	t.Helper()
	if o.DataDir == "" {
		o.DataDir = t.TempDir()
	}
	s, err := natsd.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

func connect(t *testing.T, url string, opts ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// stream opens the stream "S", made by the first call on a data directory.
func stream(t *testing.T, nc *nats.Conn) (jetstream.JetStream, jetstream.Stream) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	st, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}})
	if err != nil {
		t.Fatal(err)
	}
	return js, st
}

func TestInProcessOnly(t *testing.T) {
	s := start(t, natsd.Options{})
	if url := s.ClientURL(); url != "" {
		t.Errorf("ClientURL is %q, want none: nothing listens", url)
	}
	a := connect(t, "", nats.InProcessServer(s.InProcess()))
	b := connect(t, "", nats.InProcessServer(s.InProcess()))
	if got, want := a.MaxPayload(), int64(128<<10); got != want {
		t.Errorf("max payload is %d, want %d", got, want)
	}
	sub, err := a.SubscribeSync("x")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish("x", []byte("hi")); err != nil {
		t.Fatal(err)
	}
	msg, err := sub.NextMsg(patience)
	if err != nil || string(msg.Data) != "hi" {
		t.Fatalf("got %v, %v", msg, err)
	}
}

func TestStreamsSurviveRestart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, natsd.Options{DataDir: dir})
	js, _ := stream(t, connect(t, "", nats.InProcessServer(s.InProcess())))
	if _, err := js.Publish(t.Context(), "s.1", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	s.Shutdown()

	s = start(t, natsd.Options{DataDir: dir})
	_, st := stream(t, connect(t, "", nats.InProcessServer(s.InProcess())))
	msg, err := st.GetLastMsgForSubject(t.Context(), "s.1")
	if err != nil || string(msg.Data) != "kept" {
		t.Fatalf("after the restart: %v, %v", msg, err)
	}
}

func TestOneServerPerDataDir(t *testing.T) {
	dir := t.TempDir()
	s := start(t, natsd.Options{DataDir: dir})
	_, err := natsd.Start(natsd.Options{DataDir: dir})
	want := "embedded nats: data directory " + dir + " is in use by process " + strconv.Itoa(os.Getpid()) +
		": stop it, or choose another directory"
	if err == nil || err.Error() != want {
		t.Fatalf("second start: %v\nwant %s", err, want)
	}
	s.Shutdown()
	start(t, natsd.Options{DataDir: dir})
}

// A directory that cannot be used must be said so, and must not stay locked.
func TestStartFailureReleasesDataDir(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	dir := t.TempDir()
	_, err = natsd.Start(natsd.Options{DataDir: dir, ListenAddr: taken.Addr().String()})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Fatalf("a taken port: %v", err)
	}
	start(t, natsd.Options{DataDir: dir, ListenAddr: "127.0.0.1:0"})

	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := natsd.Start(natsd.Options{DataDir: file}); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Fatalf("a file as data directory: %v", err)
	}
}

// A plain nats-server exits when its route port is taken, after it has started;
// here that must reach the process's owner as an error.
func TestFailureAfterStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	s, err := natsd.Start(natsd.Options{
		DataDir: t.TempDir(), ListenAddr: "127.0.0.1:0",
		ClusterName: "c", ClusterListen: taken.Addr().String(), Routes: []string{taken.Addr().String()},
	})
	const want = "address already in use"
	if err != nil { // it was quicker than Start
		if !strings.Contains(err.Error(), want) {
			t.Fatalf("Start: %v", err)
		}
		return
	}
	t.Cleanup(s.Shutdown)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Ready(ctx); err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("Ready: %v", err)
	}
	bustest.Next(t, "the server says that it failed", s.Failed())
	if s.Err() == nil {
		t.Fatal("Failed without Err")
	}
}

func TestReadySaysWhatIsMissing(t *testing.T) {
	alone, err := natsd.Start(natsd.Options{
		DataDir: t.TempDir(), ListenAddr: "127.0.0.1:0", ClusterName: "c", ClusterListen: "127.0.0.1:0",
		Routes: []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}, // nobody there
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(alone.Shutdown)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err = alone.Ready(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no leader yet") {
		t.Fatalf("Ready of one of three: %v", err)
	}
	if alone.RouteAddr() == "" {
		t.Error("no route address")
	}
}

func TestLameDuckSendsClientsAway(t *testing.T) {
	s := start(t, natsd.Options{ListenAddr: "127.0.0.1:0", LameDuck: 300 * time.Millisecond})
	told, closed := make(chan struct{}), make(chan struct{})
	connect(t, s.ClientURL(), nats.NoReconnect(),
		nats.LameDuckModeHandler(func(*nats.Conn) { close(told) }),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	s.LameDuck()
	bustest.Next(t, "the client is told of the lame duck", told)
	bustest.Next(t, "the client is sent away", closed)
	if _, err := nats.Connect(s.ClientURL()); err == nil {
		t.Error("a server that has ended accepted a client")
	}
}
