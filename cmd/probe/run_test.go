package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "callmesh/bus/bustest" // makes this program a nats-server where it is told to be one
	"callmesh/bus/wire"
	"callmesh/probe/lab"
	"callmesh/probe/report"
)

const labNATS = "nats://a-token@203.0.113.1:4222"

// startNATS runs a nats-server at the laboratory's server, and an edge that uses it, as the streams are edges' to make.
func (w *world) startNATS() {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	c := w.lab.Command(w.t.Context(), lab.Server, self, "-data-dir", w.t.TempDir(), "-listen", "203.0.113.1:4222", "-token", "a-token", "-until-stdin-ends")
	c.Env, c.Stderr = append(os.Environ(), "CALLMESH_TEST_NATSNODE=1"), os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = in.Close(); _ = c.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		w.t.Fatal("nats-server does not start: ", err)
	}
	w.startEdge(w.t.TempDir(), w.cert, w.key, labSecret, "--nats-url", labNATS, "--region", "eu")
}

// running is probe at work.
type running struct {
	t     *testing.T
	c     *exec.Cmd
	out   bytes.Buffer
	said  *bufio.Scanner // its standard error
	lines strings.Builder
	// mu guards lines.
	mu   sync.Mutex
	done chan struct{}
}

// probeAt starts probe at a site or at the server.
func (w *world) probeAt(t *testing.T, where string, args ...string) *running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := w.lab.Command(t.Context(), where, self, args...)
	c.Env = append(os.Environ(), asProbe+"=1", "SSL_CERT_FILE="+w.ca)
	return begin(t, c)
}

// here starts probe on this machine.
func here(t *testing.T, args ...string) *running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self, args...)
	c.Env = append(os.Environ(), asProbe+"=1")
	return begin(t, c)
}

func begin(t *testing.T, c *exec.Cmd) *running {
	t.Helper()
	r := &running{t: t, c: c, done: make(chan struct{})}
	r.c.Stdout = &r.out
	errs, err := r.c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.c.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(10*time.Minute, func() { _ = r.c.Process.Kill() }) // who waits for it is told that it ended
	t.Cleanup(func() { late.Stop() })
	r.said = bufio.NewScanner(errs)
	return r
}

// until reads what it says until a line has the words.
func (r *running) until(words string) {
	r.t.Helper()
	for r.said.Scan() {
		r.mu.Lock()
		r.lines.WriteString(r.said.Text() + "\n")
		r.mu.Unlock()
		if strings.Contains(r.said.Text(), words) {
			return
		}
	}
	r.t.Fatalf("%v ended before it said %q:\n%s", r.c.Args, words, r.lines.String())
}

// follow reads on beside the test.
func (r *running) follow() *running {
	go func() {
		defer close(r.done)
		for r.said.Scan() {
			r.mu.Lock()
			r.lines.WriteString(r.said.Text() + "\n")
			r.mu.Unlock()
		}
	}()
	return r
}

// end waits for it, and gives its exit code and what it wrote.
func (r *running) end() (code int, stdout, stderr string) {
	r.t.Helper()
	<-r.done
	var exit *exec.ExitError
	if err := r.c.Wait(); err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	return r.c.ProcessState.ExitCode(), r.out.String(), r.lines.String()
}

// agent starts one at the site of a kind. It is there once it says that it is announced: it tells its NAT first.
func (w *world) agent(t *testing.T, kind lab.Kind) *running {
	t.Helper()
	return w.probeAt(t, w.sites[kind], "agent", "--id", string(kind), "--region", "r-"+string(kind), "--network", "n-"+string(kind), "--nats-url", labNATS,
		"--server", "stun:203.0.113.1:3478", "--wait", "250ms", "--admin-listen", "127.0.0.1:0")
}

func (r *running) announced() *running {
	r.t.Helper()
	r.until("msg=announced")
	return r.follow()
}

// run starts a run, with JSON on its standard output.
func (w *world) run(t *testing.T, id string, args ...string) *running {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(labSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all := append([]string{"run", "--nats-url", labNATS, "--run", id, "--output", "json", "--turn-secret-file", secret}, args...)
	for _, u := range labRelay {
		all = append(all, "--turn-url", u)
	}
	return w.probeAt(t, lab.Server, all...)
}

// reported is what `probe report` says of a run.
func (w *world) reported(t *testing.T, id string) report.Source {
	t.Helper()
	code, out, errs := w.probeAt(t, lab.Server, "report", "--nats-url", labNATS, "--run", id, "--output", "json").follow().end()
	var r report.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || len(r.Sources) != 1 {
		t.Fatalf("report: exit %d, %v: %s", code, err, errs)
	}
	return r.Sources[0]
}

func summaryOf(t *testing.T, out string) (s runSummary) {
	t.Helper()
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return s
}

// The whole of it, as operators run it: agents behind NATs that they tell by themselves, a run, and the report of it, in which everything came as predicted; a relay that is
// stopped, and an agent that is killed, in the middle of runs; and an end in good order.
func TestAgentsAndRuns(t *testing.T) {
	if !entered(t) {
		return
	}
	kinds := []lab.Kind{lab.EIMADF, lab.APDMAPDF, lab.EIMAPDF, lab.UDPBlocked}
	w := buildWorld(t, kinds...)
	w.startNATS()
	agents := map[lab.Kind]*running{}
	for _, k := range kinds {
		agents[k] = w.agent(t, k)
	}
	for _, a := range agents {
		a.announced()
	}

	code, out, errs := w.run(t, "first", "--modes", "direct,relay-tcp", "--repeat", "1").follow().end()
	if s := summaryOf(t, out); code != 0 || s.Planned != 12 || s.Made != 12 || len(s.Left) != 0 || s.Modes[1].Results[wire.ResultConnected] != 6 {
		t.Fatalf("exit %d, %+v:\n%s", code, s, errs)
	}
	got := w.reported(t, "first")
	if p := got.Prediction; p.Agree != 6 || p.Differ != 0 || p.Unsure != 0 {
		t.Errorf("held against the prediction: %+v", p)
	}
	if got.Networks != 4 || got.Modes[0].Connected != 2 || got.Modes[0].Failed != 4 {
		t.Errorf("%d networks, %+v", got.Networks, got.Modes[0].Tally)
	}
	w.killAnAgent(t, agents)
	w.stopTheRelay(t)

	for k, a := range agents {
		if err := a.c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if code, _, said := a.end(); code != 0 {
			t.Errorf("%s: exit %d:\n%s", k, code, said)
		}
	}
	code, _, errs = w.run(t, "nobody", "--patience", "1s").follow().end()
	if code != 3 || !strings.Contains(errs, "takes two agents, and within 1s there is 0") {
		t.Errorf("without agents: exit %d:\n%s", code, errs)
	}
}

// killAnAgent kills one in the middle of a run. The run ends, and says how it goes on; it does when the agent is back.
func (w *world) killAnAgent(t *testing.T, agents map[lab.Kind]*running) {
	t.Helper()
	args := []string{"--modes", "direct", "--repeat", "4", "--agents", string(lab.EIMADF) + "," + string(lab.EIMAPDF), "--patience", "12s"}
	r := w.run(t, "killed", args...)
	r.until("1 of 4: ")
	if err := agents[lab.EIMAPDF].c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	agents[lab.EIMAPDF].end()
	code, out, errs := r.follow().end()
	s := summaryOf(t, out)
	if code != 3 || len(s.Left) == 0 || s.Made+len(s.Left) != 4 || !strings.Contains(errs, "probe run --run killed") {
		t.Fatalf("exit %d, %+v:\n%s", code, s, errs)
	}
	agents[lab.EIMAPDF] = w.agent(t, lab.EIMAPDF).announced()
	code, out, errs = w.run(t, "killed", args...).follow().end()
	if again := summaryOf(t, out); code != 0 || again.Before != s.Made || again.Made != len(s.Left) {
		t.Errorf("gone on with: exit %d, %+v:\n%s", code, again, errs)
	}
	m := w.reported(t, "killed").Modes[0]
	if m.Attempts != 4 || m.Failed+m.NoCandidates != 0 || m.NoSignalling > 1 {
		t.Errorf("its death is taken for the network's doing: %+v, %v", m.Tally, m.Steps)
	}
}

// stopTheRelay stops coturn in the middle of a run: from then on there is no relay to be had, which is where attempts fail.
func (w *world) stopTheRelay(t *testing.T) {
	t.Helper()
	r := w.run(t, "stopped", "--modes", "relay-udp", "--repeat", "4", "--limit", "15s", "--agents", string(lab.EIMADF)+","+string(lab.EIMAPDF))
	r.until("1 of 4: ")
	w.stopRelay()
	code, out, errs := r.follow().end()
	if s := summaryOf(t, out); code != 0 || s.Made != 4 || len(s.Left) != 0 {
		t.Fatalf("exit %d, %+v:\n%s", code, s, errs)
	}
	// One may have been under way.
	m := w.reported(t, "stopped").Modes[0]
	if m.Connected < 1 || m.NoCandidates < 2 || m.NoSignalling != 0 || m.Steps[0].Name != string(wire.StepGather) {
		t.Errorf("%+v, %v", m.Tally, m.Steps)
	}
}

// Who interrupts a run that waits for a NATS that is not there need not wait with it.
func TestARunIsInterruptedBeforeItBegins(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	waits := time.AfterFunc(100*time.Millisecond, stop)
	defer waits.Stop()
	c := RunConfig{MeshConfig: MeshConfig{NATSURL: []string{"nats://127.0.0.1:1"}}}
	began := time.Now()
	err := c.do(ctx, io.Discard, io.Discard, slog.New(slog.DiscardHandler))
	if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "interrupted") || took > busTimeout/2 {
		t.Errorf("after %v: %v", took, err)
	}
}

func TestAgentAndRunUsage(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"an agent without a name": {[]string{"agent", "--region", "eu", "--nats-url", "nats://127.0.0.1:1"}, "id: "},
		"an agent without a bus":  {[]string{"agent", "--id", "a", "--region", "eu"}, "nats-url: not given"},
		"a bad STUN server":       {[]string{"agent", "--id", "a", "--region", "eu", "--nats-url", "nats://127.0.0.1:1", "--server", "turn:x"}, "server: "},
		"a run without a bus":     {[]string{"run"}, "nats-url: not given"},
		"one agent":               {[]string{"run", "--nats-url", "nats://127.0.0.1:1", "--agents", "a,a"}, "it takes two"},
		"a mode":                  {[]string{"run", "--nats-url", "nats://127.0.0.1:1", "--modes", "any"}, `there is no "any"`},
		"a relay's URL":           {[]string{"run", "--nats-url", "nats://127.0.0.1:1", "--turn-url", "relay"}, "want stun:HOST:PORT"},
	} {
		_, stderr, code := probe(t, c.args...)
		if code != 2 || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: exit %d, %q; want 2 and %q", name, code, stderr, c.says)
		}
	}
}
