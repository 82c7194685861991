package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"callmesh/bus/bustest"
	"callmesh/edge/edgetest"
)

// tiedEdge is the name under which a test binary is the program edge: see TestMain. Such an edge ends with whoever started it.
const tiedEdge = "tied-edge"

// runTied is the program, until standard input ends. A test that is killed leaves no edge behind.
func runTied() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	os.Args[0] = "edge"
	main()
}

// edgeProcess is `edge serve` in a process of its own. Clients reach it through a proxy, so its address stays the same while it comes and goes.
type edgeProcess struct {
	t     *testing.T
	name  string
	args  []string
	proxy *bustest.Proxy
	log   *processLog

	cmd   *exec.Cmd // nil while it does not run
	stdin io.Closer
	read  sync.WaitGroup // the goroutine that reads what it logs
	admin string         // http://…, of this run
	// patience is for how long it may take to come up.
	patience time.Duration
}

// startEdge runs an edge on the NATS, and returns when it is ready.
func startEdge(t *testing.T, name string, natsURLs []string, args ...string) *edgeProcess {
	t.Helper()
	p := &edgeProcess{
		t: t, name: name, proxy: bustest.NewProxy(t, ""), log: &processLog{t: t, name: name}, patience: time.Minute,
		args: append([]string{
			"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--region", "eu", "--data-dir", t.TempDir(),
			"--nats-url", strings.Join(natsURLs, ","), "--log-format", "json",
		}, args...),
	}
	t.Cleanup(p.kill)
	p.launch()
	return p
}

// url is where clients connect.
func (p *edgeProcess) url() string { return "ws://" + p.proxy.Addr() + "/v1/ws" }

// launch starts the process and waits until it is ready.
func (p *edgeProcess) launch() {
	p.t.Helper()
	p.spawn()
	p.awaitReady()
}

// spawn starts the process and returns when it serves, ready or not.
func (p *edgeProcess) spawn() {
	p.t.Helper()
	self, err := os.Executable()
	must(p.t, err)
	cmd := exec.Command(self)
	cmd.Args = append([]string{tiedEdge}, p.args...)
	cmd.Env = append(os.Environ(), "CALLMESH_AUTH_SECRET="+edgetest.Secret)
	p.stdin, err = cmd.StdinPipe()
	must(p.t, err)
	stderr, err := cmd.StderrPipe()
	must(p.t, err)
	must(p.t, cmd.Start())
	p.cmd = cmd
	serving := make(chan addresses, 1)
	p.read.Go(func() { p.log.follow(stderr, serving) })
	select {
	case at, ok := <-serving:
		if !ok {
			p.t.Fatalf("%s ended before it served: see its log", p.name)
		}
		p.admin = at.admin
		p.proxy.SetTarget(at.public)
	case <-time.After(p.patience):
		p.t.Fatalf("%s does not serve", p.name)
	}
}

func (p *edgeProcess) awaitReady() {
	p.t.Helper()
	deadline := time.Now().Add(p.patience)
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		if _, err := p.get("/readyz"); err == nil {
			return
		} else if time.Now().After(deadline) {
			p.t.Fatalf("%s is not ready: %v", p.name, err)
		}
		<-time.After(wait)
	}
}

// get asks the admin listener.
func (p *edgeProcess) get(path string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.admin+path, nil)
	if err != nil {
		return "", err
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, res.Status)
	}
	return string(body), err
}

// kill ends it with SIGKILL, if it runs, and returns when it is gone.
func (p *edgeProcess) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.reap()
}

// stop ends it with SIGTERM, as an upgrade does, and returns when it is gone.
func (p *edgeProcess) stop() {
	p.t.Helper()
	must(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	if err := p.reap(); err != nil {
		p.t.Errorf("%s was told to stop, and ended with %v", p.name, err)
	}
}

// reap waits for the end of the process and of its log.
func (p *edgeProcess) reap() error {
	p.read.Wait() // before Wait, which closes the pipe
	err := p.cmd.Wait()
	_ = p.stdin.Close()
	p.cmd = nil
	p.proxy.SetTarget("")
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 66 {
		p.t.Errorf("%s: the race detector found something: see its log", p.name)
	}
	return err
}

// freeze lets the process stand still until thaw, with its connections open.
func (p *edgeProcess) freeze() {
	p.t.Helper()
	bustest.Halt(p.t, p.cmd.Process)
}

func (p *edgeProcess) thaw() {
	p.t.Helper()
	must(p.t, p.cmd.Process.Signal(syscall.SIGCONT))
}

// addresses are where an edge listens, as its log tells.
type addresses struct{ public, admin string }

// processLog passes what a process logs on to the test, which shows it when it fails.
type processLog struct {
	t    *testing.T
	name string
}

// follow reads the log to its end. serving gets the addresses once both are known, and is closed.
func (l *processLog) follow(r io.Reader, serving chan<- addresses) {
	var at addresses
	told := false
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text := lines.Text()
		_, _ = fmt.Fprintf(l.t.Output(), "%s %s: %s\n", time.Now().Format("05.000"), l.name, text)
		if strings.Contains(text, "WARNING: DATA RACE") || strings.HasPrefix(text, "panic:") {
			l.t.Errorf("%s: %s", l.name, text)
		}
		var record struct {
			Msg, URL string
			URLs     []string
		}
		if told || json.Unmarshal([]byte(text), &record) != nil {
			continue
		}
		switch record.Msg {
		case "metrics":
			at.admin = strings.TrimSuffix(record.URL, "/metrics")
		case "serving":
			if u, err := url.Parse(record.URLs[0]); err == nil {
				at.public = net.JoinHostPort("127.0.0.1", u.Port())
			}
		}
		if told = at.admin != "" && at.public != ""; told {
			serving <- at
		}
	}
	close(serving)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
