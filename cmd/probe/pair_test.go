package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"callmesh/bus/wire"
	"callmesh/probe/lab"
	"callmesh/probe/nat"
	"callmesh/probe/pair"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turntest"
)

// world is a laboratory with an edge and a relay.
type world struct {
	t     *testing.T
	lab   *lab.Lab
	sites map[lab.Kind]string
	token string
	// ca is a file, as are the relay's certificate and its key.
	ca, cert, key string
	relay         *lab.Relay
	stopped       sync.Once
}

// labRelay are the relay's URLs, and labSecret is its secret.
var labRelay = []string{"turn:203.0.113.1:3478?transport=udp", "turn:203.0.113.1:3478?transport=tcp", "turns:203.0.113.1:443?transport=tcp"}

const labSecret = "a secret of the laboratory's relay"

func newWorld(t *testing.T, kinds ...lab.Kind) *world {
	t.Helper()
	w := buildWorld(t, kinds...)
	w.startEdge(t.TempDir(), w.cert, w.key, labSecret)
	return w
}

// buildWorld is a world without an edge.
func buildWorld(t *testing.T, kinds ...lab.Kind) *world {
	t.Helper()
	w := &world{t: t, sites: map[lab.Kind]string{}}
	var sites []lab.Site
	for i, k := range kinds {
		name := fmt.Sprintf("p%d", i)
		sites = append(sites, lab.Site{Name: name, Kind: k})
		w.sites[k] = name
	}
	l, err := lab.Start(t.Context(), sites)
	if err != nil {
		t.Fatal(err)
	}
	w.lab = l
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	ca := turntest.NewCA(t)
	issued := ca.Issue(t, time.Now().Add(time.Hour), lab.ServerAddr.String())
	w.ca, w.cert, w.key = ca.File, issued.CertFile, issued.KeyFile
	if w.relay, err = l.StartRelay(t.Context(), lab.RelayOptions{Secret: turnauth.NewSecret(labSecret), CertFile: w.cert, KeyFile: w.key}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.stopRelay)
	return w
}

// stopRelay ends coturn; it may have ended.
func (w *world) stopRelay() {
	w.stopped.Do(func() {
		if err := w.relay.Stop(); err != nil {
			w.t.Error(err)
		}
	})
}

// startEdge runs a real edge, with a NATS of its own unless more says otherwise, beside the relay.
func (w *world) startEdge(dir, cert, key, secret string, more ...string) {
	w.t.Helper()
	edge := filepath.Join(dir, "edge")
	if out, err := exec.CommandContext(w.t.Context(), "go", "build", "-o", edge, "callmesh/cmd/edge").CombinedOutput(); err != nil {
		w.t.Fatalf("building an edge: %v: %s", err, out)
	}
	env := append(os.Environ(), "CALLMESH_TURN_SECRET="+secret, "CALLMESH_AUTH_SECRET=a secret of at least thirty-two bytes", "CALLMESH_DATA_DIR="+filepath.Join(dir, "data"))
	var logged bytes.Buffer
	args := append([]string{"serve", "--listen", lab.ServerAddr.String() + ":8443", "--admin-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key}, more...)
	for _, u := range labRelay {
		args = append(args, "--turn-url", u)
	}
	c := w.lab.Command(w.t.Context(), lab.Server, edge, args...)
	said, err := c.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	c.Env, c.Stderr = env, &logged
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	ready, read := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(said); lines.Scan(); {
			if strings.Contains(lines.Text(), "callmesh is ready") {
				close(ready)
			}
		}
	}()
	w.t.Cleanup(func() {
		_ = c.Process.Kill()
		<-read
		_ = c.Wait()
		if w.t.Failed() {
			w.t.Logf("%s", logged.String())
		}
	})
	token := exec.CommandContext(w.t.Context(), edge, "token", "--user", "probe")
	token.Env = env
	out, err := token.Output()
	if err != nil {
		w.t.Fatal(err)
	}
	w.token = strings.TrimSpace(string(out))
	select {
	case <-ready:
	case <-time.After(30 * time.Second):
		w.t.Fatal("the edge does not become ready")
	}
}

// result is what one host of a pair printed, and its exit code.
type result struct {
	attempts []pair.Attempt
	stderr   string
	code     int
}

// start runs `probe pair` at a site.
func (w *world) start(t *testing.T, kind lab.Kind, room string, args ...string) func() result {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := w.lab.Command(t.Context(), w.sites[kind], self, append([]string{"pair", "--url", "wss://203.0.113.1:8443", "--room", room, "--ca", w.ca, "--output", "json"}, args...)...)
	// The relay's certificate is checked too.
	c.Env = append(os.Environ(), asProbe+"=1", "CALLMESH_TOKEN="+w.token, "SSL_CERT_FILE="+w.ca)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return func() result {
		var exit *exec.ExitError
		if err := c.Wait(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		r := result{stderr: errs.String(), code: c.ProcessState.ExitCode()}
		if out.Len() > 0 {
			if err := json.Unmarshal(out.Bytes(), &r.attempts); err != nil {
				t.Fatalf("%v in %s", err, out.String())
			}
		}
		return r
	}
}

func (w *world) pair(t *testing.T, a, b lab.Kind, mode string, args ...string) (result, result) {
	t.Helper()
	args = append([]string{"--mode", mode}, args...)
	room := strings.Join([]string{string(a), string(b), mode}, " ")
	first, second := w.start(t, a, room, args...), w.start(t, b, room, args...)
	return first(), second()
}

// Every pair of the kinds, directly: what comes of it is what was predicted. By the relay: it connects wherever there is any way to it.
func TestPairsComeToWhatIsPredicted(t *testing.T) {
	if !entered(t) {
		return
	}
	kinds := []lab.Kind{lab.Open, lab.EIMADF, lab.EIMAPDF, lab.APDMAPDF, lab.UDPBlocked}
	w := newWorld(t, kinds...)
	for i, a := range kinds {
		for _, b := range kinds[i+1:] {
			t.Run(string(a)+" with "+string(b), func(t *testing.T) {
				t.Parallel()
				w.direct(t, a, b)
			})
		}
	}
}

func (w *world) direct(t *testing.T, a, b lab.Kind) {
	want := wire.ResultFailed
	if nat.Predict(a.Class(), b.Class()) == nat.Direct {
		want = wire.ResultConnected
	}
	ra, rb := w.pair(t, a, b, "direct", "--limit", "15s")
	for _, r := range []result{ra, rb} {
		if len(r.attempts) != 1 {
			t.Fatalf("%d attempts, exit %d: %s", len(r.attempts), r.code, r.stderr)
		}
		got := r.attempts[0]
		if got.Result != want || got.Path == wire.PathRelay || (want == wire.ResultFailed) != (r.code == 1) {
			t.Errorf("%+v, exit %d, want %s", got, r.code, want)
		}
		if want == wire.ResultConnected && (got.RTTMs <= 0 || got.KbitPerS <= 0 || got.Loss > 0.5 || got.PairMs <= 0 || got.ConnectMs < got.PairMs || got.Ms < got.ConnectMs) {
			t.Errorf("figures %+v", got)
		}
		if want == wire.ResultFailed && got.Step != wire.StepCheck {
			t.Errorf("failed at %s", got.Step)
		}
	}
}

func TestPairsByARelay(t *testing.T) {
	if !entered(t) {
		return
	}
	w := newWorld(t, lab.APDMAPDF, lab.UDPBlocked)
	for _, c := range []struct {
		mode string
		over wire.Protocol
	}{{"relay-tcp", wire.ProtocolTCP}, {"relay-tls", wire.ProtocolTLS}} {
		ra, rb := w.pair(t, lab.APDMAPDF, lab.UDPBlocked, c.mode, "--repeat", "2")
		for _, r := range []result{ra, rb} {
			if r.code != 0 || len(r.attempts) != 2 {
				t.Fatalf("%s: exit %d, %+v: %s", c.mode, r.code, r.attempts, r.stderr)
			}
			for _, a := range r.attempts {
				if a.Result != wire.ResultConnected || a.Path != wire.PathRelay || a.Theirs != wire.PathRelay || a.Protocol != c.over || a.RTTMs <= 0 {
					t.Errorf("%s: %+v", c.mode, a)
				}
			}
		}
	}
	// Over UDP one of the two finds no relay: nothing can be tried.
	_, blocked := w.pair(t, lab.APDMAPDF, lab.UDPBlocked, "relay-udp", "--limit", "10s")
	if len(blocked.attempts) != 1 || blocked.attempts[0].Result != wire.ResultNoCandidates || blocked.attempts[0].Step != wire.StepGather || blocked.code != 1 {
		t.Errorf("relay-udp without UDP: exit %d, %+v: %s", blocked.code, blocked.attempts, blocked.stderr)
	}
	// As a call would, whatever works is used.
	ra, rb := w.pair(t, lab.APDMAPDF, lab.UDPBlocked, "all")
	for _, r := range []result{ra, rb} {
		// ICE waits 2 s before it takes a relay, which is in the time to the selected pair alone.
		if r.code != 0 || r.attempts[0].Path != wire.PathRelay || r.attempts[0].ConnectMs < 2000 || r.attempts[0].PairMs <= 0 || r.attempts[0].PairMs >= r.attempts[0].ConnectMs {
			t.Errorf("all: exit %d, %+v: %s", r.code, r.attempts, r.stderr)
		}
	}
}

func TestPairsThatCanNotBe(t *testing.T) {
	if !entered(t) {
		return
	}
	w := newWorld(t, lab.Open, lab.EIMAPDF)
	alone := w.start(t, lab.Open, "nobody else", "--meet", "1s")()
	if alone.code != 3 || !strings.Contains(alone.stderr, "nobody else came") {
		t.Errorf("alone: exit %d, %s", alone.code, alone.stderr)
	}
	first := w.start(t, lab.Open, "two minds", "--mode", "direct")
	second := w.start(t, lab.EIMAPDF, "two minds", "--mode", "all")
	for _, r := range []result{first(), second()} {
		if r.code != 3 || !strings.Contains(r.stderr, "where this side does") {
			t.Errorf("of two minds: exit %d, %s", r.code, r.stderr)
		}
	}
	w.token = "no token"
	refused := w.start(t, lab.Open, "no token")()
	if refused.code != 3 || !strings.Contains(refused.stderr, "hello") || strings.Contains(refused.stderr, "no token") {
		t.Errorf("a bad token: exit %d, %s", refused.code, refused.stderr)
	}
}
