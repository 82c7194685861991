package bustest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"callmesh/bus/bustest/natsnode/run"
)

// nodeEnv makes a test binary a nats-server instead of running its tests.
const nodeEnv = "CALLMESH_TEST_NATSNODE"

// A test binary that imports this package starts itself again as the server of
// Process. That must happen before its main parses test flags, hence an init:
// no package needs a TestMain for it, and nothing has to be built.
func init() {
	if os.Getenv(nodeEnv) == "" {
		return
	}
	// No handling of SIGTERM: it ends the process, and Stop ends stdin instead.
	if err := run.Node(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "natsnode:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Process is a nats-server with JetStream in a process of its own, reached
// through a Proxy, so its URL stays the same over restarts. It stands alone, or
// is one of Processes.
type Process struct {
	t     testing.TB
	dir   string
	args  []string // beside those that every one has
	proxy *Proxy
	from  []*Proxy // the way in from each node of the cluster; none if it stands alone
	log   io.Writer

	// mu guards the following.
	mu    sync.Mutex
	cmd   *exec.Cmd     // nil while it does not run
	stdin io.Closer     // its end tells the process to end
	says  *bufio.Reader // what it prints
}

// NewProcess starts one that stands alone and returns when it is ready.
func NewProcess(t testing.TB) *Process {
	t.Helper()
	p := newProcess(t)
	p.Start()
	return p
}

func newProcess(t testing.TB) *Process {
	p := &Process{t: t, dir: t.TempDir(), proxy: NewProxy(t, ""), log: testOutput(t)}
	t.Cleanup(p.Kill)
	return p
}

// URL is where clients connect.
func (p *Process) URL() string { return "nats://" + p.proxy.Addr() }

// Proxy is the way that clients take to it.
func (p *Process) Proxy() *Proxy { return p.proxy }

// DataDir holds what it stores.
func (p *Process) DataDir() string { return p.dir }

// Start runs it, on the files it had, and returns when it is ready. It does
// nothing when it runs.
func (p *Process) Start() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		return
	}
	p.spawn()
	p.await()
}

// spawn runs it, and lets the other nodes reach it; clients can when it is ready. mu must be held.
func (p *Process) spawn() {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatalf("bustest: %v", err)
	}
	cmd := exec.Command(self, append([]string{"-data-dir", p.dir, "-until-stdin-ends"}, p.args...)...)
	cmd.Env = append(os.Environ(), nodeEnv+"=1")
	cmd.Stderr = p.log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		p.t.Fatalf("bustest: %v", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatalf("bustest: %v", err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatalf("bustest: %v", err)
	}
	p.cmd, p.stdin, p.says = cmd, stdin, bufio.NewReader(stdout)
	if len(p.from) > 0 {
		routes := p.line()
		for _, way := range p.from {
			way.SetTarget(routes)
		}
	}
}

// await returns when it is ready. mu must be held.
func (p *Process) await() {
	p.t.Helper()
	p.proxy.SetTarget(hostPort(p.line()))
}

func (p *Process) line() string {
	p.t.Helper()
	line, err := p.says.ReadString('\n')
	if err != nil {
		p.t.Fatalf("bustest: the nats process did not say where it listens: %v (%v)", err, p.cmd.Wait())
	}
	return strings.TrimSpace(line)
}

// Kill ends it with SIGKILL and returns when it is gone.
func (p *Process) Kill() { p.end(func(cmd *exec.Cmd) { _ = cmd.Process.Kill() }) }

// Stop ends it in order and returns when it is gone.
func (p *Process) Stop() {
	// A frozen process would never see its stdin end.
	p.end(func(cmd *exec.Cmd) { _ = cmd.Process.Signal(syscall.SIGCONT) })
}

// Freeze halts it (SIGSTOP), connections and all, until Thaw: a process that
// is there and does not answer. It returns when the process stands still.
func (p *Process) Freeze() {
	p.t.Helper()
	Halt(p.t, p.running("freeze").Process)
}

// Thaw lets a frozen process go on.
func (p *Process) Thaw() {
	p.t.Helper()
	if err := p.running("thaw").Process.Signal(syscall.SIGCONT); err != nil {
		p.t.Fatalf("bustest: thaw: %v", err)
	}
}

func (p *Process) running(why string) *exec.Cmd {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		p.t.Fatalf("bustest: %s: the nats process does not run", why)
	}
	return p.cmd
}

func (p *Process) end(how func(*exec.Cmd)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	p.proxy.SetTarget("")
	for _, way := range p.from {
		way.SetTarget("")
	}
	how(p.cmd)
	_ = p.stdin.Close()
	_ = p.cmd.Wait() // its exit code is the kill's; what matters went to the log
	p.cmd, p.stdin, p.says = nil, nil, nil
}
