package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"callmesh/turnctl/coturn"
	"callmesh/turnctl/turnauth"
	"callmesh/turnctl/turntest"
)

// station is a directory in which turnctl provision sets up a relay.
type station struct {
	t             *testing.T
	dir, program  string
	conf, userDB  string
	config        string
	secret, telly string // the shared secret, and the password of coturn's command-line interface
	addr          string
	powerless     bool // without root's right to read every file
	output        output
}

// output collects what programs say.
type output struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func newStation(t *testing.T, ip string, cliPort int) *station {
	t.Helper()
	dir := t.TempDir()
	s := &station{
		t: t, dir: dir, program: filepath.Join(dir, "turnctl"), conf: filepath.Join(dir, "turnserver.conf"), userDB: filepath.Join(dir, "turndb"),
		config: filepath.Join(dir, "relay.yaml"), secret: "station-secret-0123456789", telly: "station-telnet-0123456789", addr: net.JoinHostPort(ip, "3478"),
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, s.program); err != nil { // testscript runs turnctl by this name
		t.Fatal(err)
	}
	s.write("secret", s.secret)
	s.write("telnet", s.telly)
	s.write("relay.yaml", fmt.Sprintf("listen-ip: %s\nmin-port: 50000\nmax-port: 50499\nrealm: station.example\nsecret-file: %s/secret\nuserdb: %s\nconf: %s\ntls-off: true\n"+
		"cli-password-file: %s/telnet\ncli-port: %d\n", ip, dir, s.userDB, s.conf, dir, cliPort))
	t.Cleanup(func() {
		if said := s.output.String(); strings.Contains(said, s.secret) || strings.Contains(said, s.telly) {
			t.Error("a secret was printed")
		}
		if t.Failed() {
			t.Log(s.output.String())
		}
	})
	return s
}

func (s *station) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *station) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.program, args...)
	if s.powerless {
		cmd = exec.Command("setpriv", append([]string{"--bounding-set=-all", "--inh-caps=-all", s.program}, args...)...)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// run runs turnctl to its end, and gives what it printed and its exit code.
func (s *station) run(args ...string) (out string, code int) {
	s.t.Helper()
	cmd := s.command(args...)
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &s.output
	err := cmd.Run()
	_, _ = s.output.Write(stdout.Bytes())
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return stdout.String(), cmd.ProcessState.ExitCode()
}

func (s *station) provision(more ...string) (string, int) {
	s.t.Helper()
	return s.run(append([]string{"provision", "--config", s.config, "--supervise"}, more...)...)
}

// start provisions in the background, and waits until it is proved.
func (s *station) start() (supervisor *exec.Cmd, ended <-chan int) {
	s.t.Helper()
	cmd := s.command("provision", "--config", s.config, "--supervise")
	said := new(output)
	cmd.Stdout, cmd.Stderr = said, &s.output
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan int, 1)
	go func() {
		_ = cmd.Wait()
		done <- cmd.ProcessState.ExitCode()
	}()
	s.t.Cleanup(func() { _ = cmd.Process.Kill() })
	s.until("it is proved", func() bool {
		if strings.Contains(said.String(), "provision: unhealthy") {
			s.t.Fatalf("it was not proved:\n%s", said.String())
		}
		return strings.Contains(said.String(), "provision: healthy")
	})
	return cmd, done
}

// codeOf waits for the exit code of what ends by itself: where a drain failed, the supervisor would go on for ever.
func (s *station) codeOf(what string, ended <-chan int) int {
	s.t.Helper()
	select {
	case code := <-ended:
		return code
	case <-time.After(time.Minute):
		s.t.Errorf("%s does not end", what)
		return -1
	}
}

func (s *station) until(what string, is func() bool) {
	s.t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("never: %s", what)
		}
	}
}

func (s *station) read(path string) string {
	s.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s *station) call(secret string) (*turntest.Caller, error) {
	s.t.Helper()
	credential, err := turnauth.Mint(turnauth.NewSecret(secret), "alice", time.Hour, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return turntest.CallWith(s.t, s.addr, "station.example", credential)
}

func (s *station) pid() int {
	s.t.Helper()
	p, err := coturn.FindProcess(s.conf)
	if err != nil {
		return 0
	}
	return p.PID
}
